// The path of integrated gradients: the score from the baseline to the input, and what came when.

import { make, setAttribute, setHidden, setText, vector } from "./dom.js";
import { numberWords, percentWords } from "./colours.js";
import { pathPlace } from "./sources.js";

export function makePath(context) {
  const { state } = context;
  const slider = make("input", { type: "range", min: "0", max: "1", step: "0.01",
    id: "stage-path", "data-control": "path" });
  const words = make("output", { class: "stage-output", for: "stage-path" });
  const curve = vector("path", { class: "stage-curve", "vector-effect": "non-scaling-stroke" });
  const marker = vector("path", { class: "stage-marker", "vector-effect": "non-scaling-stroke" });
  const chart = vector("svg", { class: "stage-chart", viewBox: "0 0 1 1", role: "img",
    preserveAspectRatio: "none" }, curve, marker);
  const element = make("div", { class: "stage-tool stage-path" },
    make("label", { class: "stage-label", for: "stage-path" }, "Path from the baseline"),
    make("div", { class: "stage-curves" }, chart, slider), words);
  slider.addEventListener("input", () =>
    state.set({ path: Number(slider.value) }, { quiet: true }));
  let drawn = null;
  return {
    element,
    draw({ map, path, versusMap, contrast }) {
      const given = versusMap && contrast > 0 ? null : (map?.path ?? null);
      setHidden(element, given === null);
      if (given === null) return;
      if (drawn !== given) {
        setAttribute(curve, "d", curvePath(given));
        setAttribute(chart, "aria-label", curveWords(given));
      }
      drawn = given;
      setAttribute(marker, "d", `M${path} 0V1`);
      if (Number(slider.value) !== path) slider.value = String(path);
      const text = placeOnPath(given, path);
      setAttribute(slider, "aria-valuetext", text);
      setText(words, text);
    },
  };
}

function curvePath({ alphas, scores }) {
  const low = Math.min(...scores);
  const range = Math.max(...scores) - low || 1;
  const points = alphas.map((alpha, i) =>
    `${alpha} ${0.05 + 0.9 * (1 - (scores[i] - low) / range)}`);
  return `M${points.join("L")}`;
}

function curveWords({ scores }) {
  const [first, last] = [scores[0], scores.at(-1)];
  return `Score along the path: ${numberWords(first)} at the baseline, ${numberWords(last)} at ` +
    "the input";
}

// Return the score at a place of the path, between the places that were computed.
export function scoreAt(given, path) {
  const { scores } = given;
  const [after, weight] = pathPlace(given, path);
  return scores[after - 1] + weight * (scores[after] - scores[after - 1]);
}

function placeOnPath(given, path) {
  const change = given.scores.at(-1) - given.scores[0];
  const score = scoreAt(given, path);
  const share = partWords((score - given.scores[0]) / (change || 1));
  const part = change === 0 ? "" : `, ${share} of the change`;
  return `${percentWords(path)} of the way: score ${numberWords(score)}${part}`;
}

const partWords = (share) => `${Math.round(100 * share)} %`.replace("-", "−");
