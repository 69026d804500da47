// Volumes: three planes with a slider each.

import { actionButton, keepRows, make, setAttribute, setHidden, setProperty, setText, vector }
  from "../dom.js";
import { canDrawSlices, planeOf, planePicture, planeSize, readSlices, shareWords, slicesShown }
  from "../slices.js";
import { drawLegend, makeLegend } from "../legend.js";
import { drawSheet, makeSheet } from "../sheet.js";
import { numberWords, percentWords } from "../colours.js";

const AXES = ["z", "y", "x"];

export const volumePanel = {
  name: "volume",
  applies: (map, book) => map.kind === "volume" && canDrawSlices(map, book),
  make: (context) => new VolumePane(context),
};

class VolumePane {
  constructor(context) {
    this.context = context;
    this.turn = 0;
    this.planes = AXES.map((name, axis) => this.makePlane(name, axis));
    this.value = make("output", { class: "slice-value", "aria-live": "polite" });
    this.best = actionButton("Strongest slices", () =>
      context.state.set({ slice: [] }), { class: "link", "data-control": "strongest" });
    this.legend = makeLegend();
    this.message = make("p", { class: "quiet", hidden: true });
    this.element = make("div", { class: "stage-volume" },
      make("div", { class: "slice-planes" }, ...this.planes.map(({ element }) => element)),
      make("p", { class: "slice-foot" }, this.value, this.best), this.message);
  }

  get redraws() {
    return this.planes.reduce((sum, { sheet }) => sum + sheet.painter.count, 0);
  }

  alt() {
    return this.words?.() ?? "";
  }

  makePlane(name, axis) {
    const sheet = makeSheet();
    const cross = vector("path", { class: "slice-cross", "vector-effect": "non-scaling-stroke" });
    const lines = vector("svg", { class: "stage-drawing", viewBox: "0 0 1 1",
      preserveAspectRatio: "none", "aria-hidden": "true" },
    vector("path", { class: "slice-rim", "vector-effect": "non-scaling-stroke" }), cross);
    const frame = make("div", { class: "slice-frame" }, sheet.element, lines);
    frame.addEventListener("click", (event) => this.choose(axis, event, frame));
    const id = `slice-${name}-${(planeNumber += 1)}`;
    const slider = make("input", { type: "range", min: "0", step: "1", id,
      "data-control": `slice-${name}`,
      on: { input: () => this.move(axis, Number(slider.value)) } });
    const words = make("output", { for: id });
    const bars = make("div", { class: "slice-shares", "aria-hidden": "true" });
    const element = make("div", { class: "slice-plane" }, frame,
      make("label", { for: id }, `Across ${name}`), bars, slider, words);
    return { sheet, lines, frame, slider, words, bars, element };
  }

  move(axis, place) {
    const slice = [...this.at];
    slice[axis] = place;
    this.context.state.set({ slice }, { quiet: true });
  }

  // A place in one plane is a slice across each of the other two axes.
  choose(axis, { clientX, clientY }, frame) {
    const box = frame.getBoundingClientRect();
    const shares = [(clientY - box.top) / box.height, (clientX - box.left) / box.width];
    const others = [0, 1, 2].filter((one) => one !== axis);
    const slice = [...this.at];
    others.forEach((other, i) => {
      const length = this.size[other];
      slice[other] = Math.min(Math.max(Math.floor(shares[i] * length), 0), length - 1);
    });
    this.context.state.set({ slice }, { quiet: true });
  }

  async draw(state) {
    const { map, pane } = state;
    const turn = (this.turn += 1);
    const current = () => turn === this.turn;
    const { slices, numbers, field, shares } = await readSlices(this.context, state);
    if (!current()) return;
    const plain = pane.mode === "plain";
    this.size = map.size;
    this.at = slicesShown(state.slice ?? [], shares, map.size);
    this.words = () => (plain ? `${pane.title}: what the model was given.` : pane.words(numbers));
    drawLegend(this.legend, plain ? null : numbers, state, pane.ends);
    setHidden(this.best, (state.slice ?? []).length === 0);
    setText(this.message, plain ? "" : map.message);
    setHidden(this.message, plain || !map.message);
    this.tellValue(plain ? null : numbers, field);
    await Promise.all(this.planes.map(async (plane, axis) => {
      this.drawSlider(plane, axis, plain ? null : shares[axis]);
      const picture = planePicture(slices, map.size, axis, this.at[axis]);
      const [height, width] = planeSize(map.size, axis);
      setProperty(plane.frame, "aspect-ratio", `${width} / ${height}`);
      const own = plain ? null : planeOf(field, numbers, axis, this.at[axis]);
      const words = `${this.alt()} Plane across ${AXES[axis]}, ${plane.words.textContent}.`;
      setAttribute(plane.sheet.canvas, "aria-label", words);
      await drawSheet(this.context, plane.sheet, { picture, numbers: own, shown: state }, current);
    }));
  }

  drawSlider(plane, axis, shares) {
    const { slider, words, lines, bars } = plane;
    const [length, at] = [this.size[axis], this.at[axis]];
    setAttribute(slider, "max", length - 1);
    if (Number(slider.value) !== at) slider.value = String(at);
    const said = `slice ${at + 1} of ${length}`;
    const text = shares ? `${said}, ${shareWords(shares, at)}` : said;
    setText(words, text);
    setAttribute(slider, "aria-valuetext", text);
    drawShares(bars, shares, at);
    const [down, right] = [0, 1, 2].filter((one) => one !== axis);
    const [y, x] = [down, right].map((one) => (this.at[one] + 0.5) / this.size[one]);
    for (const line of lines.children) setAttribute(line, "d", `M0 ${y}H1M${x} 0V1`);
  }

  tellValue(numbers, field) {
    const [z, y, x] = this.at;
    const place = `z ${z + 1}, y ${y + 1}, x ${x + 1}`;
    if (!numbers) {
      setText(this.value, place);
      return;
    }
    const value = field[(z * this.size[1] + y) * this.size[2] + x];
    const sign = value > 0 ? "+" : "";
    setText(this.value, `${place}: ${sign}${numberWords(value)}, ` +
      `${percentWords(Math.abs(value) / numbers.limit)} of the limit`);
  }

  fail(problem) {
    setText(this.message, `This map cannot be shown: ${problem.message}.`);
    setHidden(this.message, false);
  }
}

let planeNumber = 0;

function drawShares(bars, shares, at) {
  const most = shares ? Math.max(...shares, 1e-12) : 1;
  keepRows(bars, shares ? [...shares] : [], () => make("i", {}), (bar, share, index) => {
    setProperty(bar, "height", `${Math.max((100 * share) / most, 2)}%`);
    bar.classList.toggle("slice-here", index === at);
  });
}
