// Maps of pictures: the picture and what lies on it, split, flickering, with cross-hair and zoom.

import { drawLegend, makeLegend } from "../legend.js";
import { isPicture } from "../book.js";
import { emptyPicture } from "../paint.js";
import { Flicker } from "../flicker.js";
import { makeSplitLine } from "../splitline.js";
import { pixelsOf } from "../arrays.js";
import { drawSheet, makeSheet } from "../sheet.js";
import { inputField, numbersOf, paneNumbers } from "../sources.js";
import { make, setAttribute, setHidden, setProperty, setText, vector } from "../dom.js";

const REST = 200; // milliseconds

export const picturePanel = {
  name: "picture",
  applies: (map) => map.kind === "picture" && (map.values !== null || map.waiting === true),
  make: (context) => new PicturePane(context),
};

// Return where the picture of an input comes from: a data URI, an address, or null.
export function pictureSource({ book, host }, { sample, input }) {
  const held = book.sample(sample);
  const given = held?.inputs.find((one) => one.name === input);
  if (given?.picture) return book.blob(given.picture);
  return isPicture(held) ? host.picture(sample) : null;
}

// Return a promise of the pixels that maps of an input lie on; grey ground where there are none.
export async function pictureUnder(context, map) {
  const source = pictureSource(context, map);
  return source ? pixelsOf(source) : groundFor(map);
}

const grounds = new Map();

function groundFor({ size: [height, width] }) {
  const grow = Math.max(1, Math.ceil(240 / Math.max(height, width)));
  const key = `${height * grow}×${width * grow}`;
  if (!grounds.has(key)) {
    grounds.set(key, { ...emptyPicture(width * grow, height * grow), empty: true });
  }
  return grounds.get(key);
}

class PicturePane {
  constructor(context) {
    this.context = context;
    this.turn = 0;
    this.redraws = 0;
    this.under = makeSheet();
    this.over = makeSheet();
    this.over.element.classList.add("stage-over");
    this.cross = ["stage-cross-rim", "stage-cross"].map((kind) =>
      vector("path", { class: kind, "vector-effect": "non-scaling-stroke" }),
    );
    const drawing = vector(
      "svg",
      { class: "stage-drawing", viewBox: "0 0 1 1", preserveAspectRatio: "none",
        "aria-hidden": "true" },
      ...this.cross,
    );
    this.layer = make("div", { class: "stage-layer" },
      this.under.element, this.over.element, drawing);
    this.view = make("div",
      { class: "stage-view", tabindex: "0", role: "application" }, this.layer);
    this.handle = makeSplitLine(context);
    this.flicker = new Flicker(this.over.element);
    this.message = make("p", { class: "stage-message" });
    this.value = make("p", { class: "stage-value", "aria-hidden": "true", hidden: true });
    this.frame = make("div", { class: "stage-frame" },
      this.view, this.handle, this.flicker.element, this.message, this.value);
    this.legend = makeLegend();
    for (const part of [this.handle, this.message, this.over.element]) setHidden(part, true);
    this.element = this.frame;
  }

  alt() {
    this.tellWords();
    return this.words ?? "";
  }

  // Words of a map that is made here cost more than its drawing: they come when a slider rests.
  describe(numbers, pane) {
    clearTimeout(this.resting);
    this.wordsOfNow = () =>
      numbers ? pane.words(numbers) : `${pane.title}: what the model was given.`;
    if (!numbers || numbers.array) this.tellWords();
    else {
      setAttribute(this.under.canvas, "aria-label", pane.title);
      this.resting = setTimeout(() => this.tellWords(), REST);
    }
  }

  tellWords() {
    if (!this.wordsOfNow) return;
    this.words = this.wordsOfNow();
    this.wordsOfNow = null;
    setAttribute(this.under.canvas, "aria-label", this.words);
  }

  // state: what is shown, with `map` and `pane` of this panel.
  async draw(state) {
    const { pane, map } = state;
    const turn = (this.turn += 1);
    const current = () => turn === this.turn;
    setAttribute(this.view, "aria-label",
      `Picture ${pane.title}: the arrow keys move a cross-hair, + and − zoom`);
    const picture = pane.picture ?? await pictureUnder(this.context, map);
    const numbers = await paneNumbers(this.context, state);
    if (!current()) return;
    this.shape(picture, state);
    this.numbers = numbers;
    this.size = map.size;
    const shown = state;
    const drawn = await drawSheet(this.context, this.under, { picture, numbers, shown }, current);
    if (!current()) return;
    this.describe(numbers, pane);
    this.count(drawn);
    drawLegend(this.legend, numbers, state, pane.ends);
    setText(this.message, pane.mode === "plain" || pane.quiet ? "" : messageOf(numbers, map));
    setHidden(this.message, this.message.textContent === "");
    await this.drawOver(state, current);
  }

  // What the first picture is compared with lies over it, and shows in part or in turn.
  async drawOver(state, current) {
    const { pane } = state;
    const two = pane.mode === "split" || pane.mode === "flicker";
    setHidden(this.over.element, !two);
    setHidden(this.handle, pane.mode !== "split");
    this.flicker.show(pane.mode === "flicker");
    if (!two) return;
    const other = pane.other ?? state.map;
    const picture = await pictureUnder(this.context, other);
    const numbers = pane.other
      ? await numbersOf(this.context, { ...state, map: pane.shownMap }, other) : null;
    if (!current()) return;
    const alt = pane.otherTitle;
    const shown = state;
    setAttribute(this.over.canvas, "aria-label", alt);
    const drawn = await drawSheet(this.context, this.over, { picture, numbers, shown }, current);
    if (current()) this.count(drawn);
  }

  count(drawn) {
    if (drawn) this.redraws += 1;
  }

  // The size of the picture that lies there.
  get place() {
    return this.under.canvas;
  }

  shape({ width, height }, { zoom = 1, centre = [0.5, 0.5], split, pane }) {
    setProperty(this.frame, "--stage-ratio", String(width / height));
    const [left, top] = centre.map((share) => {
      const held = Math.min(Math.max(share, 0.5 / zoom), 1 - 0.5 / zoom);
      return 0.5 - held * zoom;
    });
    setProperty(this.layer, "left", `${100 * left}%`);
    setProperty(this.layer, "top", `${100 * top}%`);
    setProperty(this.layer, "width", `${100 * zoom}%`);
    setProperty(this.layer, "height", `${100 * zoom}%`);
    const sharp = (this.frame.clientWidth * zoom) / width >= 3;
    this.layer.classList.toggle("stage-sharp", sharp);
    this.layer.classList.toggle("stage-close", zoom > 1);
    if (pane.mode !== "split") {
      setProperty(this.over.element, "clip-path", "none");
      return;
    }
    setProperty(this.over.element, "clip-path", `inset(0 0 0 ${100 * split}%)`);
    const place = Math.min(Math.max(split * zoom + left, 0), 1);
    setProperty(this.handle, "left", `${100 * place}%`);
    setAttribute(this.handle, "aria-valuenow", Math.round(100 * split));
    setAttribute(this.handle, "aria-valuetext",
      `${Math.round(100 * split)} % ${pane.title}, the rest ${pane.otherTitle}`);
  }

  // Mark a place [x, y] (shares of the picture), or none.
  mark(at) {
    const path = at ? crossPath(at) : "";
    for (const line of this.cross) setAttribute(line, "d", path);
  }

  fail(problem) {
    setText(this.message, `This map cannot be shown: ${problem.message}.`);
    setHidden(this.message, false);
  }

  // Say what the map holds at the marked place.
  tell(words) {
    setHidden(this.value, words === "");
    setText(this.value, words);
  }

  // Return the place of a pointer in shares of the picture, or null outside of it.
  placeOf({ clientX, clientY }) {
    const box = this.layer.getBoundingClientRect();
    const at = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    return at.every((share) => share >= 0 && share < 1) ? at : null;
  }

  // Return a promise of what the map holds at a place: {value, share of the limit}, or null.
  async valueAt([x, y]) {
    if (!this.numbers) return null;
    const { size, limit } = this.numbers;
    const field = await inputField(this.context, this.numbers);
    const value = field[Math.floor(y * size[0]) * size[1] + Math.floor(x * size[1])];
    return { value, share: value / limit, size };
  }
}

const GAP = 0.012; // of the picture: the middle of the cross-hair stays free

function crossPath([x, y]) {
  return [
    `M${x} 0V${y - GAP}M${x} ${y + GAP}V1`,
    `M0 ${y}H${x - GAP}M${x + GAP} ${y}H1`,
  ].join("");
}

function messageOf(numbers, map) {
  if (numbers === null) return "";
  if (numbers.array !== null) return map.message;
  return numbers.values.every((value) => value === 0) ? "nothing is left of the evidence" : "";
}
