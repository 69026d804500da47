// Attention: the map, and below it every head of every layer; one that is chosen takes its place.

import { arrayOf } from "../arrays.js";
import { drawSheet, makeSheet } from "../sheet.js";
import { make, setAttribute, setText } from "../dom.js";
import { OverPicture } from "./over.js";
import { picturePanel, pictureUnder } from "./picture.js";
import { strongestOf } from "../regions.js";

export const attentionPanel = {
  name: "attention",
  applies: (map) => picturePanel.applies(map) && Boolean(map.attention?.layers?.length),
  make: (context) => new AttentionPane(context),
};

class AttentionPane extends OverPicture {
  constructor(context) {
    super(context);
    this.buttons = [];
    this.grid = make("div", { class: "stage-heads" });
    this.element = make("div", { class: "stage-attention" }, this.picture.element, this.grid);
    this.shownHead = "";
    this.given = null;
  }

  get redraws() {
    const heads = this.buttons.reduce((sum, { sheet }) => sum + sheet.painter.count, 0);
    return this.picture.redraws + heads;
  }

  async draw(state) {
    const { map, pane } = state;
    if (this.given !== map.attention) this.fill(map);
    const chosen = this.buttons.find(({ name }) => name === this.shownHead);
    for (const one of this.buttons) {
      setAttribute(one.button, "aria-pressed", String(one === chosen));
    }
    const numbers = chosen ? await headNumbers(this.context, map, chosen) : null;
    const title = chosen ? `${pane.title} · ${chosen.name}` : pane.title;
    const words = chosen ? () => `Attention of ${chosen.name}` : pane.words;
    await Promise.all([
      this.picture.draw({ ...state, pane: { ...pane, title, words, numbers } }),
      ...this.buttons.map((one) => this.drawHead(one, state)),
    ]);
  }

  fill(map) {
    this.given = map.attention;
    this.shownHead = "";
    this.buttons = [];
    const rows = map.attention.layers.map(({ name: layer, heads }) => {
      const row = heads.map((array, i) => this.headButton(`${layer}, head ${i + 1}`, array));
      const title = make("span", { class: "stage-layer-name" });
      setText(title, layer);
      this.buttons.push(...row);
      return make("div", { class: "stage-head-row" }, title, ...row.map(({ button }) => button));
    });
    this.grid.replaceChildren(...rows);
  }

  headButton(name, array) {
    const sheet = makeSheet();
    const button = make("button", { type: "button", class: "stage-head", title: name,
      "aria-label": name }, sheet.element);
    button.addEventListener("click", () => {
      this.shownHead = this.shownHead === name ? "" : name;
      this.context.redraw();
    });
    setAttribute(sheet.canvas, "aria-hidden", "true");
    return { name, array, sheet, button };
  }

  async drawHead(one, state) {
    const numbers = await headNumbers(this.context, state.map, one);
    const picture = await pictureUnder(this.context, state.map);
    const shown = { ...state, blend: "alone", contours: false, sign: "auto", colours: "auto" };
    await drawSheet(this.context, one.sheet,
      { picture, numbers, shown: { ...shown, threshold: 0 } }, () => true);
  }
}

// Weights of attention have no sign; each head has its own limit.
async function headNumbers({ book }, map, { name, array }) {
  const values = await arrayOf(book, array);
  return {
    values, shape: array.shape, size: map.size, array, meaning: "magnitude",
    limit: strongestOf(values) || 1, subject: name, key: `${map.id}:${name}`,
  };
}
