// Series: a lane for every channel, its line on a coloured band; the forecast beside.

import { arrayOf } from "../arrays.js";
import { drawLegend, makeLegend } from "../legend.js";
import { inputField, paneNumbers } from "../sources.js";
import { keepRows, make, setAttribute, setHidden, setProperty, setText, vector } from "../dom.js";
import { drawForecast, makeForecast } from "../forecast.js";
import { numberWords, scaleOf, strengthsOf, tableOf } from "../colours.js";

const WIDEST = 4096; // pixels of a band
const HIGH = 100; // of a lane's drawing
const LEAST = 0.01; // strength: zero itself lies between two levels of a diverging table
const FULL = 236; // of a diverging table: what its end fades from

export const seriesPanel = {
  name: "series",
  applies: (map, book) =>
    map.kind === "series" && Boolean(map.values) && (!book || linesOf(book, map) !== null),
  make: (context) => new SeriesPane(context),
};

function linesOf(book, { sample, input }) {
  return book.sample(sample)?.inputs.find((one) => one.name === input)?.series ?? null;
}

class SeriesPane {
  constructor(context) {
    this.context = context;
    this.redraws = 0;
    this.turn = 0;
    this.drawn = "";
    this.lanes = make("div", { class: "series-lanes" });
    this.cross = make("div", { class: "series-cross", "aria-hidden": "true", hidden: true });
    this.view = make("div", { class: "series-view", tabindex: "0", role: "application" },
      this.lanes, this.cross);
    this.steps = make("p", { class: "series-steps", "aria-hidden": "true" });
    this.value = make("p", { class: "series-value", "aria-hidden": "true" }, "\u00a0");
    this.message = make("p", { class: "quiet", hidden: true });
    this.forecast = makeForecast();
    this.legend = makeLegend();
    this.element = make("div", { class: "stage-series" },
      make("div", { class: "series-main" }, this.view, this.steps, this.value, this.message),
      this.forecast.element);
  }

  alt() {
    return this.words?.() ?? "";
  }

  async draw(state) {
    const { map, pane } = state;
    const turn = (this.turn += 1);
    const { book } = this.context;
    this.lines = linesOf(book, map);
    const { channels } = this.lines;
    const curves = await Promise.all(channels.map(({ values }) => arrayOf(book, values)));
    const numbers = await paneNumbers(this.context, state);
    const field = numbers ? await inputField(this.context, numbers) : null;
    const forecast = state.view === "stage" ? book.prediction(map.sample, map.model, map.epoch)
      ?.forecast ?? null : null;
    if (turn !== this.turn) return;
    Object.assign(this, { curves, numbers, field, size: [channels.length, curves[0].length] });
    this.words = () => (numbers ? pane.words(numbers) : `${pane.title}: what the model was given.`);
    setAttribute(this.view, "aria-label", `Series ${pane.title}: the arrow keys move through ` +
      `steps and channels. ${this.alt()}`);
    this.drawLanes(state);
    drawLegend(this.legend, numbers, state, pane.ends);
    const quiet = pane.mode === "plain" || !map.message;
    setText(this.message, quiet ? "" : map.message);
    setHidden(this.message, quiet);
    await drawForecast(this.context, this.forecast, forecast, map);
  }

  drawLanes(state) {
    const { channels, times } = this.lines;
    const scale = this.numbers ? scaleOf(this.numbers.meaning, state) : null;
    const key = [this.numbers?.key, this.numbers?.limit, scale?.sign, scale?.table, state.blend,
      state.opacity, state.threshold, state.map.id].join();
    if (key === this.drawn) return;
    this.drawn = key;
    this.redraws += 1;
    this.view.classList.toggle("series-alone", state.blend === "alone" && scale !== null);
    setProperty(this.lanes, "--lanes", String(channels.length));
    keepRows(this.lanes, channels, makeLane, (lane, channel, index) => {
      const curve = this.curves[index];
      const [name, range] = lane.firstElementChild.children;
      setText(name, channel.name);
      setText(range, rangeWords(curve));
      const [band, drawing] = lane.lastElementChild.children;
      paintBand(band, this.rowOf(index), { scale, limit: this.numbers?.limit ?? 1, state },
        curve.length);
      setAttribute(drawing, "viewBox", `0 0 ${curve.length} ${HIGH}`);
      for (const path of drawing.children) setAttribute(path, "d", curvePath(curve));
    });
    const length = this.curves[0].length;
    const marks = [0, 1 / 3, 2 / 3, 1].map((share) => Math.round(share * (length - 1)));
    keepRows(this.steps, [...new Set(marks)], () => make("span"), (mark, step) => {
      setText(mark, times[step] ?? String(step + 1));
    });
  }

  // One row of values stands for all channels where the method tells none apart.
  rowOf(channel) {
    if (!this.field) return null;
    const [rows, length] = this.numbers.size;
    const row = rows === 1 ? 0 : channel;
    return this.field.subarray(row * length, (row + 1) * length);
  }

  mark(at) {
    setHidden(this.cross, at === null);
    if (at === null) return;
    const [step, lane] = this.placeIn(at);
    const plot = this.lanes.children[lane]?.lastElementChild;
    if (!plot) return;
    const [box, own] = [this.view.getBoundingClientRect(), plot.getBoundingClientRect()];
    const width = own.width / this.size[1];
    setProperty(this.cross, "left", `${own.left - box.left + step * width}px`);
    setProperty(this.cross, "width", `${Math.max(1, width)}px`);
    setProperty(this.cross, "top", `${own.top - box.top}px`);
    setProperty(this.cross, "height", `${own.height}px`);
  }

  placeIn([x, y]) {
    const [lanes, length] = this.size;
    return [Math.min(Math.floor(x * length), length - 1), Math.min(Math.floor(y * lanes), lanes - 1)];
  }

  tell(words) {
    setText(this.value, words || "\u00a0");
  }

  placeOf({ clientX, clientY }) {
    const plot = this.lanes.firstElementChild?.lastElementChild;
    if (!plot) return null;
    const [across, down] = [plot, this.lanes].map((one) => one.getBoundingClientRect());
    const at = [(clientX - across.left) / across.width, (clientY - down.top) / down.height];
    return at.every((share) => share >= 0 && share < 1) ? at : null;
  }

  async valueAt(at) {
    if (!this.field || !this.size) return null;
    const [step, lane] = this.placeIn(at);
    const value = this.rowOf(lane)[step];
    const { channels, times } = this.lines;
    const when = times[step] ?? `step ${step + 1}`;
    const held = `${channels[lane].name || "value"} ${numberWords(this.curves[lane][step])}`;
    return { value, share: value / this.numbers.limit, size: this.size,
      name: `${when}, ${held}` };
  }

  fail(problem) {
    setText(this.message, `This map cannot be shown: ${problem.message}.`);
    setHidden(this.message, false);
  }
}

function makeLane() {
  const band = make("canvas", { class: "stage-canvas series-band", "aria-hidden": "true" });
  const drawing = vector("svg", { class: "series-drawing", preserveAspectRatio: "none",
    "aria-hidden": "true" },
  ...["series-rim", "series-line"].map((kind) =>
    vector("path", { class: kind, "vector-effect": "non-scaling-stroke" })));
  return make("div", { class: "series-lane" },
    make("p", { class: "series-name" }, make("b", {}), make("span", {})),
    make("div", { class: "series-plot" }, band, drawing));
}

function rangeWords(curve) {
  const [low, high] = [Math.min(...curve), Math.max(...curve)];
  return `${numberWords(low)} … ${numberWords(high)}`;
}

export function curvePath(curve, low = Math.min(...curve), high = Math.max(...curve)) {
  const span = high - low || 1;
  const height = (value) =>
    HIGH * (0.1 + 0.8 * (high > low ? 1 - (value - low) / span : 0.5));
  return `M${Array.from(curve, (value, i) => `${i + 0.5} ${height(value).toFixed(2)}`).join("L")}`;
}

// Colours stand on whatever ground the page has: what has no strength is not painted.
function paintBand(canvas, row, { scale, limit, state }, length) {
  const width = Math.min(length, WIDEST);
  canvas.width = width;
  canvas.height = 1;
  if (row === null) return;
  const table = tableOf(scale.table);
  const strengths = strengthsOf(scale);
  const image = new ImageData(width, 1);
  for (let x = 0; x < width; x += 1) {
    const value = strongestIn(row, (x * length) / width, ((x + 1) * length) / width);
    const wide = (scale.size ? Math.abs(value) : value) * (scale.slope / limit) + scale.offset;
    const level = Math.round(Math.min(Math.max(wide, scale.low), scale.high));
    const strength = strengths[level] >= Math.max(state.threshold, LEAST) ? strengths[level] : 0;
    // White is no evidence, but not on every ground: there the full colour fades instead.
    const fades = scale.middle && state.blend !== "alone";
    const shown = fades ? (level > 127 ? FULL : 255 - FULL) : level;
    image.data.set(table.subarray(3 * shown, 3 * shown + 3), 4 * x);
    image.data[4 * x + 3] = 255 * coverOf(state, strength);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function coverOf({ blend, opacity }, strength) {
  if (blend === "alone") return 1;
  return opacity * (blend === "cover" ? strength : strength ** 0.6);
}

function strongestIn(row, from, to) {
  let found = row[Math.floor(from)];
  for (let i = Math.floor(from) + 1; i < Math.floor(to); i += 1) {
    if (Math.abs(row[i]) > Math.abs(found)) found = row[i];
  }
  return found;
}
