// Where the evidence of a map lies, in words and boxes: for every map, also for ones made here.

import { groundOf } from "./contours.js";
import { inputField, numbersOf } from "./sources.js";
import { percentWords } from "./colours.js";

const SPREAD = 0.3; // root mean square distance from the centre of gravity, in picture sizes
const PLACES = [
  ["upper left", "upper centre", "upper right"],
  ["left", "centre", "right"],
  ["lower left", "lower centre", "lower right"],
];
const EVIDENCE = {
  signed: "positive evidence for",
  positive: "positive evidence for",
  magnitude: "influence on",
};
const NOTHING = {
  signed: "no evidence for or against",
  positive: "no positive evidence for",
  magnitude: "no influence on",
};
const MOST_REGIONS = 5;
const LEAST_SHARE = 0.02; // of all evidence: smaller regions are no places

// Return {held, area, region}: the smallest region with at least `share` of what is above zero.
//
// Equal values enter together: `concentration` of plot/words.py. region: Uint8Array of 0 and 1.
export function concentration(values, share = 0.5) {
  const ordered = Float64Array.from(values, (value) => Math.max(value, 0)).sort();
  let total = 0;
  for (let i = ordered.length - 1; i >= 0; i -= 1) total += ordered[i];
  const wanted = share * total * (1 - 1e-9);
  let last = ordered.length - 1;
  for (let sum = ordered[last]; sum < wanted && last > 0; sum += ordered[last]) last -= 1;
  const least = ordered[last];
  const region = Uint8Array.from(values, (value) => (value >= least && value > 0 ? 1 : 0));
  let [held, count] = [0, 0];
  for (let i = 0; i < region.length; i += 1) {
    if (region[i]) {
      held += values[i];
      count += 1;
    }
  }
  return { held: held / total, area: count / region.length, region };
}

// Return the place of weights (rows of a [height, width] map) on a 3 × 3 grid, in words.
export function placeOf(weight, [height, width]) {
  const rows = new Float64Array(height);
  const columns = new Float64Array(width);
  let total = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const value = weight[y * width + x];
      rows[y] += value;
      columns[x] += value;
      total += value;
    }
  }
  const [middleY, spreadY] = middleOf(rows, total);
  const [middleX, spreadX] = middleOf(columns, total);
  if (Math.sqrt(spreadY + spreadX) <= SPREAD) {
    return PLACES[Math.min(2, Math.trunc(middleY * 3))][Math.min(2, Math.trunc(middleX * 3))];
  }
  const strongest = strongestNinth(weight, [height, width]);
  return `spread out, most in the ${PLACES[Math.trunc(strongest / 3)][strongest % 3]} part`;
}

// Centre of gravity and squared spread of weights along a side, in shares of it.
function middleOf(weights, total) {
  const position = (i) => (i + 0.5) / weights.length;
  let middle = 0;
  for (let i = 0; i < weights.length; i += 1) middle += (weights[i] / total) * position(i);
  let spread = 0;
  for (let i = 0; i < weights.length; i += 1) {
    spread += (weights[i] / total) * (position(i) - middle) ** 2;
  }
  return [middle, spread];
}

function strongestNinth(weight, [height, width]) {
  const ninths = new Float64Array(9);
  for (let y = 0; y < height; y += 1) {
    const row = 3 * Math.trunc(((y + 0.5) / height) * 3);
    for (let x = 0; x < width; x += 1) {
      ninths[row + Math.trunc(((x + 0.5) / width) * 3)] += weight[y * width + x];
    }
  }
  return ninths.indexOf(Math.max(...ninths));
}

// Return where the evidence lies and what speaks against: `sentence` of plot/words.py.
//
// meaning: "signed", "positive" or "magnitude". subject: "'tabby'". layer: of the method, or "".
// ground: what the map lies on: "image" or "map"; of a "series", "volume" or "film" no place is
// said. where(), most: say it otherwise.
export function wordsOf(values, shape, named) {
  const { meaning, subject, layer = "", ground = "image", where, most = "" } = named;
  if (values.every((value) => value === 0)) {
    return `${NOTHING[meaning]} ${subject}${layer ? ` at layer ${layer}` : ""}`;
  }
  const sizes = meaning === "magnitude" ? values.map(Math.abs) : values;
  const against = meaning === "signed" ? againstWords(values, most) : "";
  const said = where ?? ((found) => groundWords(found, sizes, shape, ground));
  return [heldWords(sizes, meaning, subject, said), against].filter(Boolean).join("; ");
}

function heldWords(values, meaning, subject, where) {
  if (!values.some((value) => value > 0)) return `no positive evidence for ${subject}`;
  const found = concentration(values);
  const held = `${percentWords(found.held)} of the ${EVIDENCE[meaning]} ${subject}`;
  return `${held} lies ${where(found)}`;
}

function groundWords({ area, region }, values, shape, ground) {
  const weight = values.map((value, i) => (region[i] ? value : 0));
  const said = `in ${percentWords(area)} of the ${ground}`;
  return ground === "image" || ground === "map" ? `${said}, ${placeOf(weight, shape)}` : said;
}

function againstWords(values, most) {
  let [negative, total] = [0, 0];
  for (const value of values) {
    total += Math.abs(value);
    if (value < 0) negative -= value;
  }
  if (negative === 0) return "nothing speaks against it";
  return `${percentWords(negative / total)} of all evidence speaks against it${most}`;
}

// Return the strongest regions of a map, those with most evidence first, at most five:
// [{words, share, area, box: [top, left, bottom, right] in 0 … 1, sign: 1 | −1}].
//
// A region is a connected part of the map, averaged over a thirtieth of the picture, that is at
// least half as strong as its strongest place: what the contours go round. share: of all that
// speaks for (or, with sign −1, against) the target.
export function regionsOf(field, shape, meaning) {
  const ground = groundOf(meaning === "magnitude" ? field.map(Math.abs) : field, shape);
  const found = regionsAbove(ground, 1);
  if (meaning === "signed") {
    const opposite = { ...ground, values: ground.values.map((value) => -value) };
    found.push(...regionsAbove(opposite, -1, strongestOf(ground.values) / 2));
  }
  return found.slice(0, MOST_REGIONS);
}

export function strongestOf(values) {
  let strongest = 0;
  for (const value of values) if (value > strongest) strongest = value;
  return strongest;
}

// least: a strength that counts whatever the strongest is.
function regionsAbove({ values, shape }, sign, least = 0) {
  const level = Math.max(strongestOf(values) / 2, least);
  if (level === 0) return [];
  let total = 0;
  for (const value of values) total += Math.max(value, 0);
  const taken = new Uint8Array(values.length);
  const found = [];
  for (let start = 0; start < values.length; start += 1) {
    if (taken[start] || values[start] < level) continue;
    const cells = connected(values, shape, start, level, taken);
    const region = described(cells, values, shape, total);
    if (region.share >= LEAST_SHARE) found.push({ ...region, sign });
  }
  return found.sort((a, b) => b.share - a.share);
}

function connected(values, [rows, columns], start, level, taken) {
  const cells = [start];
  taken[start] = 1;
  for (let i = 0; i < cells.length; i += 1) {
    const x = cells[i] % columns;
    const y = (cells[i] - x) / columns;
    for (const [toX, toY] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]) {
      const next = toY * columns + toX;
      const inside = toX >= 0 && toY >= 0 && toX < columns && toY < rows;
      if (!inside || taken[next] || values[next] < level) continue;
      taken[next] = 1;
      cells.push(next);
    }
  }
  return cells;
}

function described(cells, values, [rows, columns], total) {
  const weight = new Float32Array(values.length);
  let sum = 0;
  const box = [rows, columns, 0, 0];
  for (const cell of cells) {
    const x = cell % columns;
    const y = (cell - x) / columns;
    weight[cell] = values[cell];
    sum += values[cell];
    box[0] = Math.min(box[0], y);
    box[1] = Math.min(box[1], x);
    box[2] = Math.max(box[2], y + 1);
    box[3] = Math.max(box[3], x + 1);
  }
  return {
    words: placeOf(weight, [rows, columns]),
    share: sum / total,
    area: cells.length / values.length,
    box: [box[0] / rows, box[1] / columns, box[2] / rows, box[3] / columns],
  };
}

// Return a promise of the top regions of what the stage shows of a map; none for other kinds.
export async function topRegions(context, shown) {
  if (!shown.map?.values || shown.map.kind !== "picture") return [];
  const numbers = await numbersOf(context, shown, shown.map);
  const field = await inputField(context, numbers);
  return regionsOf(field, numbers.size, numbers.meaning).map((region) => ({
    ...region,
    words: region.sign < 0 ? `${region.words}, against` : region.words,
  }));
}
