// The two hosts of the page, with one interface: a report has its data inside, a studio is asked.

const refuse = () => Promise.reject(new Error("a report holds no model to ask"));

export function inlinedHost(given) {
  return {
    live: false,
    document: () => Promise.resolve(given),
    explain: refuse, predict: refuse, erase: refuse, path: refuse, grade: refuse,
    audit: refuse, dataset: refuse, layers: refuse, methods: refuse, cancel: refuse,
    thumb: () => null,
    picture: () => null,
    onModel: () => {}, onSamples: () => {}, onLine: () => {},
  };
}

class HostError extends Error {
  constructor(message, { restart = false, code = 0, cancelled = false } = {}) {
    super(message);
    Object.assign(this, { restart, code, cancelled });
  }
}

async function problemOf(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).error ?? text;
  } catch {
    return text || `the studio answered ${answer.status}`;
  }
}

async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, { credentials: "same-origin", ...options });
  } catch {
    throw new HostError("the studio does not answer; is it still running?", { restart: true });
  }
  if (!answer.ok) throw new HostError(await problemOf(answer), { code: answer.status });
  return answer;
}

const askJson = async (address, options) => (await ask(address, options)).json();

const asJson = (value) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(value),
});

function upload(address, files) {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  return askJson(address, { method: "POST", body: form });
}

const OVER_STATES = ["done", "failed", "cancelled"];
const MOST_HEARD = 200; // jobs of others whose last word is kept

const LINE = "kerascope-line";
const OPEN_AGAIN = 3000; // milliseconds
const ASK_ABOUT = 2000; // milliseconds after which a job of which nothing came is asked about

// One stream for all pages of a browser, which opens few connections to a server at once: the page
// that holds a lock has the stream and tells the others; when it goes, the next one gets both.
function shareLine(address, heard, turned) {
  if (!navigator.locks) { // not in this computer: without encryption there are none
    openLine(address, heard, turned);
    return;
  }
  const channel = new BroadcastChannel(LINE);
  const hear = ({ name, said }) => (name === LINE ? turned(said) : heard[name]?.(said));
  channel.addEventListener("message", (event) => hear(event.data));
  const tell = (name) => (said) => {
    hear({ name, said });
    channel.postMessage({ name, said });
  };
  const telling = Object.fromEntries(Object.keys(heard).map((name) => [name, tell(name)]));
  navigator.locks.request(LINE, () => new Promise(() => {
    openLine(address, telling, tell(LINE));
  }));
}

// A stream of events. The browser opens a broken one again by itself, but not one that was refused.
//
// turned(whole): the line is open, or broken, which it was not before.
function openLine(address, heard, turned) {
  let whole = null;
  const turn = (now) => {
    if (whole !== now) turned(now);
    whole = now;
  };
  const connect = () => {
    const events = new EventSource(address);
    for (const [name, hear] of Object.entries(heard)) {
      events.addEventListener(name, (event) => hear(JSON.parse(event.data)));
    }
    events.addEventListener("open", () => turn(true));
    events.addEventListener("error", () => {
      turn(false);
      if (events.readyState === EventSource.CLOSED) setTimeout(connect, OPEN_AGAIN);
    });
  };
  connect();
}

// One stream for all jobs: browsers open few connections at once.
function makeLine(base) {
  const waiting = new Map(); // job → {told, resolve, reject}
  const heard = new Map(); // what was said before the job's name was known here
  const listeners = { model: new Set(), samples: new Set(), line: new Set() };
  const tell = (kind, said) => listeners[kind].forEach((listener) => listener(said));

  const finish = async (job, said) => {
    const { resolve, reject } = waiting.get(job);
    waiting.delete(job);
    if (said.state === "cancelled") reject(new HostError("cancelled", { cancelled: true }));
    else if (said.state === "failed") {
      reject(new HostError(said.error || "the job failed", { restart: said.restart === true }));
    } else {
      await askJson(`${base}jobs/${encodeURIComponent(job)}`).then(resolve, reject);
    }
  };
  const hear = (said) => {
    const one = waiting.get(said.id);
    if (one === undefined) {
      heard.set(said.id, said);
      if (heard.size > MOST_HEARD) heard.delete(heard.keys().next().value);
    } else if (OVER_STATES.includes(said.state)) finish(said.id, said);
    else one.told({ ...said, job: said.id });
  };
  const stateOf = (job) => askJson(`${base}jobs/${encodeURIComponent(job)}`);
  const learn = (job, said) => waiting.has(job) && hear({ ...said, id: job });
  const askAgain = async () => {
    for (const job of [...waiting.keys()]) {
      learn(job, await stateOf(job).catch((problem) => ({
        state: "failed", error: problem.message, restart: true,
      })));
    }
  };

  shareLine(`${base}events`, {
    job: hear,
    model: (said) => tell("model", said),
    samples: (said) => tell("samples", said),
  }, (whole) => {
    tell("line", whole);
    if (whole) askAgain(); // what ended meanwhile is not told again
  });

  return {
    listeners,
    follow: (job, told) =>
      new Promise((resolve, reject) => {
        waiting.set(job, { told, resolve, reject });
        told({ job, state: "waiting", done: 0, total: null, words: "" });
        if (heard.has(job)) hear(heard.get(job));
        heard.delete(job);
        // It may have ended before the line was open, and its name have come after that. Where the
        // studio does not answer now, the line tells.
        setTimeout(() => waiting.has(job) && stateOf(job).then((said) => learn(job, said), () => {}),
          ASK_ABOUT);
      }),
  };
}

export function liveHost(base) {
  const line = makeLine(base);
  const run = async (kind, request, told = () => {}) => {
    const { id } = await askJson(`${base}jobs`, asJson({ kind, ...request }));
    return line.follow(id, told);
  };
  const ofModel = (what) => (model) =>
    askJson(`${base}${what}?model=${encodeURIComponent(model)}`);
  return {
    live: true,
    document: () => askJson(`${base}document`),
    samples: (start, count) => askJson(`${base}samples?start=${start}&count=${count}`),
    explain: (request, told) => run("explain", request, told),
    predict: (request, told) => run("predict", request, told),
    erase: (request, told) => run("erase", request, told),
    path: (request, told) => run("path", request, told),
    grade: (request, told) => run("grade", request, told),
    audit: (request, told) => run("audit", request, told),
    follow: (job, told) => line.follow(job, told),
    dataset: ofModel("dataset"),
    layers: ofModel("layers"),
    methods: ofModel("methods"),
    map: (id) => askJson(`${base}maps/${encodeURIComponent(id)}`),
    cancel: (job) => ask(`${base}jobs/${encodeURIComponent(job)}`, { method: "DELETE" }),
    thumb: (sample) => `${base}thumb/${encodeURIComponent(sample)}`,
    picture: (sample) => `${base}picture/${encodeURIComponent(sample)}`,
    onModel: (listener) => line.listeners.model.add(listener),
    onSamples: (listener) => line.listeners.samples.add(listener),
    onLine: (listener) => line.listeners.line.add(listener),
    addSamples: (files, model) =>
      upload(`${base}samples${model ? `?model=${encodeURIComponent(model)}` : ""}`, files),
    addModel: (files) => upload(`${base}models`, files),
    reopenModel: (id) =>
      askJson(`${base}models?given=${encodeURIComponent(id)}`, { method: "POST" }),
    closeModel: (id) => ask(`${base}models/${encodeURIComponent(id)}`, { method: "DELETE" }),
    share: async (document, state) =>
      (await ask(`${base}share`, asJson({ document, state }))).text(),
  };
}
