// Two pictures in turn, slowly; it can be paused, and turned over by hand.

import { actionButton, make, setAttribute, setHidden, setText } from "./dom.js";

const FLICKER = 500; // milliseconds a picture: 1 Hz there and back; 3 flashes a second is the limit

// over: the element that is shown and hidden. Where no motion is wanted, it starts paused.
export class Flicker {
  constructor(over) {
    this.over = over;
    this.timer = 0;
    this.paused = null;
    this.pause = actionButton("Pause", () => this.hold(!this.paused), { class: "stage-chip" });
    const turn = actionButton("Turn over", () => this.turn(true), { class: "stage-chip" });
    this.element = make("div", { class: "stage-turns", hidden: true }, this.pause, turn);
  }

  show(wanted) {
    setHidden(this.element, !wanted);
    if (!wanted) {
      this.stop();
      this.paused = null;
      this.over.classList.remove("stage-away");
    } else if (this.paused === null) {
      this.hold(matchMedia("(prefers-reduced-motion: reduce)").matches);
    }
  }

  hold(paused) {
    this.paused = paused;
    setText(this.pause, paused ? "Go on" : "Pause");
    setAttribute(this.pause, "aria-pressed", String(paused));
    this.stop();
    if (!paused) this.timer = setInterval(() => this.turn(false), FLICKER);
  }

  turn(byHand) {
    if (!this.over.isConnected) this.stop();
    else if (byHand) this.hold(true);
    this.over.classList.toggle("stage-away");
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
  }
}
