// The strip of colours beside a picture, with its ends in words and numbers.

import { legendOf, paintLegend, scaleOf } from "./colours.js";
import { make, setText } from "./dom.js";

export function makeLegend() {
  const strip = make("canvas", { class: "stage-strip", width: "256", height: "1",
    "aria-hidden": "true" });
  const [low, zero, high] = ["low", "zero", "high"].map((end) =>
    make("span", { class: `stage-${end}` }));
  const element = make("div", { class: "stage-legend stage-off" }, strip,
    make("p", {}, low, zero, high));
  return { element, strip, low, zero, high, key: "" };
}

// Its room stays where there is nothing to say: a map that comes later must not move the picture.
//
// paint(canvas): draws the strip where its colours are not those of a table; look: what they hang on.
export function drawLegend(legend, numbers, shown, words, { paint = null, look = "" } = {}) {
  legend.element.classList.toggle("stage-off", numbers === null);
  if (numbers === null) return;
  const scale = scaleOf(numbers.meaning, shown);
  const ends = legendOf(scale, numbers.limit, words);
  setText(legend.low, ends.low);
  setText(legend.zero, ends.zero ? "0" : "");
  setText(legend.high, ends.high);
  const key = `${scale.table}${scale.sign}${ends.from}${ends.to}${look}`;
  if (legend.key !== key && paint) paint(legend.strip);
  else if (legend.key !== key) paintLegend(legend.strip, scale, ends);
  legend.key = key;
}
