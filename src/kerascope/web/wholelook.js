// The studio's way to the data set: one button, how far it is, and what could not be done.

import { actionButton, make, setAttribute, setHidden, setProperty, setText } from "./dom.js";
import { isAskable } from "./known.js";

const WHAT =
  "The model looks at every picture: it is predicted and explained. Explanations that are alike " +
  "are grouped, and edited copies of the pictures try out what each class hangs on. What you look " +
  "at meanwhile goes first.";

export function makeWholeLook(context) {
  const { live } = context;
  let model = "";
  const title = make("h3", {});
  const said = make("p", { class: "quiet", "aria-live": "polite" });
  const bar = make("span", {});
  const track = make("p", { class: "look-track", "aria-hidden": "true" }, bar);
  const start = actionButton("Look at the whole folder", () => live.lookAtAll(model), {
    class: "primary", id: "look",
  });
  const cancel = actionButton("Cancel", () => context.jobs.cancel(live.looking(model)), {
    class: "soft", "aria-label": "Cancel the look at the whole folder",
  });
  return {
    element: make(
      "div", { class: "look" }, title, make("p", {}, WHAT), said, track, make("p", {}, start, cancel),
    ),
    draw(shown) {
      const { models, samples } = context.book.document;
      model = shown.model;
      const open = models.find((one) => one.id === model) ?? null;
      const job = live.looking(model);
      const count = samples.length.toLocaleString("en");
      setText(title, `All ${count} pictures, as ${open?.name ?? "the model"} sees them`);
      setText(said, job === null ? "" : progressWords(job));
      setHidden(track, job === null);
      setAttribute(track, "data-unknown", !job?.total);
      setProperty(bar, "width", job?.total ? `${(100 * job.done) / job.total}%` : "30%");
      setHidden(start, job !== null);
      start.disabled = !isAskable(open);
      setHidden(cancel, job === null);
    },
  };
}

// What the audit says of how far it is, in words.
function progressWords({ said, done, total }) {
  if (!total) return "Waiting …";
  if (said === "classes") return `Trying what classes hang on: ${done} of ${total} done.`;
  if (said === "samples") return `${done} of ${total} pictures are explained.`;
  return "Grouping the explanations …";
}
