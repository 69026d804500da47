// Small marks beside a method: what it costs, in dots; how far its map can be trusted, a letter.

import { make, setAttribute, setHidden, setText } from "./dom.js";

const DOT_STEPS = [4, 24, 120, 600]; // forward passes up to which a method has one, two … dots
const MOST_DOTS = 5;

// A gradient costs about two forward passes.
function passesOf(cost) {
  if (!cost) return null;
  return (cost.forward ?? 0) + 2 * (cost.gradient ?? 0) + 2 * (cost.backward ?? 0);
}

export function dotsOf(cost) {
  const passes = passesOf(cost);
  if (passes === null) return 0;
  const step = DOT_STEPS.findIndex((most) => passes <= most);
  return step < 0 ? MOST_DOTS : step + 1;
}

function costWords(cost) {
  const passes = passesOf(cost);
  if (passes === null) return "";
  const most = cost.upper ? "up to " : "";
  return `costs ${most}about ${Math.round(passes).toLocaleString("en")} forward passes`;
}

export function makeDots() {
  return make("span", { class: "dots" }, ...Array.from({ length: MOST_DOTS }, () => make("i")));
}

export function drawDots(element, cost) {
  const dots = dotsOf(cost);
  [...element.children].forEach((dot, index) => setAttribute(dot, "data-on", index < dots));
  const words = costWords(cost);
  setAttribute(element, "title", words || null);
  setAttribute(element, "role", words ? "img" : null);
  setAttribute(element, "aria-label", words || null);
  element.classList.toggle("absent", dots === 0);
}

export function drawLetter(element, grade) {
  setText(element, grade?.letter ?? "");
  setAttribute(element, "data-letter", grade?.letter ?? null);
  setAttribute(element, "title", grade ? `Grade ${grade.letter}` : null);
  setHidden(element, grade === null);
}
