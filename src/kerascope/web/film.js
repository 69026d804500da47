// The training film: epochs are scrubbed or played, markers say what happened, curves lie below.

import { actionButton, fill, make, setAttribute, setHidden, setProperty, setText } from "./dom.js";
import { axisOf, lanesOf, makeLanes, nearestEpoch, tableOf } from "./filmlanes.js";
import { epochWords, makeMarkers, markersFor, toldAt } from "./filmmarkers.js";

const FILM_TIME = 8000; // milliseconds that a film is meant to last
const FRAME_LEAST = 150; // milliseconds that an epoch is shown at least, and at most
const FRAME_MOST = 700;

const shownEpochOf = (context) => context.book.resolve(context.state.get()).epoch;

function showEpoch(context, epoch) {
  context.state.set({ epoch }, { quiet: true });
}

// One explained epoch on or back; false where there is none.
export function stepEpoch(context, by) {
  const { film } = context.book.document;
  if (!film || film.epochs.length === 0) return false;
  const now = film.epochs.indexOf(shownEpochOf(context));
  const next = Math.min(film.epochs.length - 1, Math.max(0, now + by));
  if (next === now) return false;
  showEpoch(context, film.epochs[next]);
  return true;
}

export function frameTime(count) {
  return Math.min(FRAME_MOST, Math.max(FRAME_LEAST, FILM_TIME / Math.max(1, count)));
}

export function makeFilm(context) {
  const player = makePlayer(context);
  const now = make("output", { class: "film-now" });
  const slider = makeScrubber(context, player);
  const markers = makeMarkers((epoch) => {
    player.pause();
    showEpoch(context, epoch);
  });
  const lanes = makeLanes();
  const rail = make("div", { class: "film-rail" }, markers.dots, slider);
  const head = make("div", { class: "film-head" }, player.element, now);
  const told = make("p", { class: "film-told", "aria-hidden": "true" });
  const time = make("div", { class: "film-time" }, head, rail, told);
  const cursor = make("div", { class: "film-cursor", "aria-hidden": "true" });
  const body = make("div", { class: "film-body" }, time, ...lanes.elements, cursor);
  const numbers = makeNumbers();
  const notes = make("ul", { class: "film-notes" });
  const element = make(
    "section", { class: "film", "aria-label": "Training film" },
    make("h2", { class: "unseen" }, "Training film"),
    make("div", { class: "film-columns" }, body, markers.list), numbers.element, notes,
  );
  scrubWith(body, context, player);
  const prepare = memory(context);

  return {
    element,
    draw(shown) {
      const { film } = context.book.document;
      setHidden(element, !film || film.epochs.length === 0);
      if (element.hidden) return;
      const made = prepare(film, shown);
      const index = film.epochs.indexOf(shown.epoch);
      setProperty(body, "--at", String(made.axis.place(shown.epoch)));
      setText(now, epochWords(film, shown.epoch));
      setText(told, toldAt(made.markers, shown.epoch));
      drawScrubber(slider, film, made, shown.epoch);
      markers.draw({ film, ...made, epoch: shown.epoch });
      lanes.draw({ ...made, epoch: shown.epoch });
      numbers.draw(film, made.lanes);
      player.draw(index, film.epochs.length);
      drawNotesOf(notes, film.notes ?? []);
    },
  };
}

// Lanes and markers hang on the film, the picture and the method, not on the epoch.
function memory(context) {
  let key = "";
  let of = null;
  let made = null;
  return (film, shown) => {
    const wanted = `${shown.sample} ${shown.method}`;
    if (of !== film || key !== wanted) {
      [of, key] = [film, wanted];
      made = {
        axis: axisOf(film),
        lanes: lanesOf(film, shown),
        markers: markersFor(film, shown),
        several: context.book.document.samples.length > 1,
      };
    }
    return made;
  };
}

function makeScrubber(context, player) {
  const slider = make("input", { type: "range", step: "any", class: "film-slider" });
  setAttribute(slider, "aria-label", "Epoch of the training");
  slider.addEventListener("input", () => {
    player.pause();
    const { film } = context.book.document;
    showEpoch(context, nearestEpoch(film.epochs, slider.valueAsNumber));
    context.redraw(); // the thumb goes to the epoch that was found
  });
  const steps = {
    ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1,
    PageDown: -5, PageUp: 5, Home: -Infinity, End: Infinity,
  };
  slider.addEventListener("keydown", (event) => {
    if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    player.pause();
    stepEpoch(context, steps[event.key]);
  });
  return slider;
}

function drawScrubber(slider, film, { axis, markers }, epoch) {
  setAttribute(slider, "min", axis.first);
  setAttribute(slider, "max", axis.last > axis.first ? axis.last : axis.first + 1);
  const words = [epochWords(film, epoch), toldAt(markers, epoch)];
  setAttribute(slider, "aria-valuetext", words.filter(Boolean).join(". "));
  if (slider.valueAsNumber !== epoch) slider.value = String(epoch);
}

// A press on the curves goes to the epoch below it, and follows the pointer.
function scrubWith(body, context, player) {
  let held = null;
  const go = (event, plot) => {
    const { film } = context.book.document;
    const box = plot.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    showEpoch(context, nearestEpoch(film.epochs, axisOf(film).epochAt(share)));
  };
  body.addEventListener("pointerdown", (event) => {
    held = event.target.closest(".film-plot");
    if (held === null || event.button !== 0) return;
    player.pause();
    held.setPointerCapture(event.pointerId);
    go(event, held);
  });
  body.addEventListener("pointermove", (event) => {
    if (held !== null && event.buttons === 1) go(event, held);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    body.addEventListener(kind, () => { held = null; });
  }
}

// Plays on its own clock; who asked for less motion steps by hand.
function makePlayer(context) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let timer = 0;
  const pause = () => {
    clearTimeout(timer);
    timer = 0;
    context.redraw();
  };
  const tick = () => {
    timer = 0;
    if (!stepEpoch(context, 1)) return pause();
    timer = setTimeout(tick, frameTime(context.book.document.film.epochs.length));
    return undefined;
  };
  const toggle = () => {
    if (timer) return pause();
    const { film } = context.book.document;
    if (shownEpochOf(context) === film.epochs.at(-1)) showEpoch(context, film.epochs[0]);
    timer = setTimeout(tick, frameTime(film.epochs.length));
    context.redraw();
    return undefined;
  };
  const step = (by) => () => {
    pause();
    stepEpoch(context, by);
  };
  const play = actionButton("Play", toggle, { class: "film-play" });
  const named = (words, key) => ({ "aria-label": words, title: `${words} (${key})` });
  const back = actionButton("‹", step(-1), named("Epoch before", ","));
  const on = actionButton("›", step(1), named("Next epoch", "."));
  calm.addEventListener("change", pause);
  return {
    element: make(
      "div", { class: "film-buttons", role: "group", "aria-label": "Play" }, play, back, on,
    ),
    pause: () => (timer ? pause() : undefined),
    draw(index, count) {
      if (timer && calm.matches) pause();
      setHidden(play, calm.matches || count < 2);
      setText(play, timer ? "Pause" : "Play");
      setAttribute(play, "data-playing", timer !== 0);
      setAttribute(back, "disabled", index <= 0);
      setAttribute(on, "disabled", index >= count - 1);
    },
  };
}

// A table is made when it is opened, and again when its curves change.
function makeNumbers() {
  const place = make("div", { class: "film-scroll", tabindex: "0", role: "region" });
  setAttribute(place, "aria-label", "All curves as a table");
  let wanted = null;
  let drawn = null;
  const drawOpen = () => {
    if (!element.open || drawn === wanted?.lanes) return;
    drawn = wanted.lanes;
    fill(place, tableOf(wanted.lanes, (epoch) => epochWords(wanted.film, epoch)));
  };
  const element = make(
    "details", { class: "film-numbers", on: { toggle: drawOpen } },
    make("summary", {}, "Curves as a table"), place,
  );
  return {
    element,
    draw(film, lanes) {
      wanted = { film, lanes };
      drawOpen();
    },
  };
}

function drawNotesOf(list, notes) {
  setHidden(list, notes.length === 0);
  if (list.children.length === notes.length) return;
  fill(list, ...notes.map((words) => make("li", {}, words)));
}
