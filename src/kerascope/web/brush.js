// The erase test: paint over a part of the picture; what should the score lose, what does it lose?

import { actionButton, fill, make, setAttribute, setHidden, setText, vector } from "./dom.js";
import { concentration } from "./regions.js";
import { groundOf } from "./contours.js";
import { inputField, numbersOf } from "./sources.js";
import { isPicture, targetAsked } from "./book.js";
import { Mask, underMask } from "./mask.js";
import { isRegional, makeRegion } from "./region.js";
import { maskCells, maskText } from "./maskcode.js";
import { measuredParts, predictedWords } from "./erasewords.js";

const HOWS = [["blur", "blurred"], ["inpaint", "filled in from around"], ["grey", "grey"]];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const RADII = [0.01, 0.25];
const ERASE = "erase"; // the key of its job
const MEASURED_AFTER = 400; // milliseconds that the hand rests
const NEEDS_MODEL =
  "What the score really loses needs the model: open it with “kerascope studio”.";

// main: gives the slot of the map on the stage.
export function makeBrush(context, main) {
  return new Brush(context, main);
}

class Brush {
  constructor(context, main) {
    this.context = context;
    this.main = main;
    this.mask = null;
    this.at = [0.5, 0.5];
    this.radius = 0.06;
    this.how = "blur";
    this.written = ""; // the mask as it stands in the address
    this.watched = new WeakSet();
    this.told = "";
    this.known = ""; // what the result is of
    this.result = null;
    this.build();
  }

  build() {
    const { state } = this.context;
    this.canvas = make("canvas", { class: "stage-mask", "aria-hidden": "true" });
    this.ring = ["stage-cross-rim", "stage-cross"].map((kind) =>
      vector("ellipse", { class: kind, "vector-effect": "non-scaling-stroke" }));
    this.drawing = vector("svg", { class: "stage-drawing", viewBox: "0 0 1 1",
      preserveAspectRatio: "none", "aria-hidden": "true" }, ...this.ring);
    this.toggle = actionButton("Brush", () => state.set({ erase: !state.get().erase }),
      { class: "chip", "data-control": "erase", title: "Paint over a part and see what it costs" });
    this.size = make("input", { type: "range", min: RADII[0], max: RADII[1], step: "0.005",
      value: this.radius, on: { input: () => this.resize(Number(this.size.value)) } });
    const options = HOWS.map(([value, words]) => make("option", { value }, words));
    this.hows = make("select", { on: { change: () => state.set({ how: this.hows.value }) } }, ...options);
    this.run = actionButton("Erase and ask the model", () => this.measure(), { class: "primary" });
    const half = actionButton("Cover the strongest part", () => this.coverHalf());
    const clear = actionButton("Clear", () => this.clear());
    this.region = this.context.host.live ? makeRegion(this.context, () => this.mask) : null;
    this.predicted = make("p", { class: "stage-predicted", "aria-live": "polite" });
    this.place = make("div", { class: "stage-measured", "aria-live": "polite" });
    this.panel = make("div", { class: "stage-erase" },
      make("p", { class: "quiet" }, "Paint on the picture. Keys on the picture: arrows move the " +
        "brush, Space paints, X frees, [ and ] change its size."),
      make("div", { class: "stage-row" },
        make("label", {}, make("span", {}, "Brush"), this.size),
        make("label", {}, make("span", {}, "Covered part is"), this.hows),
        half, clear, this.run),
      this.region?.element,
      this.predicted, this.place);
    this.element = make("div", { class: "stage-brush" }, this.toggle, this.panel);
  }

  draw(shown) {
    const slot = this.main();
    const sample = this.context.book.sample(shown.sample);
    const can = Boolean(shown.map?.values) && Boolean(slot?.panel.layer) &&
      shown.view !== "sheet" && isPicture(sample);
    setHidden(this.element, !can);
    setText(this.toggle, this.context.host.live && !isRegional(this.context, shown)
      ? "Erase test" : "Brush");
    const active = can && shown.erase;
    setAttribute(this.toggle, "aria-pressed", String(active));
    setHidden(this.panel, !active);
    setHidden(this.run, !this.context.host.live);
    slot?.panel.view?.classList.toggle("stage-painting", active);
    if (!active) {
      this.canvas.remove();
      this.drawing.remove();
      return;
    }
    this.watch(slot.panel);
    if (this.canvas.parentElement !== slot.panel.layer) {
      slot.panel.layer.append(this.canvas, this.drawing);
    }
    this.fit(shown);
    this.drawBrush();
    this.region?.draw(shown);
    this.predict(shown);
  }

  // A mask belongs to its picture: another picture starts with none. What was measured belongs to
  // model and class: of another it is measured anew.
  fit({ map, mask, how }) {
    this.map = map;
    const key = `${map.sample}:${map.input}:${map.size}`;
    if (key !== this.picture || mask !== this.written) this.take(mask);
    this.picture = key;
    this.how = how;
    if (this.hows.value !== how) this.hows.value = how;
    if (this.known !== this.about()) this.forget();
  }

  // A mask as the address says it of this picture; of another one, none.
  take(text) {
    const version = (this.mask?.version ?? 0) + 1;
    this.mask = Object.assign(new Mask(this.map.size), { version });
    this.written = text;
    const dot = text.lastIndexOf(".");
    if (text.slice(0, dot) !== this.map.sample) return;
    const found = maskCells(text.slice(dot + 1), this.map.size);
    if (found !== null) this.mask.take(found.region, found.cells);
  }

  write() {
    const text = maskText(this.mask);
    this.written = text === "" ? "" : `${this.map.sample}.${text}`;
    this.context.state.set({ mask: this.written });
    this.context.redraw();
  }

  // What the model says now is asked for when the hand rests.
  forget() {
    this.known = this.about();
    clearTimeout(this.resting);
    if (!this.context.host.live) this.result = [make("p", { class: "quiet" }, NEEDS_MODEL)];
    else {
      this.result = null;
      if (this.mask.bytes.some(Boolean)) {
        this.resting = setTimeout(() => this.measure(), MEASURED_AFTER);
      }
    }
  }

  // The picture has come: only now its shape is known.
  settle() {
    if (this.drawing.isConnected) this.drawBrush();
  }

  drawBrush() {
    const { width: wide, height: high } = this.main().panel.place;
    this.mask.ratio = wide / high;
    const [across, down] = this.mask.reach(this.radius);
    for (const ring of this.ring) {
      setAttribute(ring, "cx", this.at[0]);
      setAttribute(ring, "cy", this.at[1]);
      setAttribute(ring, "rx", across);
      setAttribute(ring, "ry", down);
    }
    const key = `${this.picture}:${this.mask.version}`;
    if (key !== this.painted) this.mask.paint(this.canvas);
    this.painted = key;
  }

  resize(radius) {
    this.radius = Math.min(Math.max(radius, RADII[0]), RADII[1]);
    this.size.value = String(this.radius);
    this.drawBrush();
  }

  clear() {
    this.mask.clear();
    this.write();
  }

  // The smallest part that holds half of the evidence, averaged as for the regions: single pixels
  // of fine maps are no part that anyone would paint.
  async coverHalf() {
    const { mask } = this;
    const shown = this.context.book.resolve(this.context.state.get());
    const numbers = await numbersOf(this.context, shown, shown.map);
    const field = await inputField(this.context, numbers);
    const ground = groundOf(field, numbers.size);
    mask.take(concentration(ground.values).region, ground.shape);
    if (mask === this.mask) this.write();
  }

  watch(panel) {
    if (this.watched.has(panel)) return;
    this.watched.add(panel);
    const { view } = panel;
    let last = null;
    const on = (kind, listener) => view.addEventListener(kind, (event) => {
      if (this.context.state.get().erase && this.main()?.panel === panel) listener(event);
    }, { capture: true });
    on("pointerdown", (event) => {
      const at = panel.placeOf(event);
      if (!at || event.button > 0) return;
      view.setPointerCapture(event.pointerId);
      last = { at, covered: !event.shiftKey };
      this.stroke(at, at, last.covered);
    });
    on("pointermove", (event) => {
      const at = panel.placeOf(event);
      if (!at) return;
      this.at = at;
      if (last) this.stroke(last.at, at, last.covered);
      else this.drawBrush();
      if (last) last.at = at;
    });
    const end = () => {
      if (last) this.write();
      last = null;
    };
    on("pointerup", end);
    on("pointercancel", end);
    on("keydown", (event) => this.press(event));
  }

  stroke(from, to, covered) {
    this.at = to;
    this.drawBrush();
    this.mask.line(from, to, this.radius, covered);
    this.context.redraw();
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = ARROWS[event.key];
    if (step) {
      const far = this.radius / (event.shiftKey ? 4 : 1);
      this.at = this.at.map((share, axis) => Math.min(Math.max(share + far * step[axis], 0), 1));
      this.drawBrush();
    } else if ([" ", "x", "X"].includes(event.key)) {
      this.stroke(this.at, this.at, event.key === " ");
      this.write();
    } else if (event.key === "[") this.resize(this.radius / 1.25);
    else if (event.key === "]") this.resize(this.radius * 1.25);
    else if (event.key === "Enter" && this.context.host.live) this.measure();
    else if (event.key === "Escape") this.context.state.set({ erase: false });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // What the map says that the covered part holds. Only of complete methods is it a drop.
  async predict(shown) {
    const key = [this.mask.version, this.picture, shown.map.id, shown.contrast, shown.path].join();
    if (key !== this.told) {
      this.told = key;
      const numbers = await numbersOf(this.context, shown, shown.map);
      const field = await inputField(this.context, numbers);
      if (key !== this.told || field.length !== this.mask.bytes.length) return;
      setText(this.predicted, predictedWords(underMask(field, this.mask, numbers.meaning),
        this.mask.area, numbers, shown.map));
    }
    this.drawMeasured();
  }

  drawMeasured() {
    if (this.drawnResult === this.result) return;
    this.drawnResult = this.result;
    fill(this.place, ...(this.result ?? []));
  }

  // What is measured: it holds for every map of the same class.
  about() {
    const { sample, model, input, target } = this.map;
    return [sample, model, input, targetAsked(target), this.how, this.mask.version].join();
  }

  async measure() {
    clearTimeout(this.resting);
    if (!this.mask.bytes.some(Boolean)) {
      this.tell(make("p", { class: "quiet" }, "Nothing is covered yet: paint first."));
      return;
    }
    const { map, mask, how } = this;
    const about = this.about();
    const isMeant = () => mask === this.mask && about === this.about();
    const request = {
      sample: map.sample, model: map.model, mask: mask.packed(), how,
      target: targetAsked(map.target),
    };
    try {
      const { erased } = await this.ask(request);
      if (isMeant()) this.tell(...measuredParts(erased));
    } catch (problem) {
      if (isMeant() && !problem.cancelled) {
        this.tell(make("p", { class: "stage-problem" }, problem.message));
      }
    }
  }

  tell(...parts) {
    this.result = parts;
    this.context.redraw();
  }

  // One question at a time: what an older mask would have given is not waited for.
  ask(request) {
    const { host, jobs } = this.context;
    const start = (told) => host.erase(request, told);
    if (!jobs) return start(() => {});
    for (const job of jobs.running()) if (job.key === ERASE) jobs.cancel(job);
    return jobs.run("Erase test", start, { key: ERASE });
  }
}
