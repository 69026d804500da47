// Zoom of all panes together: buttons, keys, pinch, and dragging what is larger than its frame.

import { actionButton, make, setAttribute, setHidden, setText } from "./dom.js";

const MOST_ZOOM = 16;
const ZOOM_STEP = Math.SQRT2;
const ZOOM_KEYS = { "+": ZOOM_STEP, "=": ZOOM_STEP, "-": 1 / ZOOM_STEP, "0": 0 };

export function makeZoom(context, slots) {
  const { state } = context;
  const by = (factor, at) => state.set(zoomed(state.get(), factor, at), { quiet: true });
  const less = actionButton("−", () => by(1 / ZOOM_STEP), { "aria-label": "Zoom out" });
  const more = actionButton("+", () => by(ZOOM_STEP), { "aria-label": "Zoom in" });
  const whole = actionButton("1×", () => by(0), { "aria-label": "Show the whole picture" });
  const element = make("div", { class: "stage-zoom", role: "group", "aria-label": "Zoom" },
    less, whole, more);
  return {
    element,
    watch: ({ panel }) => panel.view && panel.layer && watchView(panel, state, by),
    draw({ zoom = 1 }, some) {
      setHidden(element, !some || !slots().some(({ panel }) => panel.layer));
      setText(whole, `${Math.round(zoom * 10) / 10}×`);
      setAttribute(less, "disabled", zoom <= 1);
      setAttribute(more, "disabled", zoom >= MOST_ZOOM);
    },
  };
}

// Return zoom and centre after zooming by a factor (0: all of it), the place `at` held where it is.
function zoomed({ zoom = 1, centre = [0.5, 0.5] }, factor, at = centre) {
  const next = Math.min(Math.max(zoom * factor, 1), MOST_ZOOM);
  const held = centre.map((share, i) =>
    heldWithin(share, zoom) + (at[i] - heldWithin(share, zoom)) * (1 - zoom / next));
  return { zoom: next, centre: next === 1 ? [0.5, 0.5] : held.map((one) => heldWithin(one, next)) };
}

function heldWithin(share, zoom) {
  return Math.min(Math.max(share, 0.5 / zoom), 1 - 0.5 / zoom);
}

function watchView(panel, state, by) {
  const { view } = panel;
  view.addEventListener("keydown", (event) => {
    if (!(event.key in ZOOM_KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    by(ZOOM_KEYS[event.key]);
  });
  // A pinch on a touchpad is a wheel with Ctrl; a bare wheel scrolls the page.
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    by(Math.exp(-event.deltaY / 100), panel.placeOf(event) ?? undefined);
  }, { passive: false });
  view.addEventListener("dblclick", (event) => by(2, panel.placeOf(event) ?? undefined));
  watchDrag(panel, state);
}

function watchDrag(panel, state) {
  const { view } = panel;
  let start = null;
  view.addEventListener("pointerdown", (event) => {
    const { zoom = 1, centre, erase } = state.get();
    if (zoom <= 1 || erase || event.button !== 0) return;
    start = { x: event.clientX, y: event.clientY, centre };
    view.setPointerCapture(event.pointerId);
  });
  view.addEventListener("pointermove", (event) => {
    if (!start) return;
    const { zoom } = state.get();
    const box = panel.layer.getBoundingClientRect();
    const centre = [
      heldWithin(start.centre[0] - (event.clientX - start.x) / box.width, zoom),
      heldWithin(start.centre[1] - (event.clientY - start.y) / box.height, zoom),
    ];
    state.set({ centre }, { quiet: true });
  });
  const end = () => {
    start = null;
  };
  view.addEventListener("pointerup", end);
  view.addEventListener("pointercancel", end);
}
