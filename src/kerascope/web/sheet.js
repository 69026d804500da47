// One canvas with its contours: what a pane of the stage is made of.

import { contourPath, groundOf } from "./contours.js";
import { fieldFor } from "./sources.js";
import { make, setAttribute, vector } from "./dom.js";
import { mixOf, Painter } from "./paint.js";
import { strongestOf } from "./regions.js";
import { scaleOf } from "./colours.js";

const LEVEL = 0.5; // of the strongest place: where contours go
let pictureNumber = 0;
const pictureNumbers = new WeakMap();

// Return a number of its own for the pixels of every picture.
function numberOf(pixels) {
  if (!pictureNumbers.has(pixels)) pictureNumbers.set(pixels, (pictureNumber += 1));
  return pictureNumbers.get(pixels);
}

export function makeSheet() {
  const canvas = make("canvas", { class: "stage-canvas", role: "img" });
  const lines = ["rim", "line"].map((part) => vector("path", { class: `stage-${part}` }));
  const dashes = ["rim", "line against"].map((part) => vector("path", { class: `stage-${part}` }));
  const drawing = vector(
    "svg",
    { class: "stage-drawing", viewBox: "0 0 1 1", preserveAspectRatio: "none",
      "aria-hidden": "true" },
    ...lines,
    ...dashes,
  );
  const element = make("div", { class: "stage-sheet" }, canvas, drawing);
  return { element, canvas, painter: new Painter(canvas), lines, dashes, contour: "" };
}

// Return a promise of whether anything was drawn.
//
// numbers: see `numbersOf`, or null for the plain picture. current() tells whether this drawing is
// still wanted when its numbers have come.
export async function drawSheet(context, sheet, { picture, numbers, shown }, current) {
  const field = numbers ? await fieldFor(context, numbers, picture) : null;
  if (!current()) return false;
  const layer = field ? layerOf(field, numbers, shown, picture) : null;
  const look = layer ? [layer.about, shown.blend, shown.opacity, shown.threshold].join() : "plain";
  const key = `${numberOf(picture.rgba)}:${look}`;
  const drawn = sheet.painter.paint(picture, layer, key);
  const around = shown.contours && layer ? `${numbers.key}:${layer.scale.sign}` : "";
  if (around !== sheet.contour) drawContours(sheet, around, field, picture, layer?.scale.sign);
  return drawn;
}

function layerOf(field, { key, meaning, limit }, shown, picture) {
  const scale = scaleOf(meaning, shown);
  const mix = mixOf(scale, { ...shown, blend: picture.empty ? "alone" : shown.blend });
  return { field, limit, scale, mix, about: [key, limit, scale.sign, scale.table].join() };
}

// Lines go round what is drawn: sizes where sizes are shown, evidence against where that is.
function drawContours(sheet, key, field, { width, height }, sign) {
  sheet.contour = key;
  const [around, against] = key ? contoursOf(field, [height, width], sign) : ["", ""];
  for (const line of sheet.lines) setAttribute(line, "d", around);
  for (const line of sheet.dashes) setAttribute(line, "d", against);
}

function contoursOf(field, shape, sign) {
  const ground = groundOf(sign === "absolute" ? field.map(Math.abs) : field, shape);
  const opposite = { ...ground, values: ground.values.map((value) => -value) };
  const strongest = strongestOf(ground.values);
  const strongestAgainst = strongestOf(opposite.values);
  const path = (one, level) => (level > 0 ? contourPath(one, level) : "");
  if (sign === "against") return ["", path(opposite, LEVEL * strongestAgainst)];
  if (sign !== "both") return [path(ground, LEVEL * strongest), ""];
  const level = LEVEL * Math.max(strongest, strongestAgainst);
  return [path(ground, level), path(opposite, level)];
}
