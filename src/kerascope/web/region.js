// Of a segmentation: why is what is painted of this class?

import { actionButton, keepRows, make, setHidden, setText } from "./dom.js";
import { maskText } from "./maskcode.js";
import { regionWords } from "./aims.js";

const MOST = 300; // classes listed
const THERE = ["", "the class predicted there"];

// maskOf: gives what is painted.
export function makeRegion(context, maskOf) {
  const classes = make("select", {});
  const run = actionButton("Explain the painted part", () => explain(), { class: "primary" });
  const element = make("div", { class: "stage-row stage-region" },
    make("label", {}, make("span", {}, "Class"), classes), run);
  let now = null;
  const explain = () => {
    const text = maskText(maskOf());
    if (text === "") context.say("Nothing is painted yet: paint the part to be explained.");
    else {
      context.live.explainTarget(now, regionWords(classes.value, text));
      context.state.set({ erase: false });
    }
  };
  return {
    element,
    draw(shown) {
      now = shown;
      setHidden(element, !isRegional(context, shown));
      if (element.hidden) return;
      keepRows(classes, [THERE, ...classesOf(context, shown)], () => make("option"),
        (option, [value, words]) => {
          option.value = value;
          setText(option, words);
        });
    },
  };
}

// Whether a class over a part of the picture can be asked for.
export const isRegional = ({ host }, { prediction }) =>
  host.live && (prediction?.found?.classes ?? 0) > 0;

function classesOf({ book }, { model, prediction }) {
  const count = prediction.found.classes;
  const labels = book.model(model)?.labels ?? [];
  return Array.from({ length: Math.min(count, MOST) }, (_, index) =>
    [String(index), labels.length === count ? labels[index] : `class ${index}`]);
}
