// The jobs of the studio: what runs, how far it is, and how to stop it.

import {
  actionButton, keepRows, make, setAttribute, setHidden, setProperty, setText,
} from "./dom.js";

const SHOWN_AFTER = 300; // milliseconds: what is quicker needs no list

export function makeJobs(context) {
  const running = new Set();
  const list = make("ul", { class: "job-list" });
  const summary = make("summary", { class: "soft" });
  const element = make(
    "details", { class: "menu jobs", hidden: true },
    summary, make("div", { class: "menu-body" }, list),
  );

  const cancel = (job) => {
    job.cancelled = true;
    if (job.id !== null) context.host.cancel(job.id).catch(() => {});
  };
  return {
    element,
    cancel,
    running: () => [...running],
    // Runs start(told) and returns its answer; auto: made by looking, not by asking for it.
    async run(words, start, { key = "", auto = false } = {}) {
      const job = {
        id: null, words, key, auto, done: 0, total: null, said: "", since: Date.now(),
        cancelled: false,
      };
      running.add(job);
      setTimeout(() => context.redraw(), SHOWN_AFTER + 20);
      try {
        return await start((told) => {
          job.id = told.job ?? job.id;
          job.done = told.done ?? job.done;
          job.total = told.total ?? job.total;
          job.said = told.words ?? job.said;
          if (job.cancelled && job.id !== null) context.host.cancel(job.id).catch(() => {});
          context.redraw();
        });
      } finally {
        running.delete(job);
        context.redraw();
      }
    },
    draw() {
      const shown = [...running].filter((job) => Date.now() - job.since >= SHOWN_AFTER);
      setHidden(element, shown.length === 0);
      const one = shown.length === 1;
      setText(summary, one ? `1 job${shareWords(shown[0])}` : `${shown.length} jobs`);
      keepRows(list, shown, makeJobRow, (row, job) => {
        const [words, track, stop] = row.children;
        setText(words, `${job.words}${shareWords(job)}`);
        setAttribute(track, "data-unknown", !job.total);
        setProperty(
          track.firstElementChild, "width", job.total ? `${(100 * job.done) / job.total}%` : "30%",
        );
        setAttribute(stop, "aria-label", `Cancel: ${job.words}`);
        row.stop = () => cancel(job);
      });
    },
  };
}

const shareWords = (job) =>
  job.total ? ` · ${Math.round((100 * job.done) / job.total)} %` : "";

function makeJobRow() {
  const row = make("li", {});
  row.append(
    make("span", {}),
    make("span", { class: "method-progress", "aria-hidden": "true" }, make("span")),
    actionButton("Cancel", () => row.stop(), { class: "link" }),
  );
  return row;
}
