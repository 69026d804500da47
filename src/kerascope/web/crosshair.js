// The value under the pointer, and under a cross-hair that the arrow keys move.

import { make, setText } from "./dom.js";
import { numberWords, percentWords } from "./colours.js";

const CROSS_STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FAR = 10; // pixels of the input, with Shift

// slots: gives the panes that are shown, each with its `panel` and `pane`.
export function makeCross(context, slots) {
  const cross = new Cross(slots);
  return {
    element: cross.spoken,
    watch: (slot) => cross.watch(slot),
    draw: () => cross.tell(false),
  };
}

class Cross {
  constructor(slots) {
    this.slots = slots;
    this.at = null;
    this.kept = null; // where the keys have put it: there it goes back to when the pointer leaves
    this.turn = 0;
    this.spoken = make("p", { class: "unseen stage-spoken", "aria-live": "polite" });
  }

  watch({ panel }) {
    const { view } = panel;
    if (!view) return;
    view.addEventListener("pointermove", (event) => this.move(panel.placeOf(event), false));
    view.addEventListener("pointerleave", () => this.move(this.kept, false));
    view.addEventListener("keydown", (event) => this.press(event, panel));
    view.addEventListener("blur", () => {
      this.kept = null;
      this.move(null, false);
    });
  }

  press(event, panel) {
    const step = CROSS_STEPS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const far = event.shiftKey ? FAR : 1;
    this.kept = panel.stepFrom
      ? panel.stepFrom(this.kept, step.map((one) => one * far))
      : stepped(this.kept ?? [0.5, 0.5], step, far, panel.size ?? [100, 100]);
    this.move(this.kept, true);
  }

  move(at, aloud) {
    this.at = at;
    for (const { panel } of this.slots()) panel.mark?.(at);
    this.tell(aloud);
  }

  // Write the value into each pane; read all of them out when the keys have asked.
  async tell(aloud) {
    const turn = (this.turn += 1);
    const read = this.slots().filter(({ panel }) => panel.valueAt);
    if (this.at === null) {
      for (const { panel } of read) panel.tell("");
      return;
    }
    const found = await Promise.all(read.map(({ panel }) => panel.valueAt(this.at)));
    if (turn !== this.turn || this.at === null) return;
    const first = found.find(Boolean);
    const place = first?.name ?? pixelWords(this.at, first?.size);
    const words = found.map((one) => (one ? valueWords(one) : ""));
    read.forEach(({ panel }, i) => panel.tell(words[i] && `${place}   ${words[i]}`));
    if (!aloud) return;
    const said = read.map(({ pane }, i) => words[i] && `${pane.title}: ${words[i]}`);
    setText(this.spoken, [place, ...said].filter(Boolean).join("; "));
  }
}

function stepped([x, y], step, far, [height, width]) {
  return [moved(x, step[0] * far, width), moved(y, step[1] * far, height)];
}

// The middle of the next pixel of the input.
function moved(share, step, length) {
  const pixel = Math.min(Math.max(Math.floor(share * length) + step, 0), length - 1);
  return (pixel + 0.5) / length;
}

function pixelWords([x, y], size) {
  if (!size) return "";
  return `x ${Math.floor(x * size[1])}, y ${Math.floor(y * size[0])}`;
}

// more: what a panel has to say of the place beside its value.
function valueWords({ value, share, more = "" }) {
  const sign = value > 0 ? "+" : "";
  const words = `${sign}${numberWords(value)}   ${percentWords(Math.abs(share))} of the limit`;
  return more ? `${words}   ${more}` : words;
}
