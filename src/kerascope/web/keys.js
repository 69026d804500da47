// Every shortcut of the page: this table runs them and is the list under "?".

import { copyPython } from "./python.js";
import { togglePin } from "./controls.js";
import { contrastOf } from "./bars.js";
import { shownMethods } from "./methodlist.js";
import { CHOICES, FILTERS } from "./state.js";

const KEY_STEP = 0.05;

const next = (list, value, by) => list[(list.indexOf(value) + by + list.length) % list.length];

function cycle(key) {
  return ({ state }, by) => state.set({ [key]: next(CHOICES[key], state.get()[key], by) });
}

function move(key, least, most) {
  return ({ state }, by) => {
    const value = Math.round((state.get()[key] + by * KEY_STEP) * 100) / 100;
    state.set({ [key]: Math.min(most, Math.max(least, value)) }, { quiet: true });
  };
}

const flip = (key) => ({ state }) => state.set({ [key]: !state.get()[key] });

function flipFilter(key) {
  return ({ state }) => {
    const { filter } = state.get();
    state.set({ filter: { ...filter, [key]: !filter[key] } });
  };
}

function stepMethod(context, by) {
  const shown = context.book.resolve(context.state.get());
  const methods = shownMethods(context, shown);
  if (methods.length === 0) return;
  const place = methods.findIndex((method) => method.id === shown.method);
  context.state.set({ method: methods[(place + by + methods.length) % methods.length].id });
}

function stepTarget(context, by) {
  const { book, state } = context;
  const shown = book.resolve(state.get());
  const { sample, model, method, epoch, input } = shown;
  const targets = book.mapsOf(sample, { model, method, epoch, input });
  if (targets.length < 2) return;
  const place = targets.indexOf(shown.map);
  const target = targets[(place + by + targets.length) % targets.length].target.key;
  state.set({ target, versus: "" });
}

function contrast({ book, state, say }) {
  const shown = book.resolve(state.get());
  const change = shown.versus ? { versus: "" } : contrastOf(book, shown);
  state.set(change);
  if (!("versus" in change)) {
    say("No contrast: it needs a second class, and a method that is linear in the target.");
  }
}

// show: how the key is written in the list. by: what a second key of the same row does.
export const SHORTCUTS = [
  { group: "Samples", keys: [["ArrowDown", 1], ["j", 1], ["ArrowUp", -1], ["k", -1]],
    show: "↓ ↑ or j k", words: "Next, previous sample", run: (c, by) => c.strip.step(by) },
  { group: "Samples", keys: [["/", 0]], show: "/", words: "Search the samples",
    run: () => document.getElementById("search")?.focus() },
  { group: "Samples", keys: [["w", 0]], show: "w", words: "Only wrong predictions",
    run: flipFilter("wrong") },
  { group: "Samples", keys: [["u", 0]], show: "u", words: "Only unsure predictions",
    run: flipFilter("unsure") },
  { group: "Samples", keys: [["s", 0]], show: "s", words: "Only surprising evidence",
    run: flipFilter("surprising") },
  { group: "Samples", keys: [["a", 0]], show: "a", words: "All samples again",
    run: ({ state }) => state.set({ filter: FILTERS }) },
  { group: "Explanation", keys: [["m", 1], ["M", -1]], show: "m M",
    words: "Next, previous method", run: stepMethod },
  { group: "Explanation", keys: [["t", 1], ["T", -1]], show: "t T",
    words: "Next, previous target class", run: stepTarget },
  { group: "Explanation", keys: [["r", 0]], show: "r", words: "Rather than the next class",
    run: contrast },
  { group: "Explanation", keys: [["y", 0]], show: "y", words: "Copy as Python", run: copyPython },
  { group: "Drawing", keys: [["v", 1], ["V", -1]], show: "v V", words: "Next, previous view",
    run: cycle("view") },
  { group: "Drawing", keys: [["c", 1], ["C", -1]], show: "c C", words: "Colour map",
    run: cycle("colours") },
  { group: "Drawing", keys: [["g", 1], ["G", -1]], show: "g G", words: "Sign: for, against, both",
    run: cycle("sign") },
  { group: "Drawing", keys: [["b", 1], ["B", -1]], show: "b B", words: "Blend",
    run: cycle("blend") },
  { group: "Drawing", keys: [["o", -1], ["O", 1]], show: "o O", words: "Less, more opacity",
    run: move("opacity", 0, 1) },
  { group: "Drawing", keys: [["[", -1], ["]", 1]], show: "[ ]", words: "Lower, higher threshold",
    run: move("threshold", 0, 0.95) },
  { group: "Drawing", keys: [["l", 0]], show: "l", words: "Contour lines", run: flip("contours") },
  { group: "Drawing", keys: [["p", 0]], show: "p", words: "Pin this map, or take the pin off",
    run: togglePin },
  { group: "Drawing", keys: [["x", 0]], show: "x", words: "Take all pins off",
    run: ({ state }) => state.set({ pins: [] }) },
  { group: "Drawing", keys: [["0", 0]], show: "0", words: "Whole picture",
    run: ({ state }) => state.set({ zoom: 1, centre: [0.5, 0.5] }) },
  { group: "Drawing", keys: [["e", 0]], show: "e", words: "Brush: cover a part",
    run: flip("erase") },
  { group: "Page", keys: [["d", 0]], show: "d", words: "Data set drawer", dataset: true,
    run: (c) => c.toggleDrawer() },
  { group: "Page", keys: [[",", -1], [".", 1]], show: ", .", words: "Epoch back, forward",
    film: true, run: (c, by) => c.stepEpoch(by) },
  { group: "Page", keys: [["S", 0]], show: "S", words: "Share: one HTML file",
    run: (c) => c.share() },
  { group: "Page", keys: [["P", 0]], show: "P", words: "Print", run: (c) => c.print() },
  { group: "Page", keys: [["?", 0]], show: "?", words: "This list", run: (c) => c.help() },
];

// What the picture itself listens to, where it has the focus.
export const PICTURE_KEYS = [
  { group: "On the picture", show: "← ↑ → ↓", words: "Cross-hair with the value; Shift: far" },
  { group: "On the picture", show: "+ −", words: "Zoom in, out" },
  { group: "On the picture", show: "Space X", words: "Brush: cover, free" },
  { group: "On the picture", show: "[ ]", words: "Brush: smaller, larger" },
  { group: "On the picture", show: "Enter", words: "Brush: ask the model", live: true },
  { group: "On the picture", show: "Esc", words: "Brush: put it away" },
];

// Those that can do something on this page.
export function shortcutsOf({ host, book }, shortcuts = SHORTCUTS) {
  return shortcuts.filter(
    (shortcut) =>
      (!shortcut.live || host.live) &&
      (!shortcut.film || book.document.film !== null) &&
      (!shortcut.dataset || host.live || book.document.dataset !== null),
  );
}

const TYPED = "input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]";
const MOVED = "input, select, textarea, [role=radiogroup], [role=slider], [role=listbox], canvas";

// The browser's own command prints what stands on the page: all methods must be drawn first.
const isPrint = (event) =>
  (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "p";

export function listenToKeys(context) {
  document.addEventListener("keydown", (event) => {
    if (isPrint(event) && context.shown()) {
      event.preventDefault();
      context.print({ all: false });
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!context.shown() || document.querySelector("dialog[open]") !== null) return;
    const arrow = event.key.startsWith("Arrow");
    const { target } = event;
    if (target instanceof Element && target.closest(arrow ? MOVED : TYPED) !== null) return;
    for (const shortcut of shortcutsOf(context)) {
      const found = shortcut.keys.find(([key]) => key === event.key);
      if (found === undefined) continue;
      event.preventDefault();
      shortcut.run(context, found[1]);
      return;
    }
  });
}
