// How the map is drawn: every control writes one value of the state.

import { actionButton, make, setAttribute, setHidden, setText } from "./dom.js";
import { isNamed } from "./named.js";
import { CHOICES, DEFAULTS } from "./state.js";

const WORDS = {
  view: {
    stage: "Stage", side: "Side", split: "Split", difference: "Difference", flicker: "Flicker",
    sheet: "Sheet",
  },
  colours: {
    auto: "auto", inferno: "inferno", viridis: "viridis", grey: "grey",
    diverging: "diverging",
  },
  sign: { auto: "auto", both: "both", for: "for", against: "against", absolute: "absolute" },
  blend: { tint: "tint", cover: "cover", alone: "alone" },
  columns: { waterfall: "Waterfall", bars: "Bars", rows: "All rows" },
};

const TITLES = {
  stage: "One map over its picture", side: "Maps side by side",
  split: "Two maps with a border to drag", difference: "One map minus another",
  flicker: "Two maps in turn", sheet: "All methods of this sample",
  waterfall: "From the baseline's score to this row's", bars: "Every column from zero",
  rows: "Every column of all rows: a dot for each row",
  tint: "Colour where there is evidence", cover: "The map over the picture", alone: "The map alone",
};

export function makeControls(context) {
  const { state } = context;
  // Where there is little room, these stand among what is folded.
  const [wide, folded] = ["when-wide", "when-narrow"].map((room) => oftenUsed(state, room));
  const parts = [
    segments(state, "view", "View"),
    picker(state, "colours", "Colours"),
    picker(state, "sign", "Sign"),
    segments(state, "blend", "Blend"),
    slider(state, "opacity", "Opacity", { least: 0, most: 1 }),
    slider(state, "threshold", "Threshold", { least: 0, most: 0.95 }),
  ];
  const pins = pinControls(context);
  const [view, ...drawing] = parts;
  const rest = make(
    "div", { class: "control-row foldable", id: "drawing" },
    ...drawing.map((part) => part.element), folded.element,
  );
  const element = make(
    "div",
    { class: "controls", role: "group", "aria-label": "How the map is drawn" },
    make(
      "div", { class: "control-row" },
      view.element, makeUnfold("Drawing", rest), wide.element, pins.element,
    ),
    rest,
  );
  return {
    element,
    draw(shown) {
      for (const part of [...parts, wide, folded, pins]) part.draw(shown);
      showFitting(shown.map, parts);
    },
  };
}

function oftenUsed(state, room) {
  const contours = toggle(state, "contours", "Contours");
  const reset = actionButton("Reset", () => state.set(drawingDefaults()), {
    class: "link", title: "Draw as at the start", "data-control": "reset",
  });
  return {
    element: make("div", { class: `control ${room}` }, contours.element, reset),
    draw(shown) {
      contours.draw(shown);
      setHidden(contours.element, !isLaidOut(shown.map) && shown.map.kind !== "volume");
      const start = drawingDefaults();
      const same = Object.keys(start).every((key) => shown[key] === start[key]);
      reset.classList.toggle("absent", same);
    },
  };
}

// What words, bars and lines have no use for is not offered: contours, borders, blends of bars.
function showFitting(map, [view, , , blend]) {
  setHidden(blend.element, isNamed(map) && map.kind === "table");
  for (const button of view.element.children) {
    setHidden(button, !isLaidOut(map) && ["split", "flicker"].includes(button.dataset.value));
  }
}

// Whether a map lies on a picture; before there is one, nothing is said against it.
const isLaidOut = (map) => !(isNamed(map) || ["series", "video", "volume"].includes(map?.kind));

const DRAWING = ["colours", "sign", "blend", "opacity", "threshold", "contours"];
const drawingDefaults = () => Object.fromEntries(DRAWING.map((key) => [key, DEFAULTS[key]]));

export function segments(state, key, words) {
  const buttons = CHOICES[key].map((value) =>
    actionButton(WORDS[key][value], () => state.set({ [key]: value }), {
      "data-value": value, title: TITLES[value],
    }),
  );
  const element = make(
    "div", { class: "segments", role: "group", "aria-label": words, "data-control": key },
    ...buttons,
  );
  return {
    element,
    draw(shown) {
      for (const button of buttons) {
        setAttribute(button, "aria-pressed", String(button.dataset.value === shown[key]));
      }
    },
  };
}

function picker(state, key, words) {
  const select = make(
    "select",
    { "data-control": key, on: { change: () => state.set({ [key]: select.value }) } },
    ...CHOICES[key].map((value) => make("option", { value }, WORDS[key][value])),
  );
  return {
    element: make("label", { class: "control" }, make("span", {}, words), select),
    draw(shown) {
      if (select.value !== shown[key]) select.value = shown[key];
    },
  };
}

// Where there is little room, a button shows what is folded; elsewhere it is not there.
export function makeUnfold(words, folded) {
  const button = actionButton(words, () => {
    const open = folded.toggleAttribute("data-open");
    setAttribute(button, "aria-expanded", String(open));
  }, { class: "soft unfold", "aria-expanded": "false", "aria-controls": folded.id });
  return button;
}

export function slider(state, key, words, { least, most }) {
  const output = make("output", {});
  const range = make("input", {
    type: "range", min: least, max: most, step: 0.01, "data-control": key,
    on: { input: () => state.set({ [key]: Number(range.value) }, { quiet: true }) },
  });
  return {
    element: make("label", { class: "control" }, make("span", {}, words), range, output),
    draw(shown) {
      if (Number(range.value) !== shown[key]) range.value = shown[key];
      setText(output, `${Math.round(shown[key] * 100)} %`);
    },
  };
}

function toggle(state, key, words) {
  const button = actionButton(words, () => state.set({ [key]: !state.get()[key] }), {
    class: "chip", "data-control": key,
  });
  return {
    element: button,
    draw: (shown) => setAttribute(button, "aria-pressed", String(shown[key])),
  };
}

function pinControls(context) {
  const { state } = context;
  const pin = actionButton("Pin", () => togglePin(context), {
    class: "chip", "data-control": "pin", title: "Keep this map to compare others with it",
  });
  const clear = actionButton("", () => state.set({ pins: [] }), { class: "link" });
  return {
    element: make("div", { class: "pins" }, pin, clear),
    draw(shown) {
      const pinned = shown.map !== null && shown.pins.includes(shown.map.id);
      setAttribute(pin, "aria-pressed", String(pinned));
      setText(pin, pinned ? "Pinned" : "Pin");
      pin.disabled = shown.map === null;
      const count = shown.pinned.length;
      setText(clear, `Clear ${count} ${count === 1 ? "pin" : "pins"}`);
      setHidden(clear, count === 0);
    },
  };
}

export function togglePin({ state, book, say }) {
  const shown = book.resolve(state.get());
  if (shown.map === null) return;
  const pinned = shown.pins.includes(shown.map.id);
  const pins = pinned
    ? shown.pins.filter((id) => id !== shown.map.id)
    : [...shown.pins, shown.map.id];
  state.set({ pins });
  say(pinned ? "Pin taken off." : "Pinned. Choose another map and a view to compare.");
}
