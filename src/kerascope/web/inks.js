// Colours of words and bars: on the page's own ground, light or dark, with ink that can be read.

import { legendOf, scaleOf, strengthsOf, tableOf } from "./colours.js";

// Strength grows away from the ground: towards dark colours on light ground, light ones on dark.
const HUES = {
  light: { for: [178, 24, 43], against: [33, 102, 172], absolute: [106, 61, 154] },
  dark: { for: [239, 100, 86], against: [96, 165, 240], absolute: [190, 150, 235] },
};
const NOTHING = 1.5 / 255; // zero lies between two levels
const WHITE = [255, 255, 255];
const BLACK = [0, 0, 0];

// Return the ground of an element that has one of its own, [red, green, blue].
export function groundUnder(element) {
  const found = getComputedStyle(element).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [];
  return found.length < 3 || found[3] === 0 ? WHITE : found.slice(0, 3);
}

function luminance(colour) {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export const isDark = (colour) => luminance(colour) < 0.18;

// Black or white, whichever has the better contrast: at least 4.58 on any colour.
export function inkOn(colour) {
  return luminance(colour) > 0.179 ? BLACK : WHITE;
}

export const cssOf = (colour) => `rgb(${colour.map(Math.round).join(" ")})`;

// Return (value) → colour on a ground, or null where it is not drawn.
//
// numbers: {meaning, limit}. shown: the state's colours, sign, blend, opacity, threshold.
export function colouring({ meaning, limit }, shown, ground) {
  const scale = scaleOf(meaning, shown);
  const strengths = strengthsOf(scale);
  const hues = HUES[isDark(ground) ? "dark" : "light"];
  const own = shown.colours === "auto" && shown.blend === "tint";
  const { opacity, threshold, blend } = shown;
  return (value) => {
    const level = levelOf(scale, value, limit);
    const strength = strengths[level];
    if (strength < threshold || strength < NOTHING) return null;
    if (own) return mixed(ground, hues[hueOf(scale, value)], opacity * strength);
    const table = tableOf(scale.table);
    const colour = [0, 1, 2].map((channel) => table[3 * level + channel]);
    return mixed(ground, colour, blend === "alone" ? 1 : opacity);
  };
}

function levelOf(scale, value, limit) {
  const wide = ((scale.size ? Math.abs(value) : value) * scale.slope) / limit + scale.offset;
  return Math.floor(Math.min(Math.max(wide, scale.low), scale.high) + 0.5);
}

function hueOf({ sign }, value) {
  if (sign === "absolute") return "absolute";
  return value < 0 ? "against" : "for";
}

const mixed = (ground, colour, share) =>
  ground.map((part, i) => part + share * (colour[i] - part));

// Draw the strip of a legend in the colours of `colouring`.
export function paintInks(canvas, numbers, shown, ground) {
  const scale = scaleOf(numbers.meaning, shown);
  const { zero } = legendOf(scale, numbers.limit);
  const colourOf = colouring(numbers, { ...shown, threshold: 0 }, ground);
  const brush = canvas.getContext("2d");
  const { width, height } = canvas;
  const end = scale.sign === "against" ? -numbers.limit : numbers.limit;
  for (let x = 0; x < width; x += 1) {
    const share = x / Math.max(1, width - 1);
    const value = zero ? (2 * share - 1) * numbers.limit : share * end;
    brush.fillStyle = cssOf(colourOf(value) ?? ground);
    brush.fillRect(x, 0, 1, height);
  }
}
