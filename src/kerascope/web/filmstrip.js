// The samples on the left. Only the rows in sight are elements: ten thousand samples need no more.

import { isPicture } from "./book.js";
import { make, setAttribute, setHidden, setProperty, setText } from "./dom.js";
import { makeFacts, filtered } from "./filters.js";
import { makeFilterBar } from "./filterbar.js";

const SPARE = 4; // rows beyond those in sight, at either end
const LARGEST = 8e6; // pixels a scrolled element may have in every browser

export function makeFilmstrip(context) {
  return new Filmstrip(context);
}

class Filmstrip {
  constructor(context) {
    this.context = context;
    this.factsOf = makeFacts(context.book);
    this.bar = makeFilterBar(context);
    this.track = make("div", { class: "strip-track" });
    this.list = make("div", {
      class: "strip-list", role: "listbox", tabindex: "0", "aria-label": "Samples", id: "samples",
    }, this.track);
    this.none = make(
      "p", { class: "strip-none quiet", hidden: true }, "No sample passes the filters.",
    );
    this.element = make(
      "nav", { class: "strip", "aria-label": "Samples" },
      this.bar.element, this.none, this.list,
    );
    Object.assign(this, { samples: [], facts: new Map(), chosen: "", key: "", rows: [] });
    Object.assign(this, { size: 60, room: 0, across: false, asked: false });
    this.listen();
  }

  listen() {
    const { list } = this;
    list.addEventListener("scroll", () => this.scrolled(), { passive: true });
    list.addEventListener("keydown", (event) => this.keyPressed(event));
    list.addEventListener("click", (event) => {
      const row = event.target.closest(".strip-row");
      if (row !== null) this.choose(Number(row.dataset.index));
    });
    new ResizeObserver(() => {
      this.measure();
      this.forget();
      this.lay();
      this.reveal();
      this.layRows();
    }).observe(list);
  }

  // The style says how large a row is and which way the strip runs.
  measure() {
    const style = getComputedStyle(this.list);
    this.across = style.getPropertyValue("--across").trim() === "1";
    this.size = Number.parseFloat(style.getPropertyValue("--step")) || 60;
    this.room = this.across ? this.list.clientWidth : this.list.clientHeight;
  }

  // What rows show is out of date.
  forget() {
    for (const row of this.rows) row.dataset.index = "";
  }

  lay() {
    const length = Math.min(this.samples.length * this.size, LARGEST);
    setProperty(this.track, this.across ? "width" : "height", `${length}px`);
    setProperty(this.track, this.across ? "height" : "width", "100%");
    this.layRows();
  }

  layRows() {
    const { rows, samples, size } = this;
    const from = this.across ? this.list.scrollLeft : this.list.scrollTop;
    const first = Math.max(0, Math.floor(from / size) - SPARE);
    const last = Math.min(samples.length, Math.ceil((from + this.room) / size) + SPARE);
    while (rows.length < last - first) rows.push(this.track.appendChild(makeRow()));
    const used = new Set();
    for (let index = first; index < last; index += 1) {
      const row = rows[index % rows.length];
      used.add(row);
      drawRow(this.context, this, row, index);
    }
    for (const row of rows) setHidden(row, !used.has(row));
    const index = this.place();
    const inSight = index >= first && index < last;
    setAttribute(this.list, "aria-activedescendant", inSight ? `sample-${index}` : null);
  }

  scrolled() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.layRows();
    });
  }

  keyPressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.room / this.size) - 1);
    const steps = {
      ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: page, PageUp: -page,
      Home: -Infinity, End: Infinity,
    };
    if (!Object.hasOwn(steps, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    this.step(steps[event.key]);
  }

  place() {
    return this.samples.findIndex((sample) => sample.id === this.chosen);
  }

  choose(index) {
    const sample = this.samples[Math.max(0, Math.min(this.samples.length - 1, index))];
    if (sample !== undefined) this.context.state.set({ sample: sample.id });
  }

  // From where the state is: keys may come faster than frames.
  step(by) {
    const { book, state } = this.context;
    const now = book.resolve(state.get()).sample;
    this.choose(this.samples.findIndex((sample) => sample.id === now) + by);
  }

  // Scrolls no further than is needed to see the chosen sample.
  reveal() {
    const index = this.place();
    if (index < 0) return;
    const from = this.across ? this.list.scrollLeft : this.list.scrollTop;
    const start = index * this.size;
    const least = start + this.size - this.room;
    if (start >= from && least <= from) return;
    this.list[this.across ? "scrollLeft" : "scrollTop"] = start < from ? start : least;
  }

  draw(shown) {
    const { book } = this.context;
    const { model, method, epoch, filter } = shown;
    this.facts = this.factsOf(shown);
    const key = JSON.stringify([book.version, model, method, epoch, filter]);
    if (key !== this.key) {
      this.key = key;
      this.samples = filtered(book.document.samples, this.facts, filter);
      this.forget();
    }
    const moved = this.chosen !== shown.sample;
    this.chosen = shown.sample;
    this.bar.draw(shown, this.facts, this.samples.length);
    setHidden(this.none, this.samples.length > 0 || book.document.samples.length === 0);
    setHidden(this.list, this.samples.length === 0);
    this.lay();
    if (moved) {
      this.reveal();
      this.layRows();
    }
  }
}

function makeRow() {
  return make(
    "div",
    { class: "strip-row", role: "option" },
    make("img", { class: "strip-thumb", alt: "", decoding: "async", draggable: "false" }),
    make(
      "div",
      { class: "strip-words" },
      make("span", { class: "strip-name" }),
      make("span", { class: "strip-answer" }),
      make("span", { class: "strip-marks" }),
    ),
  );
}

function drawRow(context, strip, row, index) {
  const sample = strip.samples[index];
  setAttribute(row, "aria-selected", String(sample.id === strip.chosen));
  if (row.dataset.index === String(index) && row.dataset.sample === sample.id) return;
  row.dataset.index = index;
  row.dataset.sample = sample.id;
  const at = Math.round(index * strip.size);
  setProperty(row, "transform", strip.across ? `translateX(${at}px)` : `translateY(${at}px)`);
  setAttribute(row, "id", `sample-${index}`);
  setAttribute(row, "aria-setsize", strip.samples.length);
  setAttribute(row, "aria-posinset", index + 1);
  const fact = strip.facts.get(sample.id);
  const [image, words] = row.children;
  const thumb = thumbOf(context, sample);
  drawThumb(image, thumb);
  setAttribute(row, "data-bare", thumb === null);
  const [title, answer, marks] = words.children;
  setText(title, sample.name);
  setAttribute(title, "title", sample.name);
  setText(answer, fact.top);
  setText(marks, markWords(fact, sample));
  setAttribute(row, "aria-label", rowWords(fact, sample));
  setAttribute(row, "data-mark", fact.wrong ? "wrong" : fact.right ? "right" : "");
  setAttribute(row, "data-unsure", fact.unsure);
  setAttribute(row, "data-grade", fact.grade || null);
}

// A picture still on its way must not show that of the row before: it gets an element of its own.
function drawThumb(image, address) {
  setHidden(image, address === null);
  if (address === null || image.getAttribute("src") === address) return;
  if (image.hasAttribute("src") && !address.startsWith("data:")) {
    const fresh = image.cloneNode(false);
    fresh.src = address;
    image.replaceWith(fresh);
  } else image.src = address;
}

function markWords(fact, sample) {
  const words = [];
  if (fact.wrong) words.push(`not ${sample.truth}`);
  if (fact.unsure) words.push("unsure");
  return words.join(", ");
}

function rowWords(fact, sample) {
  const grade = fact.grade ? `grade ${fact.grade}` : "";
  const right = fact.right ? "right" : "";
  return [sample.name, fact.top, right, markWords(fact, sample), grade].filter(Boolean).join(", ");
}

export function thumbOf({ book, host }, sample) {
  const blob = sample.thumb ?? sample.inputs.find((input) => input.picture !== null)?.picture;
  return (blob ? book.blob(blob) : null) ?? (isPicture(sample) ? host.thumb(sample.id) : null);
}
