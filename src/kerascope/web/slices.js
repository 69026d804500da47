// Slices of volumes and frames of films: their pixels, their numbers, each one's share.

import { inputField, paneNumbers } from "./sources.js";
import { percentWords } from "./colours.js";
import { pixelsOf, sizeOf } from "./arrays.js";

const MOST_PLANES = 240; // pictures of planes that are kept for a volume
const volumes = new WeakMap();

// Return a promise of the slices that a map lies on: {shape: [z, y, x], rgba, grey, planes}.
async function slicesUnder({ book }, { sample, input }) {
  const given = book.sample(sample)?.inputs.find((one) => one.name === input)?.slices;
  if (!given) return null;
  if (!volumes.has(given)) volumes.set(given, cutSlices(book, given));
  return volumes.get(given);
}

async function cutSlices(book, { picture, columns, shape }) {
  const whole = await pixelsOf(book.blob(picture));
  const [depth, height, width] = shape;
  const rgba = new Uint32Array(sizeOf(shape));
  const grey = new Uint8Array(rgba.length);
  for (let z = 0; z < depth; z += 1) {
    const [top, left] = [Math.floor(z / columns) * height, (z % columns) * width];
    for (let y = 0; y < height; y += 1) {
      const from = (top + y) * whole.width + left;
      const to = (z * height + y) * width;
      rgba.set(whole.rgba.subarray(from, from + width), to);
      grey.set(whole.grey.subarray(from, from + width), to);
    }
  }
  return { shape, rgba, grey, planes: new Map() };
}

// Return the plane across an axis as a picture; `at` counts slices of an input of `size`.
export function planePicture(slices, size, axis, at) {
  const place = Math.min(Math.floor(((at + 0.5) * slices.shape[axis]) / size[axis]),
    slices.shape[axis] - 1);
  const key = `${axis}:${place}`;
  const { planes } = slices;
  if (!planes.has(key)) {
    const [height, width] = planeSize(slices.shape, axis);
    const plane = { width, height, rgba: new Uint32Array(height * width),
      grey: new Uint8Array(height * width) };
    eachOf(slices.shape, axis, place, (from, to) => {
      plane.rgba[to] = slices.rgba[from];
      plane.grey[to] = slices.grey[from];
    });
    if (planes.size >= MOST_PLANES) planes.delete(planes.keys().next().value);
    planes.set(key, plane);
  }
  return planes.get(key);
}

export function planeSize(size, axis) {
  return size.filter((_, i) => i !== axis);
}

// Call tell(place in the volume, place in the plane) for a plane across an axis.
function eachOf([depth, height, width], axis, at, tell) {
  const strides = [height * width, width, 1];
  const [down, right] = [0, 1, 2].filter((one) => one !== axis);
  const lengths = [depth, height, width];
  for (let y = 0; y < lengths[down]; y += 1) {
    for (let x = 0; x < lengths[right]; x += 1) {
      tell(at * strides[axis] + y * strides[down] + x * strides[right], y * lengths[right] + x);
    }
  }
}

const planeNumbers = new WeakMap();

// Return numbers of a plane across an axis, as `numbersOf` gives those of a picture.
export function planeOf(field, numbers, axis, at) {
  if (!planeNumbers.has(field)) planeNumbers.set(field, new Map());
  const kept = planeNumbers.get(field);
  const key = `${numbers.key}/${axis}:${at}`;
  if (!kept.has(key)) {
    const size = planeSize(numbers.size, axis);
    const values = new Float32Array(size[0] * size[1]);
    eachOf(numbers.size, axis, at, (from, to) => {
      values[to] = field[from];
    });
    kept.set(key, { ...numbers, values, shape: size, size, key, array: null });
  }
  return kept.get(key);
}

// Return the share of the evidence in each slice across an axis: above zero, or all sizes.
function slicesShares(field, { size, meaning }, axis) {
  const strides = [size[1] * size[2], size[2], 1];
  const sums = new Float64Array(size[axis]);
  let total = 0;
  for (let i = 0; i < field.length; i += 1) {
    const value = meaning === "magnitude" ? Math.abs(field[i]) : Math.max(field[i], 0);
    sums[Math.floor(i / strides[axis]) % size[axis]] += value;
    total += value;
  }
  return total > 0 ? sums.map((sum) => sum / total) : sums;
}

// Return the slices that are shown: those asked for, else those with most evidence.
export function slicesShown(asked, shares, size) {
  return size.map((length, axis) => {
    const best = shares[axis].some((share) => share > 0)
      ? shares[axis].indexOf(Math.max(...shares[axis])) : Math.floor(length / 2);
    return asked[axis] === undefined ? best : Math.min(asked[axis], length - 1);
  });
}

// Whether the document holds what a map of a volume or film is drawn from.
export function canDrawSlices(map, book) {
  if (!map.values) return false;
  return !book || Boolean(
    book.sample(map.sample)?.inputs.find((one) => one.name === map.input)?.slices);
}

// Return a promise of {slices, numbers, field: the numbers at full size, shares: by axis}.
export async function readSlices(context, state) {
  const slices = await slicesUnder(context, state.map);
  const mode = state.pane.mode === "plain" ? "map" : state.pane.mode; // which slices are shown
  const numbers = await paneNumbers(context, { ...state, pane: { ...state.pane, mode } });
  const field = await inputField(context, numbers);
  const shares = numbers.size.map((_, axis) => slicesShares(field, numbers, axis));
  return { slices, numbers, field, shares };
}

export const shareWords = (shares, at) => `${percentWords(shares[at] ?? 0)} of the evidence`;
