// Pages opened from disk may not start workers, and the search runs in one. There, and only there,
// a hidden frame takes the worker's place. The search's worker needs of a worker: postMessage both
// ways, message events, importScripts.
(() => {
  if (location.protocol !== "file:") return;

  class FrameWorker extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inner = this.frame.contentWindow;
      inner.postMessage = later((data) => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        this.onmessage?.(event);
      });
      inner.importScripts = (...urls) =>
        urls.reduce((before, one) => before.then(() => loaded(inner.document, one)), Promise.resolve());
      this.deliver = later((data) => {
        inner.dispatchEvent(new inner.MessageEvent("message", { data }));
      });
      this.ready = loaded(inner.document, url);
      this.ready.catch((error) => {
        const event = new ErrorEvent("error", { message: error.message });
        this.dispatchEvent(event);
        this.onerror?.(event);
      });
    }

    postMessage(data) {
      this.ready.then(() => this.deliver(data), () => {});
    }

    terminate() {
      this.frame.remove();
    }
  }

  // As between threads: a copy, and never within the call that sends it.
  const later = (take) => (data) => {
    const copy = structuredClone(data);
    setTimeout(() => take(copy));
  };

  const loaded = (page, url) =>
    new Promise((done, failed) => {
      const script = page.createElement("script");
      script.src = new URL(url, location.href);
      script.onload = () => done();
      script.onerror = () => failed(new Error(`cannot load ${script.src}`));
      page.body.append(script);
    });

  window.Worker = FrameWorker;
})();
