// Rows of a table: how the named columns lead from the baseline's score to the row's.

import { givenOf, isNamed, namedList } from "../named.js";
import { colouring, cssOf, groundUnder } from "../inks.js";
import { actionButton, fill, make, setAttribute, setHidden, setText } from "../dom.js";
import { makeColumnTable, makeSwarm } from "../swarm.js";
import { steadyWords } from "../colours.js";
import { paneNumbers } from "../sources.js";
import { segments } from "../controls.js";
import { spanOf, stepsOf } from "../waterfall.js";

const MARGIN = 0.03; // of the scale, free at either end

export const tablePanel = {
  name: "table",
  applies: (map) => isNamed(map) && map.kind === "table",
  make: (context) => new TablePane(context),
};

class TablePane {
  constructor(context) {
    this.context = context;
    this.turn = 0;
    this.redraws = 0;
    this.rows = [];
    this.folded = true;
    this.choice = segments(context.state, "columns", "Columns as");
    Object.assign(this, makeColumnTable(["Column", "Bar", "Worth"]));
    this.view = make("div", { class: "named-view table-view", tabindex: "0", role: "group" },
      this.table);
    this.fold = actionButton("", () => {
      this.folded = !this.folded;
      this.context.redraw();
    }, { class: "link table-fold" });
    this.swarm = makeSwarm(context);
    this.value = make("p", { class: "named-value", "aria-hidden": "true" });
    this.message = make("p", { class: "named-message" });
    this.element = make("div", { class: "named" }, this.choice.element, this.view,
      this.swarm.element, this.message, this.fold, this.value);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => context.redraw());
  }

  alt() {
    return this.said ?? "";
  }

  // state: what is shown, with `map` and `pane` of this panel.
  async draw(state) {
    const { map, pane } = state;
    const turn = (this.turn += 1);
    const numbers = await paneNumbers(this.context, state);
    if (turn !== this.turn) return;
    this.numbers = numbers;
    this.said = numbers ? pane.words(numbers) : `${pane.title}: what the model was given.`;
    const several = numbers !== null && this.swarm.rowsOf(map).length > 1;
    const all = several && state.columns === "rows" && pane.mode === "map";
    this.choice.draw({ columns: !several && state.columns === "rows" ? "waterfall" : state.columns });
    setHidden(this.choice.element, numbers === null);
    setHidden(this.choice.element.lastElementChild, !several);
    setHidden(this.view, all);
    setHidden(this.swarm.element, !all);
    setHidden(this.value, all);
    setHidden(this.fold, all || !this.long);
    setText(this.message, numbers?.array ? map.message : "");
    setHidden(this.message, this.message.textContent === "");
    if (all) {
      await this.swarm.draw(state);
      this.redraws += this.swarm.redraws;
      return;
    }
    this.drawRow(state, numbers);
  }

  drawRow(state, numbers) {
    const { map, pane } = state;
    const given = givenOf(this.context.book, map);
    const ground = groundUnder(this.view);
    const look = [state.colours, state.sign, state.opacity, state.threshold, state.columns,
      this.folded, ground];
    const key = `${numbers?.key}:${map.id}:${look}`;
    setText(this.caption, this.said);
    setAttribute(this.view, "aria-label",
      `Columns. ${this.said} The arrow keys go from column to column.`);
    if (key === this.drawn) return;
    this.drawn = key;
    this.redraws += 1;
    if (numbers === null) {
      this.plain(given, map);
      return;
    }
    const list = namedList(given, numbers.values);
    const steps = stepsOf(list, { ...ends(map, state, numbers), ...state, limit: numbers.limit,
      most: this.folded ? undefined : Infinity });
    this.rows = steps.rows;
    const span = spanOf(steps, MARGIN);
    const colourOf = colouring(numbers, { ...state, blend: "tint", threshold: 0 }, ground);
    const strong = colouring({ ...numbers, limit: 1e-30 }, { ...state, blend: "tint", threshold: 0 },
      ground);
    const auto = state.colours === "auto" ? strong : colourOf;
    fill(this.body, ...steps.rows.map((row) => lineOf(row, span, auto, numbers.limit)));
    setText(this.fold, this.folded ? `Show all ${list.length} columns` : "Fold the weakest");
    this.long = steps.long;
    setHidden(this.fold, !this.long);
  }

  // What the model was given, without a map.
  plain(given) {
    const { columns = [], cells = [] } = given?.table ?? {};
    this.rows = [];
    this.long = false;
    setHidden(this.fold, true);
    fill(this.body, ...columns.map((name, i) => make("tr", {},
      make("th", { scope: "row" }, name), make("td", {}), make("td", {}, cells[i]))));
  }

  // --- the column under the pointer, or where the keys are: see crosshair.js --------------------

  placeOf({ target }) {
    const line = target instanceof Element ? target.closest("tbody tr") : null;
    const index = [...this.body.children].indexOf(line);
    return index < 0 ? null : this.at(index);
  }

  at(index) {
    return [0.5, (index + 0.5) / Math.max(this.rows.length, 1)];
  }

  indexAt([, y]) {
    return Math.min(Math.floor(y * this.rows.length), this.rows.length - 1);
  }

  stepFrom(kept, [across, down]) {
    if (kept === null) return this.at(0);
    const next = this.indexAt(kept) + (down || across);
    return this.at(Math.min(Math.max(next, 0), this.rows.length - 1));
  }

  mark(at) {
    this.marked?.removeAttribute("data-marked");
    this.marked = at ? this.body.children[this.indexAt(at)] : null;
    this.marked?.setAttribute("data-marked", "");
  }

  tell(words) {
    setText(this.value, words);
  }

  async valueAt(at) {
    const row = this.rows[this.indexAt(at)];
    if (!row || !this.numbers) return null;
    const name = row.cell ? `${row.name} = ${row.cell}` : row.name;
    const { limit } = this.numbers;
    const way = row.kind === "column" && row.to !== null
      ? `from ${steadyWords(row.from, limit)} to ${steadyWords(row.to, limit)}` : "";
    return { value: row.value, share: row.value / limit, name, more: way };
  }
}

// The scores that a row's bars lead from and to; under a contrast, those of the difference.
function ends(map, { versusMap, contrast, pane }, numbers) {
  const own = map === pane.shownMap;
  const less = own && versusMap && contrast > 0 && !numbers.array ? contrast : 0;
  const score = (one) => one.target.score;
  if (pane.mode === "difference" || score(map) === null || (map.base ?? null) === null) {
    return { base: null, score: null };
  }
  if (less === 0) return { base: map.base, score: score(map) };
  return { base: map.base - less * versusMap.base, score: score(map) - less * score(versusMap) };
}

function lineOf(row, [low, high], colourOf, limit) {
  const at = (score) => `${(100 * (score - low)) / (high - low)}%`;
  const bar = make("i", { class: `columns-bar columns-${row.kind}` });
  const [left, right] = [Math.min(row.from, row.to), Math.max(row.from, row.to)];
  bar.style.left = at(left);
  bar.style.width = row.kind === "end" ? "0" : `calc(${at(right)} - ${at(left)})`;
  const colour = row.kind === "column" ? colourOf(row.value) : null;
  if (colour) bar.style.backgroundColor = cssOf(colour);
  const track = make("span", { class: "columns-track" }, bar);
  if (row.link !== null) {
    const link = make("i", { class: "columns-link" });
    link.style.left = at(row.link);
    track.append(link);
  }
  const cell = row.cell ? make("span", { class: "columns-cell" }, `= ${row.cell}`) : null;
  const sign = row.kind !== "end" && row.value > 0 ? "+" : "";
  return make("tr", { class: `columns-row-${row.kind}` },
    make("th", { scope: "row", title: `${row.name}${row.cell ? ` = ${row.cell}` : ""}` },
      make("span", { class: "columns-label" },
        make("span", { class: "columns-name" }, row.name), cell)),
    make("td", { class: "columns-chart" }, track),
    make("td", { class: "columns-worth" }, `${sign}${steadyWords(row.value, limit)}`));
}
