// Another sample that the one on the stage is compared with: why does the model find the two alike?

import { likeOf, likeWords } from "./aims.js";
import { thumbOf } from "./filmstrip.js";
import { make, setAttribute, setHidden, setText } from "./dom.js";

const MOST = 200; // samples listed: the filters of the samples say which
const MEASURES = [["cosine", "cosine"], ["dot", "dot product"], ["distance", "distance"]];

export function makeLike(context) {
  return new Like(context);
}

class Like {
  constructor(context) {
    this.context = context;
    this.chosen = "";
    this.shown = null;
    this.of = ""; // the model that the part was opened or folded for
    this.build();
  }

  build() {
    const refill = () => this.list();
    this.other = make("select", { id: "like", on: {
      pointerdown: refill, focus: refill,
      change: () => {
        this.chosen = this.other.value;
        this.context.redraw();
      },
    } });
    this.measure = make("select", { id: "like-measure" },
      ...MEASURES.map(([value, words]) => make("option", { value }, words)));
    this.picture = make("img", { class: "like-picture", alt: "", hidden: true });
    this.run = make("button", { type: "submit", class: "soft" }, "Why alike?");
    const row = (id, words, control) =>
      make("div", { class: "row" }, make("label", { for: id }, words), control);
    const form = make("form", { class: "method-form" },
      make("div", { class: "fields" }, row("like", "Sample", this.other),
        row("like-measure", "By", this.measure)),
      this.picture, this.run);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const target = likeWords(this.chosen, this.measure.value);
      if (this.chosen !== "") this.context.live.explainTarget(this.shown, target);
    });
    this.element = make("details", { class: "part fold", id: "inspector-like" },
      make("summary", {}, "Like another sample"), form);
  }

  draw(shown) {
    const { book, live } = this.context;
    this.shown = shown;
    const others = book.document.samples.length > 1;
    setHidden(this.element, live === null || !others || shown.sample === "");
    if (this.element.hidden) return;
    this.unfold(shown);
    const like = likeOf(shown.map?.target.key);
    if (like !== null && like.sample + like.measure !== this.followed) {
      this.chosen = like.sample;
      this.measure.value = like.measure;
    }
    this.followed = like === null ? "" : like.sample + like.measure;
    if (!this.element.open) return;
    if (this.other.value !== this.chosen || this.other.children.length === 0) this.list();
    this.run.disabled = this.chosen === "" || this.chosen === shown.sample;
    const sample = book.sample(this.chosen);
    const source = sample === null ? null : thumbOf(this.context, sample);
    setHidden(this.picture, source === null);
    setAttribute(this.picture, "src", source);
    setAttribute(this.picture, "alt", sample?.name ?? "");
  }

  // Of a model that gives numbers and no classes, likeness is what there is to explain.
  unfold({ model, prediction }) {
    if (prediction === null || this.of === model) return;
    this.of = model;
    const bars = prediction.outputs[0]?.bars ?? [];
    const numbers = bars.length > 1 && bars.every(({ words, ask }) => !words.endsWith("%") && !ask);
    this.element.open = numbers && !this.context.book.model(model)?.labels;
  }

  // The samples of pinned maps first, then those that the filters leave.
  list() {
    const { book, strip } = this.context;
    const pinned = [...new Set(this.shown.pinned.map(({ sample }) => sample))]
      .map((id) => book.sample(id));
    const chosen = book.sample(this.chosen);
    const listed = strip.samples.slice(0, MOST);
    if (chosen !== null && !listed.includes(chosen)) listed.unshift(chosen);
    const first = make("option", { value: "" }, "choose a sample …");
    const groups = [["Pinned", pinned], ["Samples", listed]]
      .map(([label, samples]) => [label, samples.filter((one) => one?.id !== this.shown.sample)])
      .filter(([, samples]) => samples.length > 0)
      .map(([label, samples]) => groupOf(label, samples));
    this.other.replaceChildren(first, ...groups);
    this.other.value = this.chosen;
  }
}

function groupOf(label, samples) {
  return make("optgroup", { label }, ...samples.map(({ id, name }) => {
    const option = make("option", { value: id });
    setText(option, name);
    return option;
  }));
}
