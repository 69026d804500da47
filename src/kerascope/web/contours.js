// Lines round the places where a map is strong: readable on any colour, and without colour.

import { stretched } from "./arrays.js";

const CELLS = 64; // along the longer side
const SOFT = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16];

// Return a map averaged over about a thirtieth of the picture: {values, shape}, at most 64 cells
// along each side. Single pixels of fine maps would make thousands of lines and regions.
export function groundOf(field, [height, width]) {
  const step = Math.max(height, width) / CELLS;
  const shape = [height, width].map((length) => Math.max(1, Math.round(length / step)));
  if (step <= 1) {
    return softened(stretched(field, [height, width], shape), shape);
  }
  return softened(pooled(field, [height, width], shape), shape);
}

// Means over equal cells; a pixel on an edge counts in the cell that holds its centre.
function pooled(field, [height, width], [rows, columns]) {
  const cellOf = Int32Array.from({ length: width }, (_, x) => ((x + 0.5) * columns) / width);
  const sums = new Float64Array(rows * columns);
  const counts = new Int32Array(rows * columns);
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor(((y + 0.5) * rows) / height) * columns;
    const start = y * width;
    for (let x = 0; x < width; x += 1) {
      const cell = row + cellOf[x];
      sums[cell] += field[start + x];
      counts[cell] += 1;
    }
  }
  return Float32Array.from(sums, (sum, cell) => sum / counts[cell]);
}

function softened(values, shape) {
  let found = values;
  for (let turn = 0; turn < 2; turn += 1) found = softTurn(found, shape);
  return { values: found, shape };
}

function softTurn(values, [rows, columns]) {
  const hold = (place, length) => Math.min(Math.max(place, 0), length - 1);
  const turned = (from, cellAt) => {
    const to = new Float32Array(from.length);
    for (let y = 0; y < rows; y += 1) {
      for (let x = 0; x < columns; x += 1) {
        let sum = 0;
        for (let k = 0; k < 5; k += 1) sum += SOFT[k] * from[cellAt(y, x, k - 2)];
        to[y * columns + x] = sum;
      }
    }
    return to;
  };
  const across = turned(values, (y, x, by) => y * columns + hold(x + by, columns));
  return turned(across, (y, x, by) => hold(y + by, rows) * columns + x);
}

// Return where a ground crosses `level`, as an SVG path in a square of 0 … 1: closed lines, along
// the picture's edge where the map is strong there (marching squares).
export function contourPath({ values, shape }, level) {
  const lines = chains(segmentsOf(values, shape, level));
  const [rows, columns] = shape;
  const place = ([x, y]) =>
    `${round((x + 0.5) / columns)} ${round((y + 0.5) / rows)}`;
  return lines.map((line) => `M${line.map(place).join("L")}Z`).join("");
}

const round = (share) => Math.round(Math.min(Math.max(share, 0), 1) * 1e4) / 1e4;

// Outside the picture a map is mirrored at the level, so that every line closes at the edge.
function reader(values, [rows, columns], level) {
  return (x, y) => {
    const inside = x >= 0 && y >= 0 && x < columns && y < rows;
    const near = [Math.min(Math.max(x, 0), columns - 1), Math.min(Math.max(y, 0), rows - 1)];
    const value = values[near[1] * columns + near[0]];
    return inside ? value : Math.min(value, 2 * level - value) - 1e-9 * Math.abs(level);
  };
}

// The edges of a cell that each of the 16 cases joins: 0 top, 1 right, 2 below, 3 left.
const CASES = [
  [], [[3, 2]], [[2, 1]], [[3, 1]], [[1, 0]], [[3, 0], [1, 2]], [[2, 0]], [[3, 0]],
  [[0, 3]], [[0, 2]], [[0, 1], [2, 3]], [[0, 1]], [[1, 3]], [[1, 2]], [[2, 3]], [],
];

function segmentsOf(values, shape, level) {
  const at = reader(values, shape, level);
  const segments = [];
  for (let y = -1; y < shape[0]; y += 1) {
    for (let x = -1; x < shape[1]; x += 1) {
      const [a, b, c, d] = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)];
      const kind =
        (a >= level ? 8 : 0) + (b >= level ? 4 : 0) + (c >= level ? 2 : 0) + (d >= level ? 1 : 0);
      if (kind === 0 || kind === 15) continue;
      const between = (from, to) => (to === from ? 0.5 : (level - from) / (to - from));
      const edges = [
        () => [x + between(a, b), y, `h${x},${y}`],
        () => [x + 1, y + between(b, c), `v${x + 1},${y}`],
        () => [x + between(d, c), y + 1, `h${x},${y + 1}`],
        () => [x, y + between(a, d), `v${x},${y}`],
      ];
      for (const [from, to] of CASES[kind]) segments.push([edges[from](), edges[to]()]);
    }
  }
  return segments;
}

// Join segments that share an end into lines.
function chains(segments) {
  const ends = new Map();
  for (const segment of segments) {
    for (const [, , key] of segment) ends.set(key, [...(ends.get(key) ?? []), segment]);
  }
  const used = new Set();
  const lines = [];
  for (const first of segments) {
    if (used.has(first)) continue;
    const line = [first[0], first[1]];
    used.add(first);
    for (;;) {
      const key = line.at(-1)[2];
      const next = ends.get(key).find((segment) => !used.has(segment));
      if (!next) break;
      used.add(next);
      line.push(next[0][2] === key ? next[1] : next[0]);
    }
    lines.push(line);
  }
  return lines;
}
