// The figure that was drawn with the map: for kinds of input that have no panel of their own.

import { make, setAttribute, setHidden, setText } from "../dom.js";

export const figurePanel = {
  name: "figure",
  applies: () => true,
  make: (context) => new FigurePane(context),
};

class FigurePane {
  constructor({ book }) {
    this.book = book;
    this.redraws = 0;
    this.image = make("img", { class: "stage-figure", decoding: "async" });
    this.message = make("p", { class: "quiet" }, "");
    this.element = make("div", { class: "stage-drawn" }, this.image, this.message);
  }

  alt() {
    return this.image.alt;
  }

  draw({ map }) {
    const source = map.figure ? this.book.blob(map.figure) : null;
    setHidden(this.image, source === null);
    setText(this.message, source === null ? "There is no figure of this map." : "");
    if (source === null) return;
    if (this.image.getAttribute("src") !== source) this.redraws += 1;
    setAttribute(this.image, "src", source);
    setAttribute(this.image, "alt", map.alt);
  }
}
