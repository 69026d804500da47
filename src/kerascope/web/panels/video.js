// Films: one frame with its map, and below it all of them in a strip with each one's share.

import { actionButton, make, setAttribute, setHidden, setProperty, setText } from "../dom.js";
import { canDrawSlices, planeOf, planePicture, planeSize, readSlices, shareWords, slicesShown }
  from "../slices.js";
import { drawSheet, makeSheet } from "../sheet.js";
import { percentWords } from "../colours.js";
import { OverPicture } from "./over.js";

const MOST_FRAMES = 48; // in the strip

export const videoPanel = {
  name: "video",
  applies: (map, book) => map.kind === "video" && canDrawSlices(map, book),
  make: (context) => new VideoPane(context),
};

class VideoPane extends OverPicture {
  constructor(context) {
    super(context);
    this.turn = 0;
    this.frames = [];
    this.slider = make("input", { type: "range", min: "0", step: "1", id: "film-frame",
      "data-control": "slice-time", "aria-label": "Frame",
      on: { input: () => context.state.set({ slice: [Number(this.slider.value)] }, { quiet: true }) },
    });
    this.words = make("output", { class: "slice-value" });
    this.best = actionButton("Strongest frame", () => context.state.set({ slice: [] }),
      { class: "link", "data-control": "strongest" });
    this.strip = make("div", { class: "film-strip", role: "group", "aria-label": "Frames" });
    this.element = make("div", { class: "stage-film" }, this.picture.element,
      make("p", { class: "slice-foot" }, this.slider, this.words, this.best), this.strip);
  }

  get redraws() {
    const frames = this.frames.reduce((sum, { sheet }) => sum + sheet.painter.count, 0);
    return this.picture.redraws + frames;
  }

  get layer() {
    return null; // a stroke or a zoom would be of one frame among many
  }

  alt() {
    return this.told?.() ?? "";
  }

  async draw(state) {
    const { map, pane } = state;
    const turn = (this.turn += 1);
    const current = () => turn === this.turn;
    const { slices, numbers, field, shares } = await readSlices(this.context, state);
    if (!current()) return;
    const plain = pane.mode === "plain";
    const [at] = slicesShown(state.slice ?? [], shares, map.size);
    this.told = () => (plain ? `${pane.title}: what the model was given.` : pane.words(numbers));
    const said = `frame ${at + 1} of ${map.size[0]}`;
    const text = plain ? said : `${said}, ${shareWords(shares[0], at)}`;
    setAttribute(this.slider, "max", map.size[0] - 1);
    if (Number(this.slider.value) !== at) this.slider.value = String(at);
    setAttribute(this.slider, "aria-valuetext", text);
    setText(this.words, text);
    setHidden(this.best, (state.slice ?? []).length === 0);
    const draw = (place) => ({
      picture: planePicture(slices, map.size, 0, place),
      numbers: plain ? null : planeOf(field, numbers, 0, place),
    });
    const own = draw(at);
    const shownPane = { ...pane, ...own, mode: plain ? "plain" : "map", other: null, quiet: true,
      words: () => `${this.alt()} ${text}.` };
    await Promise.all([
      this.picture.draw({ ...state, map: { ...map, size: planeSize(map.size, 0) }, pane: shownPane }),
      this.drawStrip(state, { at, shares: plain ? null : shares[0], draw, current }),
    ]);
  }

  async drawStrip(state, { at, shares, draw, current }) {
    const places = framesShown(state.map.size[0], shares);
    while (this.frames.length < places.length) this.frames.push(this.makeFrame());
    while (this.frames.length > places.length) this.frames.pop().button.remove();
    const most = shares ? Math.max(...shares, 1e-12) : 1;
    const shown = { ...state, contours: false };
    await Promise.all(this.frames.map((frame, i) => {
      const place = places[i];
      frame.place = place;
      setAttribute(frame.button, "aria-pressed", String(place === at));
      const share = shares ? percentWords(shares[place]) : "";
      setText(frame.number, `${place + 1}`);
      setText(frame.share, share);
      setProperty(frame.bar, "height", `${shares ? (100 * shares[place]) / most : 0}%`);
      setAttribute(frame.button, "aria-label",
        `Frame ${place + 1}${share ? `: ${share} of the evidence` : ""}`);
      const { picture, numbers } = draw(place);
      setProperty(frame.sheet.element, "aspect-ratio", `${picture.width} / ${picture.height}`);
      return drawSheet(this.context, frame.sheet, { picture, numbers, shown }, current);
    }));
  }

  makeFrame() {
    const sheet = makeSheet();
    sheet.canvas.classList.replace("stage-canvas", "film-canvas");
    setAttribute(sheet.canvas, "aria-hidden", "true");
    const [number, share] = [make("b", {}), make("span", {})];
    const bar = make("i", {});
    const button = make("button", { type: "button", class: "film-frame" }, sheet.element,
      make("span", { class: "film-bar", "aria-hidden": "true" }, bar),
      make("span", { class: "film-words" }, number, share));
    const frame = { sheet, number, share, bar, button, place: 0 };
    button.addEventListener("click", () =>
      this.context.state.set({ slice: [frame.place] }, { quiet: true }));
    this.strip.append(button);
    return frame;
  }
}

// All frames, or even steps through them that hold the strongest.
function framesShown(count, shares) {
  if (count <= MOST_FRAMES) return Array.from({ length: count }, (_, i) => i);
  const even = Array.from({ length: MOST_FRAMES }, (_, i) =>
    Math.round((i * (count - 1)) / (MOST_FRAMES - 1)));
  const best = shares ? shares.indexOf(Math.max(...shares)) : 0;
  if (!even.includes(best)) {
    const near = even.reduce((found, place, i) =>
      (Math.abs(place - best) < Math.abs(even[found] - best) ? i : found), 0);
    even[near] = best;
  }
  return even;
}
