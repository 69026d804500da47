// The numbers of what the stage shows: a map's own, a contrast, a part of a path, a difference.

import { arrayOf, fieldOf, fitted, sizeOf, stretched } from "./arrays.js";

// Return a promise of the numbers of a pane; null where it shows the plain input.
//
// state: what is shown, with `map` and `pane`, as panels draw it.
export async function paneNumbers(context, { pane, map, ...shown }) {
  if (pane.mode === "plain") return null;
  if (pane.numbers) return pane.numbers;
  const state = { ...shown, map: pane.shownMap };
  if (pane.mode === "difference") return differenceNumbers(context, state, map, pane.other);
  return numbersOf(context, state, map);
}

// Return a promise of {values, shape, size, meaning, limit, subject, key, array}.
//
// size: of the input, that values are stretched to. key: what makes these numbers, as a text.
// array: of the document, where they are just that.
export async function numbersOf({ book }, shown, map) {
  const own = map === shown.map;
  if (own && shown.contrast > 0 && contrastable(book, shown)) return contrastNumbers(book, shown);
  if (own && shown.path < 1 && map.path) return pathNumbers(book, shown);
  return plainNumbers(book, map);
}

async function plainNumbers(book, map) {
  const values = await arrayOf(book, map.values);
  const { meaning, limit, size } = map;
  const { subject } = map.target;
  const { shape } = map.values;
  return { values, shape, size, meaning, limit, subject, key: keyOfMap(map), array: map.values };
}

let arrayNumber = 0;
const arrayNumbers = new WeakMap();

// A map that comes again under its name (a better one) has another array, and another key.
function keyOfMap({ id, values }) {
  if (!arrayNumbers.has(values)) arrayNumbers.set(values, (arrayNumber += 1));
  return `${id}#${arrayNumbers.get(values)}`;
}

// What was made last, by kind: a frame that changes only colours makes nothing anew, and the next
// one writes over the same numbers.
const lastMade = { contrast: null, path: null, difference: null };

function madeNumbers(kind, key, length, write, rest) {
  const last = lastMade[kind];
  if (last?.key === key) return last;
  const values = last?.values.length === length ? last.values : new Float32Array(length);
  write(values);
  lastMade[kind] = { ...rest, values, key, array: null };
  return lastMade[kind];
}

// Whether the map of a difference of two targets is the difference of their maps.
export function contrastable(book, { map, versusMap }) {
  return Boolean(map && versusMap && map.values && versusMap.values && isLinear(book, map));
}

export function isLinear(book, map) {
  return Boolean(map.values) && Boolean(book.method(map.method)?.linear);
}

// The signed maps are subtracted; a method that cuts off evidence against does so afterwards.
async function contrastNumbers(book, { map, versusMap, contrast }) {
  const signed = (one) => one.signed ?? one.values;
  const [own, other] = await Promise.all([
    arrayOf(book, signed(map)),
    arrayOf(book, signed(versusMap)),
  ]);
  const cut = map.meaning === "positive";
  const key = `${keyOfMap(map)}−${contrast}×${keyOfMap(versusMap)}`;
  const write = (values) => {
    for (let i = 0; i < values.length; i += 1) {
      const difference = own[i] - contrast * other[i];
      values[i] = cut && difference < 0 ? 0 : difference;
    }
  };
  return madeNumbers("contrast", key, own.length, write, {
    shape: signed(map).shape, size: map.size, limit: map.limit,
    meaning: cut ? "positive" : "signed",
    subject: contrastSubject(map, versusMap, contrast),
  });
}

export function contrastSubject(map, versusMap, contrast) {
  const [own, other] = [map.target.subject, versusMap.target.subject];
  if (contrast === 0) return own;
  if (contrast === 1) return `${own} rather than ${other}`;
  return `${own} less ${Math.round(100 * contrast)} % of ${other}`;
}

// Between two places that were computed, the sum grows evenly.
async function pathNumbers(book, { map, path }) {
  const { values } = map.path;
  const [after, weight] = pathPlace(map.path, path);
  const [low, high] = await Promise.all([
    arrayOf(book, values[after - 1]),
    arrayOf(book, values[after]),
  ]);
  const write = (made) => {
    for (let i = 0; i < made.length; i += 1) made[i] = low[i] + weight * (high[i] - low[i]);
  };
  return madeNumbers("path", `${keyOfMap(map)}@${path}`, low.length, write, {
    shape: values[after].shape, size: map.size, limit: map.limit, meaning: map.meaning,
    subject: map.target.subject,
  });
}

// Return the next computed place of a path, and how far between the one before and it.
export function pathPlace({ alphas }, path) {
  const found = alphas.findIndex((alpha) => alpha >= path);
  const after = found < 0 ? alphas.length - 1 : Math.max(1, found);
  const [low, high] = [alphas[after - 1], alphas[after]];
  return [after, high > low ? (path - low) / (high - low) : 1];
}

// Return one map less another, at the first one's size.
//
// Maps of one method are subtracted as they are; others first become shares of their limits.
export async function differenceNumbers(context, shown, map, other) {
  const [first, second] = await Promise.all([
    numbersOf(context, shown, map),
    numbersOf(context, shown, other),
  ]);
  const alike = map.method === other.method;
  const limit = alike ? Math.max(first.limit, second.limit) : 1;
  const [unit, otherUnit] = alike ? [1, 1] : [first.limit, second.limit];
  const write = (values) => {
    const [own, less] = [first, second].map((one) =>
      stretched(stretched(one.values, one.shape, one.size), one.size, first.size),
    );
    for (let i = 0; i < values.length; i += 1) values[i] = own[i] / unit - less[i] / otherUnit;
  };
  const key = `${first.key}−${second.key}:${limit}`;
  return madeNumbers("difference", key, sizeOf(first.size), write, {
    shape: first.size, size: first.size, limit, meaning: "signed", subject: "",
  });
}

// Return a promise of numbers at the size of a picture.
export async function fieldFor({ book }, numbers, picture) {
  const { array, values, shape, size } = numbers;
  if (array) return fieldOf(book, { size }, array, picture);
  return fitted(stretched(values, shape, size), size, [picture.height, picture.width]);
}

// Return a promise of numbers at the size of the input.
export async function inputField({ book }, { array, values, shape, size }) {
  return array ? fieldOf(book, { size }, array) : stretched(values, shape, size);
}
