// What the erase test says: what a map holds of the covered part, and what the model lost by it.

import { make } from "./dom.js";
import { numberWords, percentWords } from "./colours.js";

export function predictedWords({ held, against, sum }, area, { meaning, subject, array }, map) {
  if (area === 0) return "";
  const what = meaning === "magnitude" ? "influence on" : "evidence for";
  const parts = [`${percentWords(area)} of the picture is covered; it holds ` +
    `${percentWords(held)} of the ${what} ${subject}`];
  if (meaning === "signed" && against > 0) {
    parts.push(`and ${percentWords(against)} of what speaks against it`);
  }
  const words = `${parts.join(" ")}.`;
  if (!array || !map.gap || map.target.score === null) return words; // mixed here: of no score
  return `${words} Predicted drop: ${numberWords(sum)} of ${numberWords(map.target.score)}.`;
}

export function measuredParts({ target, before, after, drop, outputs_after: outputs, picture }) {
  const first = outputs?.[0]?.bars?.[0];
  const now = first ? `The model now says ${first.label}, ${first.words}.` : "";
  const words = make("p", {}, make("b", {}, `Measured drop: ${numberWords(drop)}`),
    ` (${target}: ${numberWords(before)} → ${numberWords(after)}). ${now}`);
  const image = picture && make("img", { src: picture, class: "stage-erased",
    alt: "The picture as the model was given it, with the covered part erased" });
  return [image || null, words];
}
