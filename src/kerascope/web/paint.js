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

// Write the level of every number of a layer, as `mixOf` takes them, and return them.
//
// layer: {field: Float32Array, limit, scale}. levels: Uint8Array, as long as the field.
export function levelsOf({ field, limit, scale }, levels) {
  const { low, high, offset, size } = scale;
  const slope = scale.slope / limit;
  for (let i = 0; i < levels.length; i += 1) {
    const value = field[i];
    const wide = (size && value < 0 ? -value : value) * slope + offset;
    levels[i] = (wide < low ? low : wide > high ? high : wide) + 0.5;
  }
  return levels;
}

// Draw levels into pixels as large as the picture; without levels the plain picture.
export function paintLevels(pixels, picture, levels, mix) {
  if (levels === null) pixels.set(picture.rgba);
  else PAINTERS[mix.kind](pixels, picture, levels, mix);
}

const PAINTERS = { pairs: paintPairs, cover: paintCover, flat: paintFlat };

function paintPairs(pixels, { grey }, levels, { pairs }) {
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = pairs[(levels[i] << 8) | grey[i]];
}

function paintCover(pixels, { rgba }, levels, { rest, redBlue, green }) {
  for (let i = 0; i < pixels.length; i += 1) {
    const level = levels[i];
    const share = rest[level];
    const pixel = rgba[i];
    const outer = ((Math.imul(pixel & 0xff00ff, share) + redBlue[level]) >>> 8) & 0xff00ff;
    const inner = (((pixel >>> 8) & 255) * share + green[level]) & 0xff00;
    pixels[i] = OPAQUE | outer | inner;
  }
}

function paintFlat(pixels, _, levels, { flat }) {
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = flat[levels[i]];
}

// Return what stands for a picture where there is none: grey ground of a size.
export function emptyPicture(width, height) {
  const count = width * height;
  const picture = { width, height, rgba: new Uint32Array(count), grey: new Uint8Array(count) };
  picture.rgba.fill(packed(128, 128, 128));
  picture.grey.fill(128);
  return picture;
}

// A canvas that is written as a whole, once a frame; its pixels are made once for a size, levels
// once for what they are about: a frame that only mixes them otherwise computes none.
export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.brush = canvas.getContext("2d");
    this.image = null;
    this.levels = null;
    this.about = "";
    this.drawn = "";
    this.count = 0;
  }

  // layer: {field, limit, scale, mix, about: what makes its levels}, or null for the plain picture.
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
    paintLevels(this.pixels, picture, layer && this.levelsFor(layer), layer?.mix);
    this.brush.putImageData(this.image, 0, 0);
    this.drawn = key;
    this.count += 1;
    return true;
  }

  levelsFor(layer) {
    const { length } = layer.field;
    if (layer.about !== this.about || length !== this.levels.length) {
      if (this.levels?.length !== length) this.levels = new Uint8Array(length);
      levelsOf(layer, this.levels);
      this.about = layer.about;
    }
    return this.levels;
  }
}
