// Models with several inputs: a panel for each, with its share of the evidence.

import { make, setAttribute, setProperty, setText } from "../dom.js";
import { percentWords } from "../colours.js";

// The maps of all inputs of one explanation, in the order of the inputs.
function inputMaps(book, map) {
  const { sample, model, method, epoch, target } = map;
  const found = book.mapsOf(sample, { model, method, epoch, target: target.key });
  const names = book.sample(sample)?.inputs.map((input) => input.name) ?? [];
  return found.sort((a, b) => names.indexOf(a.input) - names.indexOf(b.input));
}

export const severalPanel = {
  name: "several",
  applies: (map, book, shown) =>
    shown?.view === "stage" && Boolean(map.target) && inputMaps(book, map).length > 1,
  make: (context) => new SeveralPane(context),
};

class SeveralPane {
  constructor(context) {
    this.context = context;
    this.parts = [];
    this.element = make("div", { class: "stage-several" });
  }

  get redraws() {
    return this.parts.reduce((sum, part) => sum + part.panel.redraws, 0);
  }

  alt() {
    return this.parts.map((part) => part.panel.alt()).join(" ");
  }

  async draw(state) {
    const { book, panelFor } = this.context;
    const maps = inputMaps(book, state.map);
    maps.forEach((map, i) => this.fit(i, map, panelFor(map)));
    while (this.parts.length > maps.length) this.parts.pop().element.remove();
    const drawn = maps.map((map, i) => {
      const pane = { ...state.pane, map, title: map.input, words: () => map.alt };
      setText(this.parts[i].title, map.input);
      return this.parts[i].panel.draw({ ...state, map, pane });
    });
    this.drawShares(maps);
    await Promise.all(drawn);
  }

  fit(i, map, panel) {
    if (this.parts[i]?.kind === panel.name) return;
    const made = panel.make(this.context);
    const title = make("b", {});
    const share = make("span", { class: "stage-share" });
    const bar = make("span", { class: "stage-bar" }, make("i", {}));
    const element = make("div", { class: "stage-part" },
      make("p", { class: "stage-part-head" }, title, share), bar, made.element,
      made.legend?.element ?? null);
    const part = { kind: panel.name, panel: made, element, title, share, bar };
    if (this.parts[i]) this.parts[i].element.replaceWith(element);
    else this.element.append(element);
    this.parts[i] = part;
  }

  // The share of each as the document says it, and what each input adds to the score as a whole.
  drawShares(maps) {
    this.parts.forEach((part, i) => {
      const { portion = null, worth = null } = maps[i];
      const adds = worth === null ? "" : `, adds ${signed(worth)} to the score`;
      setText(part.share, portion === null ? "" : `${percentWords(portion)} of the evidence${adds}`);
      setAttribute(part.bar, "hidden", portion === null);
      if (portion !== null) setProperty(part.bar.firstElementChild, "width", `${100 * portion}%`);
    });
  }
}

function signed(value) {
  const words = Math.abs(value).toPrecision(3);
  return `${value < 0 ? "−" : "+"}${Number(words)}`;
}
