// The line between two pictures: dragged, or moved with the arrow keys.

import { make } from "./dom.js";

export function makeSplitLine(context) {
  const set = (split) =>
    context.state.set({ split: Math.min(Math.max(split, 0), 1) }, { quiet: true });
  const steps = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.2, PageUp: 0.2 };
  const press = (event) => {
    const { split } = context.state.get();
    if (event.key in steps) set(split + steps[event.key]);
    else if (event.key === "Home") set(0);
    else if (event.key === "End") set(1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const handle = make("div", {
    class: "stage-handle", role: "slider", tabindex: "0", "aria-label": "Line between the two",
    "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "50",
    on: { keydown: press, pointerdown: (event) => handle.setPointerCapture(event.pointerId) },
  }, make("span", { class: "stage-grip", "aria-hidden": "true" }));
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = handle.parentElement.querySelector(".stage-layer").getBoundingClientRect();
    set((event.clientX - box.left) / box.width);
  });
  return handle;
}

