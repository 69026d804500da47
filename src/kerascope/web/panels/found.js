// Segmentations and detectors: the picture with its map, what was found, and the part explained.

import { make, setAttribute, setHidden, setProperty, setText, vector } from "../dom.js";
import { OverPicture } from "./over.js";
import { picturePanel } from "./picture.js";

export const foundPanel = {
  name: "found",
  applies: (map) => picturePanel.applies(map) && Boolean(map.explained),
  make: (context) => new FoundPane(context),
};

class FoundPane extends OverPicture {
  constructor(context) {
    super(context);
    this.lines = vector("svg", { class: "stage-found", viewBox: "0 0 1 1",
      preserveAspectRatio: "none", "aria-hidden": "true" });
    this.labels = make("div", { class: "stage-found-labels", "aria-hidden": "true" });
    this.picture.layer.append(this.lines, this.labels);
    this.toggle = make("button", { type: "button", class: "link stage-found-toggle",
      on: { click: () => this.flip() } });
    this.words = make("span", { class: "quiet" });
    this.note = make("p", { class: "stage-found-note" }, this.words, this.toggle);
    this.element = make("div", { class: "stage-found-pane" }, this.picture.element, this.note);
    this.shown = true;
    this.key = "";
  }

  alt() {
    return [this.picture.alt(), sentence(this.words.textContent)].filter(Boolean).join(" ");
  }

  flip() {
    this.shown = !this.shown;
    this.drawToggle();
  }

  drawToggle() {
    setAttribute(this.toggle, "aria-pressed", String(this.shown));
    setText(this.toggle, this.shown ? "Hide outlines" : "Show outlines");
    setHidden(this.labels, !this.shown);
    this.lines.classList.toggle("absent", !this.shown);
  }

  async draw(state) {
    const { map, pane } = state;
    const found = this.context.book.prediction(map.sample, map.model, map.epoch)?.found ?? null;
    setText(this.words, found?.words ?? "");
    const key = `${map.id}:${pane.mode}:${found?.words ?? ""}`;
    if (key !== this.key) this.fill(map, found, pane.mode === "plain");
    this.key = key;
    this.drawToggle();
    await this.picture.draw(state);
  }

  fill(map, found, plain) {
    const areas = found?.areas ?? [];
    const boxes = found?.boxes ?? [];
    const lines = [
      ...areas.map((area) => line(area.path, area.colour, plain ? "filled" : "thin")),
      ...boxes.map((box) => line(boxPath(box.corners), box.colour, "thin")),
    ];
    const path = map.explained.path ||
      (map.explained.corners ? boxPath(map.explained.corners) : "");
    if (path && !plain) lines.push(line(path, "#ffffff", "rim"), line(path, "#111111", "own"));
    this.lines.replaceChildren(...lines);
    this.labels.replaceChildren(
      ...boxes.map((box) => label(`${box.label} ${box.words}`, box, box.corners)),
      ...(plain ? areas.map((area) => label(area.label, area, placeIn(area.path))) : []),
    );
  }
}

const sentence = (words) => (words ? `Found: ${words}.` : "");

const boxPath = ([x0, y0, x1, y1]) => `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;

function line(path, colour, kind) {
  return vector("path", { d: path, class: `found-${kind}`, stroke: colour,
    fill: kind === "filled" ? colour : "none", "fill-rule": "evenodd",
    "vector-effect": "non-scaling-stroke" });
}

function label(words, { colour }, [x, y]) {
  const element = make("span", { class: "stage-found-label" });
  setText(element, words);
  setProperty(element, "left", `${100 * Math.min(Math.max(x, 0), 0.9)}%`);
  setProperty(element, "top", `${100 * Math.min(Math.max(y, 0), 0.95)}%`);
  setProperty(element, "background", colour);
  return element;
}

// Where the outline of an area begins: its uppermost corner.
function placeIn(path) {
  const [, x, y] = /^M([\d.]+) ([\d.]+)/.exec(path) ?? [0, 0, 0];
  return [Number(x), Number(y)];
}
