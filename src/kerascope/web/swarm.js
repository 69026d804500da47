// All rows of a table: for every column a strip with a dot for each row, at its value.

import { arrayOf } from "./arrays.js";
import { cssOf, groundUnder, isDark } from "./inks.js";
import { fill, make, setAttribute, setText } from "./dom.js";
import { givenOf, isNamed } from "./named.js";
import { numberWords, paintLegend, tableOf } from "./colours.js";

const MOST_COLUMNS = 15;
const MOST_ROWS = 2000;
const HIGH = 30; // pixels of a strip
const BINS = 90; // along a strip: dots of one bin lie over each other
const FULL = 11; // dots over each other that fill half a strip
const NEAR = 12; // pixels within which a dot is meant

// Return {table, caption, body}: a table of columns by name, with a chart and a number each.
export function makeColumnTable(heads) {
  const caption = make("caption", { class: "unseen" });
  const body = make("tbody", {});
  const widths = ["columns-named", "columns-drawn", "columns-said"];
  const table = make("table", { class: "columns-table" }, caption,
    make("colgroup", {}, ...widths.map((name) => make("col", { class: name }))),
    make("thead", {}, make("tr", {}, ...heads.map((words) =>
      make("th", { scope: "col" }, make("span", { class: "unseen" }, words))))), body);
  return { table, caption, body };
}

export function makeSwarm(context) {
  return new Swarm(context);
}

class Swarm {
  constructor(context) {
    this.context = context;
    this.redraws = 0;
    this.strips = [];
    Object.assign(this, makeColumnTable(["Column", "All rows", "Mean size"]));
    this.view = make("div", { class: "named-view table-view", tabindex: "0", role: "group" },
      this.table);
    this.legend = make("canvas", { class: "swarm-legend", width: "64", height: "1",
      "aria-hidden": "true" });
    this.ends = make("p", { class: "swarm-ends quiet" }, "low", this.legend,
      "high value of the column (grey: a category)");
    this.said = make("p", { class: "named-value", "aria-live": "polite" });
    this.note = make("p", { class: "quiet swarm-note" });
    this.element = make("div", { class: "swarm" }, this.note, this.view, this.ends, this.said);
    this.listen();
    new ResizeObserver(() => this.paint()).observe(this.view);
  }

  listen() {
    this.view.addEventListener("pointermove", (event) => this.point(event));
    this.view.addEventListener("pointerleave", () => this.choose(null));
    this.view.addEventListener("click", (event) => {
      this.point(event);
      this.open();
    });
    this.view.addEventListener("keydown", (event) => this.press(event));
  }

  // The maps of all samples that stand beside a map: same method, target's place and columns.
  rowsOf(map) {
    const { book } = this.context;
    const key = `${map.id}:${book.version}`;
    if (key === this.known) return this.maps;
    this.known = key;
    const { columns } = givenOf(book, map)?.table ?? { columns: [] };
    const same = (one) =>
      isNamed(one) && one.method === map.method && one.input === map.input &&
      one.epoch === map.epoch && one.target.place === map.target.place &&
      String(givenOf(book, one)?.table?.columns) === String(columns);
    this.maps = book.document.maps.filter(same).slice(0, MOST_ROWS);
    return this.maps;
  }

  async draw({ map, sample }) {
    const { book } = this.context;
    const maps = this.rowsOf(map);
    const values = await Promise.all(maps.map((one) => arrayOf(book, one.values)));
    const tables = maps.map((one) => givenOf(book, one).table);
    this.data = { maps, values, tables };
    this.sample = sample;
    this.order = ordered(values).slice(0, MOST_COLUMNS);
    this.lay();
    this.paint();
  }

  lay() {
    const { maps, values, tables } = this.data;
    const key = `${this.known}:${this.order}`;
    if (key === this.laid) return;
    this.laid = key;
    const { columns } = tables[0];
    this.strips = this.order.map((column) => ({ column, canvas: make("canvas", {
      class: "swarm-strip", "aria-hidden": "true" }), dots: [] }));
    fill(this.body, ...this.strips.map(({ column, canvas }) => make("tr", {},
      make("th", { scope: "row", title: columns[column] },
        make("span", { class: "columns-label" },
          make("span", { class: "columns-name" }, columns[column]))),
      make("td", { class: "columns-chart" }, canvas),
      make("td", { class: "columns-worth" }, numberWords(meanSize(values, column))))));
    const subjects = new Set(maps.map((one) => one.target.subject));
    const who = subjects.size === 1 ? [...subjects][0] : "each row's own class";
    const rest = columns.length - this.strips.length;
    const more = rest > 0 ? `; ${rest} weaker columns are not shown` : "";
    setText(this.note, `${maps.length} rows: what each column is worth to ${who}, against … for; ` +
      `at the right the mean size${more}.`);
    setText(this.caption, this.note.textContent);
    setAttribute(this.view, "aria-label", "All rows. Up and down go from column to column, left " +
      "and right from row to row by value, Enter opens the row.");
  }

  paint() {
    if (!this.data || this.element.hidden) return;
    this.redraws += 1;
    const limit = Math.max(...this.strips.map(({ column }) => largest(this.data.values, column)));
    const ground = groundUnder(this.view);
    paintLegend(this.legend, { table: "viridis" }, rangeOn(ground));
    for (const strip of this.strips) this.paintStrip(strip, limit || 1, ground);
  }

  paintStrip(strip, limit, ground) {
    const { canvas, column } = strip;
    const { maps, values, tables } = this.data;
    const ratio = devicePixelRatio || 1;
    const wide = Math.max(canvas.clientWidth, 60);
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(HIGH * ratio);
    const brush = canvas.getContext("2d");
    brush.scale(ratio, ratio);
    const ink = isDark(ground) ? "255 255 255" : "20 23 28";
    brush.fillStyle = `rgb(${ink} / 0.25)`;
    brush.fillRect(wide / 2 - 0.5, 0, 1, HIGH);
    const mine = values.map((row) => row[column]);
    const heights = piled(mine, limit);
    const shades = shadesOf(tables.map((table) => table.numbers[column]), rangeOn(ground));
    strip.dots = mine.map((value, i) => ({
      x: wide * (0.5 + 0.47 * (value / limit)), y: HIGH * (0.5 + 0.45 * heights[i]), row: i, value,
    }));
    const own = strip.dots.filter(({ row }) => maps[row].sample === this.sample);
    for (const dot of strip.dots) drawDot(brush, dot, shades[dot.row], 2.6);
    for (const dot of own) ring(brush, dot, `rgb(${ink})`);
    if (this.chosen?.strip === strip) {
      ring(brush, strip.dots[this.chosen.row], `rgb(${ink})`, 6.5);
    }
  }

  point({ clientX, clientY }) {
    let best = null;
    let least = NEAR;
    for (const strip of this.strips) {
      const box = strip.canvas.getBoundingClientRect();
      for (const { x, y, row } of strip.dots) {
        const far = Math.hypot(clientX - box.left - x, clientY - box.top - y);
        if (far < least) [best, least] = [{ strip, row }, far];
      }
    }
    this.choose(best);
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.data) return;
    if (event.key === "Enter") this.open();
    else if (!this.step(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  step(key) {
    const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const way = ways[key];
    if (!way) return false;
    const { maps } = this.data;
    const row = this.chosen?.row ??
      Math.max(0, maps.findIndex((one) => one.sample === this.sample));
    const at = this.chosen ? this.strips.indexOf(this.chosen.strip) : 0;
    const strip = this.strips[Math.min(Math.max(at + (this.chosen ? way[0] : 0), 0),
      this.strips.length - 1)];
    const byValue = [...strip.dots].sort((a, b) => a.value - b.value || a.row - b.row);
    const place = byValue.findIndex((dot) => dot.row === row);
    const next = Math.min(Math.max(place + (this.chosen ? way[1] : 0), 0), byValue.length - 1);
    this.choose({ strip, row: byValue[next].row });
    return true;
  }

  choose(chosen) {
    const same = this.chosen?.strip === chosen?.strip && this.chosen?.row === chosen?.row;
    if (same) return;
    this.chosen = chosen;
    setText(this.said, chosen ? this.wordsOf(chosen) : "");
    this.paint();
  }

  wordsOf({ strip, row }) {
    const { maps, values, tables } = this.data;
    const name = this.context.book.sample(maps[row].sample)?.name ?? "";
    const { columns, cells } = tables[row];
    const value = values[row][strip.column];
    return `${name}: ${columns[strip.column]} = ${cells[strip.column]}, ` +
      `${value > 0 ? "+" : ""}${numberWords(value)} for ${maps[row].target.subject}`;
  }

  open() {
    if (!this.chosen) return;
    const { sample } = this.data.maps[this.chosen.row];
    this.context.state.set({ sample, columns: "waterfall" });
  }
}

const meanSize = (values, column) =>
  values.reduce((sum, row) => sum + Math.abs(row[column]), 0) / values.length;

const largest = (values, column) =>
  values.reduce((most, row) => Math.max(most, Math.abs(row[column])), 0);

function ordered(values) {
  const sizes = Array.from(values[0] ?? [], (_, column) => meanSize(values, column));
  return sizes.map((_, column) => column).sort((a, b) => sizes[b] - sizes[a]);
}

// Heights −1 … 1 that part dots of like value: alternating, by bin.
function piled(values, limit) {
  const bins = new Map();
  const heights = new Float32Array(values.length);
  let highest = FULL;
  values.forEach((value, i) => {
    const bin = Math.floor(((value / limit) * 0.5 + 0.5) * BINS);
    const place = bins.get(bin) ?? 0;
    bins.set(bin, place + 1);
    heights[i] = (place % 2 ? 1 : -1) * Math.ceil(place / 2);
    highest = Math.max(highest, Math.abs(heights[i]));
  });
  return heights.map((height) => height / highest);
}

// The part of the colours that stands out from a ground.
const rangeOn = (ground) => (isDark(ground) ? { from: 70, to: 255 } : { from: 0, to: 235 });

// A colour by rank: ranks show the order where values are skewed. Categories are grey.
function shadesOf(numbers, { from, to }) {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  if (numbers.includes(null) || numbers.includes(undefined) || sorted.length < 2) {
    return numbers.map(() => "rgb(138 144 160)");
  }
  const table = tableOf("viridis");
  const rank = new Map(sorted.map((number, i) => [number, i / (sorted.length - 1)]));
  return numbers.map((number) => {
    const at = 3 * Math.round(from + (to - from) * rank.get(number));
    return cssOf([table[at], table[at + 1], table[at + 2]]);
  });
}

function drawDot(brush, { x, y }, colour, size) {
  brush.beginPath();
  brush.arc(x, y, size, 0, 2 * Math.PI);
  brush.fillStyle = colour;
  brush.fill();
}

function ring(brush, { x, y }, colour, size = 4.5) {
  brush.beginPath();
  brush.arc(x, y, size, 0, 2 * Math.PI);
  brush.strokeStyle = colour;
  brush.lineWidth = 1.75;
  brush.stroke();
}
