// From a baseline's score to a row's, column by column: which bars, from where to where.

const MOST = 12; // columns shown; the others are one bar
const UNSAID = 0.005; // of the way: a smaller rest is a rounding error

// Return {rows, others, long}: rows from top to bottom, each {kind, name, cell, value, from, to,
// link}; link: where a line leads down from, or null.
//
// kind: "end" (a score), "column", "others", "rest" (not accounted for). list: see `namedList`.
// base, score: ends of the way; null where the values do not sum to it. columns: "waterfall" or
// "bars". threshold, sign: columns that are weaker, or of the other sign, join the others.
export function stepsOf(list, asked) {
  const { base, score, columns, threshold, sign, limit, most = MOST } = asked;
  const fits = ({ value }) =>
    Math.abs(value) >= threshold * limit &&
    (sign === "for" ? value >= 0 : sign === "against" ? value <= 0 : true);
  const sorted = [...list].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const chosen = sorted.filter(fits);
  const shown = chosen.length + Number(chosen.length < list.length) > most
    ? chosen.slice(0, most - 1) : chosen;
  const kept = new Set(shown);
  const left = sorted.filter((item) => !kept.has(item));
  const bars = columns === "bars";
  const whole = !bars && base !== null;
  const rows = shown.map(({ name, cell, value }) => ({ kind: "column", name, cell, value }));
  const sum = (items) => items.reduce((total, { value }) => total + value, 0);
  if (left.length > 0) rows.push(foldedRow(left, sum(left)));
  const rest = base === null ? 0 : score - base - sum(list);
  if (Math.abs(rest) > UNSAID * Math.max(Math.abs(score - base), 1e-12)) {
    rows.push({ kind: "rest", name: "not accounted for", cell: "", value: rest });
  }
  place(rows, { bars, start: whole ? base : 0, absolute: sign === "absolute" });
  if (!bars) addEnds(rows, whole);
  return { rows, others: left.length, long: list.length > MOST };
}

function foldedRow(left, value) {
  const name = left.length === 1 ? left[0].name : `${left.length} other columns`;
  return { kind: "others", name, cell: left.length === 1 ? left[0].cell : "", value };
}

function place(rows, { bars, start, absolute }) {
  let at = start;
  rows.forEach((row, i) => {
    row.from = bars ? 0 : at;
    row.to = row.from + (bars && absolute ? Math.abs(row.value) : row.value);
    row.link = bars || i === rows.length - 1 ? null : row.to;
    at = row.to;
  });
}

function addEnds(rows, whole) {
  const first = rows[0]?.from ?? 0;
  const last = rows.at(-1)?.to ?? first;
  const end = (name, value, link) =>
    ({ kind: "end", name, cell: "", value, from: value, to: value, link });
  if (rows.length > 0) rows.at(-1).link = last;
  if (whole) rows.unshift(end("Baseline", first, first));
  rows.push(end(whole ? "This row" : "Sum", last, null));
}

// Return the ends of the scale that holds all bars.
export function spanOf({ rows }, margin) {
  const all = rows.flatMap(({ from, to }) => [from, to]);
  if (rows.every(({ kind }) => kind !== "end")) all.push(0);
  const [low, high] = [Math.min(...all, Infinity), Math.max(...all, -Infinity)];
  const span = Number.isFinite(high - low) && high > low ? high - low : 1;
  const from = Number.isFinite(low) ? low : 0;
  return [from - margin * span, from + (1 + margin) * span];
}
