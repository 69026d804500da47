// The middle of the page: one picture with its map, or several side by side, and what acts on them.

import { drawSheet, makeSheet } from "./sheet.js";
import { makeBeside } from "./beside.js";
import { makeBrush } from "./brush.js";
import { makeCompare, panesOf } from "./compare.js";
import { makeContrast } from "./contrast.js";
import { make, setAttribute, setHidden, setText } from "./dom.js";
import { makePath } from "./path.js";
import { makeCross } from "./crosshair.js";
import { makeZoom } from "./zoom.js";
import { numbersOf } from "./sources.js";
import { panelFor } from "./panels/index.js";
import { pictureSource, pictureUnder } from "./panels/picture.js";

export function makeStage(context) {
  return new Stage(Object.assign(Object.create(context), { panelFor }));
}

class Stage {
  constructor(context) {
    this.context = context;
    this.slots = [];
    this.panes = make("div", { class: "stage-panes" });
    this.hint = make("p", { class: "stage-hint quiet" });
    this.empty = make("p", { class: "stage-empty" });
    this.reading = makeCross(context, () => this.slots);
    this.zoom = makeZoom(context, () => this.slots);
    this.tools = [makeBrush, makeCompare, makeContrast, makePath].map((tool) =>
      tool(context, () => this.slots[this.main]));
    this.main = 0;
    this.element = make("section", { class: "stage", "aria-label": "Stage" },
      this.empty, this.panes, this.hint,
      make("div", { class: "stage-tools" }, ...this.tools.map((tool) => tool.element),
        this.reading.element, this.zoom.element));
  }

  // How often a canvas or a figure was drawn: what does not change is not drawn again.
  get redraws() {
    return this.slots.reduce((sum, slot) => sum + slot.panel.redraws, 0) + (this.gone ?? 0);
  }

  draw(shown) {
    const panes = shown.map ? panesOf(this.context.book, shown) : this.waiting(shown);
    setHidden(this.empty, panes.length > 0);
    setText(this.empty, panes.length > 0 ? "" : stageEmptyWords(this.context, shown));
    setHidden(this.hint, !panes[0]?.hint);
    setText(this.hint, panes[0]?.hint ?? "");
    this.main = Math.max(0,
      panes.findIndex((one) => one.map === shown.map && one.mode !== "plain"));
    setAttribute(this.panes, "data-count", String(Math.min(panes.length, 5)));
    setAttribute(this.panes, "data-view", shown.view);
    this.fit(panes, shown);
    const drawn = this.slots.map((slot, i) => this.drawSlot(slot, panes[i], panes.length, shown));
    this.zoom.draw(shown, this.slots.some(({ panel }) => panel.layer));
    this.reading.draw(shown, panes);
    for (const tool of this.tools) tool.draw(shown);
    return Promise.all(drawn).then(() => this.tools.forEach((tool) => tool.settle?.()));
  }

  // While a map is being made its picture stands there, at the size and place it will have.
  waiting({ sample, input }) {
    if (!sample || !pictureSource(this.context, { sample, input })) return [];
    const title = this.context.book.sample(sample)?.name ?? sample;
    const map = { sample, input, kind: "picture", values: null, waiting: true, size: [1, 1] };
    return [{ mode: "plain", map, title, sub: "", hint: "", other: null, shownMap: null }];
  }

  // Keep as many slots as there are panes, each with the panel for its map.
  fit(panes, shown) {
    while (this.slots.length > panes.length) this.drop(this.slots.length - 1);
    panes.forEach((pane, i) => {
      const panel = panelFor(pane.map, this.context.book, shown);
      if (this.slots[i]?.kind === panel.name) return;
      const slot = this.makeSlot(panel);
      if (i < this.slots.length) {
        this.gone = (this.gone ?? 0) + this.slots[i].panel.redraws;
        this.slots[i].element.replaceWith(slot.element);
        this.slots[i] = slot;
      } else {
        this.panes.append(slot.element);
        this.slots.push(slot);
      }
    });
  }

  drop(i) {
    const [slot] = this.slots.splice(i, 1);
    this.gone = (this.gone ?? 0) + slot.panel.redraws;
    slot.element.remove();
  }

  makeSlot(chosen) {
    const panel = chosen.make(this.context);
    const title = make("span", { class: "stage-title" });
    const sub = make("span", { class: "stage-sub" });
    const words = make("p", { class: "stage-words" });
    const beside = makeBeside(this.context);
    const choose = make("button", { class: "link stage-choose", type: "button" }, "Look closer");
    const element = make("figure", { class: "stage-pane" },
      make("figcaption", {}, title, sub), panel.element, panel.legend?.element ?? null,
      beside.element, words, choose);
    const slot = { kind: chosen.name, panel, element, title, sub, words, beside, choose, pane: null };
    choose.addEventListener("click", () => this.choose(slot));
    this.reading.watch(slot);
    this.zoom.watch(slot);
    return slot;
  }

  drawSlot(slot, pane, count, shown) {
    slot.pane = pane;
    setText(slot.title, pane.title);
    setText(slot.sub, pane.sub);
    setAttribute(slot.title.parentElement, "title", `${pane.title} ${pane.sub}`.trim());
    slot.beside.draw(count === 1 && pane.mode === "map" ? pane.map : {});
    const many = count > 1 && pane.mode === "map";
    setHidden(slot.words, !many);
    setText(slot.words, many ? pane.map.caption.replaceAll(" %", "\u00a0%") : "");
    slot.element.classList.toggle("stage-chosen", many && pane.map === shown.map);
    setHidden(slot.choose, !many || pane.map === shown.map);
    setAttribute(slot.choose, "aria-label", `Look closer: ${pane.title}`);
    const drawing = Promise.resolve(slot.panel.draw({ ...shown, map: pane.map, pane }));
    return drawing.catch((problem) => slot.panel.fail?.(problem));
  }

  choose({ pane: { map } }) {
    const { sample, model, method, epoch, input, target } = map;
    this.context.state.set({ sample, model, method, epoch, input, target: target.key,
      view: "stage" });
  }

  // Return a promise of what the stage shows now, in words.
  async words(shown) {
    await this.draw(shown);
    return this.slots.map((slot) => slot.panel.alt()).join(" ");
  }
}

function stageEmptyWords({ book }, { sample }) {
  if (book.document.samples.length === 0) return "There is nothing to show yet.";
  if (!sample) return "Choose a sample.";
  return "There is no map of this sample yet.";
}

// Return a promise of a canvas with one map over its picture, as the stage draws it now.
export async function paintedMap(context, shown, map) {
  const sheet = makeSheet();
  if (!map.values) return sheet.canvas;
  const [picture, numbers] = await Promise.all([
    pictureUnder(context, map),
    numbersOf(context, { ...shown, map: null }, map),
  ]);
  await drawSheet(context, sheet, { picture, numbers, shown }, () => true);
  setAttribute(sheet.canvas, "aria-label", map.alt);
  return sheet.canvas;
}
