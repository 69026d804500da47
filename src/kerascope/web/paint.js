// Draws maps over pictures into pixels: a look-up for every pair of a level and a grey, no model.

import { strengthsOf, tableOf } from "./colours.js";

const OPAQUE = 0xff000000;
const KEPT_MIXES = 24;
const mixes = new Map();

// Return how a layer turns levels (0 … 255 of its scale's table) and picture into pixels.
//
// blend: "tint" draws as `overlay` of plot/colour.py; "cover" lays colours over the picture's own,
// by strength; "alone" leaves the picture out. opacity: of the full colour. threshold: what has
// less strength is drawn as zero.
export function mixOf(scale, { blend, opacity, threshold }) {
  const key = [scale.table, scale.middle, blend, opacity, threshold].join();
  let mix = mixes.get(key);
  if (!mix) {
    mix = MIXERS[blend](scale, opacity, threshold);
    if (mixes.size >= KEPT_MIXES) mixes.delete(mixes.keys().next().value);
    mixes.set(key, mix);
  }
  return mix;
}

const MIXERS = { tint: tintMix, cover: coverMix, alone: aloneMix };

const packed = (red, green, blue) => (OPAQUE | (blue << 16) | (green << 8) | red) >>> 0;

// pairs[level × 256 + grey]: the whole drawing of a pixel.
function tintMix(scale, opacity, threshold) {
  const pairs = new Uint32Array(65536);
  const table = tableOf(scale.table);
  const strengths = strengthsOf(scale);
  for (let level = 0; level < 256; level += 1) {
    const shown = shownLevel(scale, strengths, level, threshold);
    const parts = scale.middle
      ? tintParts(table, 3 * shown, opacity)
      : coverParts(table, 3 * shown, opacity * (0.5 + 0.5 * strengths[shown]));
    fillGreys(pairs, 256 * level, parts);
  }
  return { kind: "pairs", pairs };
}

// What is weaker than the threshold is drawn as zero.
function shownLevel(scale, strengths, level, threshold) {
  if (strengths[level] >= threshold) return level;
  return scale.middle ? 128 : 0;
}

// Channel = grey × slope + start. Colours tint the picture like a filter: white changes nothing.
function tintParts(table, at, opacity) {
  return [0, 1, 2].map((channel) => {
    const light = 1 - opacity * (1 - table[at + channel] / 255);
    return [0.4 * light, 153 * light];
  });
}

// The picture stays darker than the colours: more evidence is never darker than less.
function coverParts(table, at, cover) {
  return [0, 1, 2].map((channel) => [
    0.72 * (1 - cover),
    7.65 * (1 - cover) + table[at + channel] * cover,
  ]);
}

function fillGreys(pairs, start, [red, green, blue]) {
  for (let grey = 0; grey < 256; grey += 1) {
    pairs[start + grey] = packed(
      grey * red[0] + red[1] + 0.5,
      grey * green[0] + green[1] + 0.5,
      grey * blue[0] + blue[1] + 0.5,
    );
  }
}

// Channel = (channel × rest + part) / 256, for each level; red and blue share a number.
function coverMix(scale, opacity, threshold) {
  const [rest, redBlue, green] = [0, 1, 2].map(() => new Int32Array(256));
  const table = tableOf(scale.table);
  const strengths = strengthsOf(scale);
  for (let level = 0; level < 256; level += 1) {
    const cover = strengths[level] < threshold ? 0 : opacity * strengths[level];
    rest[level] = Math.round(256 * (1 - cover));
    const part = (channel) => table[3 * level + channel] * (256 - rest[level]) + 128;
    redBlue[level] = (part(2) << 16) | part(0);
    green[level] = part(1);
  }
  return { kind: "cover", rest, redBlue, green };
}

function aloneMix(scale, opacity, threshold) {
  const flat = new Uint32Array(256);
  const table = tableOf(scale.table);
  const strengths = strengthsOf(scale);
  for (let level = 0; level < 256; level += 1) {
    const at = 3 * shownLevel(scale, strengths, level, threshold);
    flat[level] = packed(table[at], table[at + 1], table[at + 2]);
  }
  return { kind: "flat", flat };
}

// Draw a layer into pixels as large as the picture.
//
// layer: {field: Float32Array, limit, scale, mix}, or null for the plain picture. picture: see
// `pixelsOf`.
export function paintLayer(pixels, picture, layer) {
  if (layer === null) pixels.set(picture.rgba);
  else PAINTERS[layer.mix.kind](pixels, picture, layer);
}

const PAINTERS = { pairs: paintPairs, cover: paintCover, flat: paintFlat };

// The three painters differ in one line: a call for every pixel would cost more than all of it.
function paintPairs(pixels, { grey }, { field, limit, scale, mix }) {
  const { low, high, offset, size } = scale;
  const slope = scale.slope / limit;
  const { pairs } = mix;
  for (let i = 0; i < pixels.length; i += 1) {
    const value = field[i];
    const wide = (size && value < 0 ? -value : value) * slope + offset;
    const level = (wide < low ? low : wide > high ? high : wide) + 0.5;
    pixels[i] = pairs[(level << 8) | grey[i]];
  }
}

function paintCover(pixels, { rgba }, { field, limit, scale, mix }) {
  const { low, high, offset, size } = scale;
  const slope = scale.slope / limit;
  const { rest, redBlue, green } = mix;
  for (let i = 0; i < pixels.length; i += 1) {
    const value = field[i];
    const wide = (size && value < 0 ? -value : value) * slope + offset;
    const level = ((wide < low ? low : wide > high ? high : wide) + 0.5) | 0;
    const share = rest[level];
    const pixel = rgba[i];
    const outer = ((Math.imul(pixel & 0xff00ff, share) + redBlue[level]) >>> 8) & 0xff00ff;
    const inner = (((pixel >>> 8) & 255) * share + green[level]) & 0xff00;
    pixels[i] = OPAQUE | outer | inner;
  }
}

function paintFlat(pixels, _, { field, limit, scale, mix }) {
  const { low, high, offset, size } = scale;
  const slope = scale.slope / limit;
  const { flat } = mix;
  for (let i = 0; i < pixels.length; i += 1) {
    const value = field[i];
    const wide = (size && value < 0 ? -value : value) * slope + offset;
    pixels[i] = flat[((wide < low ? low : wide > high ? high : wide) + 0.5) | 0];
  }
}

// Return what stands for a picture where there is none: grey ground of a size.
export function emptyPicture(width, height) {
  const count = width * height;
  const picture = { width, height, rgba: new Uint32Array(count), grey: new Uint8Array(count) };
  picture.rgba.fill(packed(128, 128, 128));
  picture.grey.fill(128);
  return picture;
}

// A canvas that is written as a whole, once a frame; its pixels are made once for a size.
export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.brush = canvas.getContext("2d");
    this.image = null;
    this.drawn = "";
    this.count = 0;
  }

  // Nothing is drawn again that `key` says is there already. Returns whether anything was.
  paint(picture, layer, key) {
    if (key === this.drawn) return false;
    const { width, height } = picture;
    if (this.image?.width !== width || this.image?.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.image = this.brush.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    paintLayer(this.pixels, picture, layer);
    this.brush.putImageData(this.image, 0, 0);
    this.drawn = key;
    this.count += 1;
    return true;
  }
}
