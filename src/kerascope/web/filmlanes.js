// The curves of a training film, one lane each under one another, on the film's own time axis.

import { fill, keepRows, make, setAttribute, setText, vector } from "./dom.js";

const FILM_INSIDE = "evidence on the object";
const FILM_MOVED = "evidence that moved";
const UNIT_METRIC = /acc|auc|precision|recall|f1|iou|dice|rate/i; // metrics from 0 to 1
const LANE_TALL = 100; // of a lane's own units; it is stretched to its place
const LANE_WIDE = 1000;
const LANES_OPEN = 5; // lanes that are not folded away

// Where an epoch stands on the axis, 0 … 1; a film of one epoch has it in the middle.
export function axisOf(film) {
  const all = [...film.epochs, ...film.curves.flatMap((curve) => curve.epochs)];
  const first = Math.min(...all);
  const last = Math.max(...all);
  const place = (epoch) => (last > first ? (epoch - first) / (last - first) : 0.5);
  return { first, last, place, epochAt: (share) => first + share * (last - first) };
}

export function nearestEpoch(epochs, wanted) {
  return epochs.reduce((best, epoch) =>
    Math.abs(epoch - wanted) < Math.abs(best - wanted) ? epoch : best,
  );
}

// The lanes for a picture and a method: evidence first, then what Keras has logged.
export function lanesOf(film, { sample, method }) {
  const evidence = [FILM_INSIDE, FILM_MOVED].map((name) => {
    const of = (who) =>
      film.curves.find((c) => c.name === name && c.method === method && c.sample === who);
    const series = [
      { words: "this picture", curve: of(sample), kind: "main" },
      { words: "mean of all", curve: of(null), kind: "beside" },
    ].filter((one) => one.curve !== undefined);
    const alone = film.curves.filter((c) => c.name === name && c.method === method).length === 2;
    return { name, series: alone ? series.slice(0, 1) : series, unit: true };
  });
  const groups = new Map();
  for (const curve of film.curves) {
    if (curve.sample !== null || curve.method !== null) continue;
    if (!groups.has(curve.group)) groups.set(curve.group, []);
    groups.get(curve.group).push(curve);
  }
  const logged = [...groups].map(([name, curves]) => ({
    name,
    series: curves.map((curve) => ({
      words: curve.name === name ? (curves.length > 1 ? "training" : "") : "validation",
      curve,
      kind: curve.name === name ? "beside" : "main",
    })),
    unit: curves.every((curve) => curve.share) || isUnit(name, curves),
  }));
  return [...evidence, ...logged].filter((lane) => lane.series.length > 0);
}

function isUnit(name, curves) {
  const values = curves.flatMap((curve) => curve.values).filter((value) => value !== null);
  return UNIT_METRIC.test(name) && values.every((value) => value >= 0 && value <= 1);
}

export function rangeOf(lane) {
  if (lane.unit) return [0, 1];
  const values = lane.series.flatMap((one) => one.curve.values).filter((v) => v !== null);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const least = low >= 0 && low < high / 2 ? 0 : low; // a loss starts at nothing
  return high > least ? [least, high] : [least - 0.5, least + 0.5];
}

// A line with a gap where there is no number; a dot where it stands alone.
export function lineOf(curve, axis, [low, high]) {
  let pen = "M";
  const points = curve.values.map((value, index) => {
    if (value === null) {
      pen = "M";
      return "";
    }
    const x = axis.place(curve.epochs[index]) * LANE_WIDE;
    const y = LANE_TALL * (1 - (value - low) / (high - low));
    const step = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    const alone = pen === "M" && (curve.values[index + 1] ?? null) === null;
    pen = "L";
    return alone ? `${step}h0` : step;
  });
  return points.join("");
}

export function valueAt(curve, epoch) {
  const index = curve.epochs.indexOf(epoch);
  return index < 0 ? null : curve.values[index];
}

export function numberWords(value, unit) {
  if (value === null) return "–";
  if (unit) return `${Math.round(value * 100)} %`;
  const size = Math.abs(value);
  const text = size !== 0 && (size < 0.001 || size >= 1e5)
    ? value.toExponential(1)
    : value.toLocaleString("en", { maximumSignificantDigits: 3 });
  return text.replace("-", "−");
}

export function makeLanes() {
  const open = make("div", { class: "film-lanes" });
  const rest = make("div", { class: "film-lanes" });
  const folded = make("details", { class: "film-more" }, make("summary", {}, "More curves"), rest);
  let drawn = null;
  return {
    elements: [open, folded],
    // film, lanes, axis: made anew only when the picture, the method or the film changes.
    draw({ lanes, axis, epoch }) {
      if (drawn !== lanes) {
        drawn = lanes;
        const draw = (row, lane) => drawLane(row, lane, axis);
        keepRows(open, lanes.slice(0, LANES_OPEN), makeLane, draw);
        keepRows(rest, lanes.slice(LANES_OPEN), makeLane, draw);
        folded.hidden = lanes.length <= LANES_OPEN;
      }
      const rows = [...open.children, ...rest.children];
      rows.forEach((row, index) => drawValues(row, lanes[index], epoch));
    },
  };
}

function makeLane() {
  const picture = vector("svg", {
    viewBox: `0 0 ${LANE_WIDE} ${LANE_TALL}`, preserveAspectRatio: "none", role: "img",
  });
  const scale = make(
    "div", { class: "film-scale", "aria-hidden": "true" }, make("span"), make("span"),
  );
  const head = make("div", { class: "film-name" }, make("h3"), make("dl"));
  return make(
    "div", { class: "film-lane" },
    head, make("div", { class: "film-plot" }, picture, scale),
  );
}

function drawLane(row, lane, axis) {
  const range = rangeOf(lane);
  const [head, plot] = row.children;
  const [picture, scale] = plot.children;
  setText(head.firstElementChild, lane.name);
  fill(head.lastElementChild, ...lane.series.map((one) =>
    make("div", { class: `film-${one.kind}` }, make("dt", {}, one.words), make("dd")),
  ));
  fill(picture, ...lane.series.map((one) =>
    vector("path", { class: `film-${one.kind}`, d: lineOf(one.curve, axis, range) }),
  ));
  setAttribute(picture, "aria-label", laneWords(lane));
  setText(scale.firstElementChild, numberWords(range[1], lane.unit));
  setText(scale.lastElementChild, numberWords(range[0], lane.unit));
}

// What a curve shows, for those who cannot see it: where it starts and ends.
export function laneWords(lane) {
  const parts = lane.series.map((one) => {
    const known = one.curve.values.filter((value) => value !== null);
    const from = numberWords(known[0] ?? null, lane.unit);
    const to = numberWords(known.at(-1) ?? null, lane.unit);
    return `${one.words ? `${one.words} ` : ""}from ${from} to ${to}`;
  });
  return `${lane.name}: ${parts.join("; ")}`;
}

function drawValues(row, lane, epoch) {
  const list = row.firstElementChild.lastElementChild;
  lane.series.forEach((one, index) => {
    const words = numberWords(valueAt(one.curve, epoch), lane.unit);
    setText(list.children[index].lastElementChild, words);
  });
}

// The same numbers as a table: a row an epoch, a column a curve.
export function tableOf(lanes, nameOf) {
  const columns = lanes.flatMap((lane) => lane.series.map((one) => ({ lane, ...one })));
  const epochs = [...new Set(columns.flatMap((column) => column.curve.epochs))];
  epochs.sort((a, b) => a - b);
  const heads = columns.map(({ lane, words }) =>
    make("th", { scope: "col" }, words ? `${lane.name}, ${words}` : lane.name),
  );
  const rows = epochs.map((epoch) => make(
    "tr", {},
    make("th", { scope: "row" }, nameOf(epoch)),
    ...columns.map(({ lane, curve }) =>
      make("td", {}, numberWords(valueAt(curve, epoch), lane.unit)),
    ),
  ));
  return make(
    "table", {},
    make("caption", {}, "All curves, epoch by epoch"),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Moment"), ...heads)),
    make("tbody", {}, ...rows),
  );
}
