// Texts: every word on the colour of its value, in reading order; the strongest carry numbers.

import { besideWords, givenOf, isNamed, wordList } from "../named.js";
import { colouring, cssOf, groundUnder, inkOn, paintInks } from "../inks.js";
import { drawLegend, makeLegend } from "../legend.js";
import { make, setAttribute, setHidden, setProperty, setText } from "../dom.js";
import { percentWords, steadyWords } from "../colours.js";
import { paneNumbers } from "../sources.js";

const NUMBERED = 60; // words up to which each carries its number; of more, the strongest
const STRONGEST = 20;
const MOST_WORDS = 2000;
const MOST_BESIDE = 6;
const LEAST = 1e-5; // of the strongest: what is weaker is a rounding error

export const textPanel = {
  name: "text",
  applies: (map) => isNamed(map) && map.kind === "tokens",
  make: (context) => new TextPane(context),
};

class TextPane {
  constructor(context) {
    this.context = context;
    this.turn = 0;
    this.redraws = 0;
    this.words = [];
    this.list = [];
    this.text = make("p", { class: "text-words", dir: "auto" });
    this.view = make("div", { class: "named-view text-view", tabindex: "0", role: "group" },
      this.text);
    this.beside = make("p", { class: "named-beside quiet" });
    this.value = make("p", { class: "named-value", "aria-hidden": "true" });
    this.message = make("p", { class: "named-message" });
    this.element = make("div", { class: "named" },
      this.view, this.message, this.value, this.beside);
    this.legend = makeLegend();
    for (const part of [this.message, this.beside]) setHidden(part, true);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => context.redraw());
  }

  alt() {
    return this.said ?? "";
  }

  // state: what is shown, with `map` and `pane` of this panel.
  async draw(state) {
    const { pane, map } = state;
    const turn = (this.turn += 1);
    const numbers = await paneNumbers(this.context, state);
    if (turn !== this.turn) return;
    const given = givenOf(this.context.book, map);
    this.fill(given);
    this.numbers = numbers;
    const plain = `${pane.title}: what the model was given.`;
    this.said = numbers ? pane.words(numbers) : plain;
    setAttribute(this.view, "aria-label",
      `Text. ${this.said} The arrow keys go from word to word.`);
    const ground = groundUnder(this.view);
    const look = [state.colours, state.sign, state.blend, state.opacity, state.threshold, ground];
    const key = `${numbers?.key}:${map.sample}:${map.input}:${look}`;
    if (key !== this.drawn) this.paint(given, numbers, state, ground);
    this.drawn = key;
    drawLegend(this.legend, numbers, state, pane.ends, {
      paint: (strip) => paintInks(strip, numbers, state, ground), look: look.join(),
    });
    setText(this.message, numbers?.array ? map.message : "");
    setHidden(this.message, this.message.textContent === "");
  }

  // The text itself: made anew only where another one is shown.
  fill(given) {
    if (this.given === given) return;
    this.given = given;
    this.drawn = "";
    const { text, spans } = given?.text ?? { text: "", spans: [] };
    const shown = spans.slice(0, MOST_WORDS);
    this.words = shown.map(([start, stop], i) => makeWord(text.slice(start, stop), i));
    const parts = [];
    let at = 0;
    let run = null;
    shown.forEach(([start, stop], i) => {
      const between = text.slice(at, start);
      if (run === null || /\s/.test(between)) {
        [run] = startRun(parts, between, run);
      } else run.append(between);
      run.append(this.words[i].element);
      at = Math.max(at, stop);
    });
    const rest = spans.length - shown.length;
    const last = rest > 0 ? ` … ${rest} more words` : text.slice(at);
    startRun(parts, last, run);
    this.text.replaceChildren(...parts);
  }

  paint(given, numbers, state, ground) {
    this.redraws += 1;
    this.list = numbers && given?.text ? wordList(given.text, numbers.values) : [];
    const sizes = this.list.map(({ value }) => Math.abs(value));
    const strongest = Math.max(...sizes, 0);
    const least = numberedFrom(sizes);
    const colourOf = numbers ? colouring(numbers, state, ground) : () => null;
    this.words.forEach(({ element, number }, i) => {
      const value = this.list[i]?.value ?? null;
      const colour = value === null ? null : colourOf(value);
      setProperty(element, "background-color", colour ? cssOf(colour) : "");
      setProperty(element, "color", colour ? cssOf(inkOn(colour)) : "");
      const said = value !== null && sizes[i] >= least;
      setText(number, said ? steadyWords(value, strongest) : "");
      setHidden(number, !said);
    });
    this.besideWords(given, numbers, strongest);
  }

  besideWords(given, numbers, strongest) {
    const found = numbers && given?.text ? besideWords(given.text, numbers.values) : [];
    const total = numbers ? numbers.values.reduce((sum, value) => sum + Math.abs(value), 0) : 0;
    const own = found.reduce((sum, { value }) => sum + Math.abs(value), 0);
    setHidden(this.beside, found.length === 0 || own <= LEAST * total);
    if (this.beside.hidden) return;
    const named = found.slice(0, MOST_BESIDE).map(({ name, count, value }) =>
      `${name}${count > 1 ? ` (${count} times)` : ""} ${steadyWords(value, strongest)}`);
    const more = found.length > MOST_BESIDE ? ` and ${found.length - MOST_BESIDE} more` : "";
    setText(this.beside, `Beside the words: ${named.join(", ")}${more}; ` +
      `${percentWords(own / total)} of all evidence.`);
  }

  // --- the word under the pointer, or where the keys are: see crosshair.js ----------------------

  placeOf({ target }) {
    const word = target instanceof Element ? target.closest(".text-word") : null;
    return word && this.view.contains(word) ? this.at(Number(word.dataset.index)) : null;
  }

  at(index) {
    return [(index + 0.5) / Math.max(this.words.length, 1), 0.5];
  }

  indexAt([x]) {
    return Math.min(Math.floor(x * this.words.length), this.words.length - 1);
  }

  stepFrom(kept, [across, down]) {
    if (kept === null) return this.at(0);
    const index = this.indexAt(kept);
    if (down === 0) {
      return this.at(Math.min(Math.max(index + across, 0), this.words.length - 1));
    }
    return this.at(this.onNextLine(index, Math.sign(down)));
  }

  // The word of the line above or below that lies nearest.
  onNextLine(index, way) {
    const middle = ({ element }) => {
      const box = element.getBoundingClientRect();
      return [box.left + box.width / 2, box.top];
    };
    const places = this.words.map(middle);
    const [x, y] = places[index];
    const tops = places.map(([, top]) => top).filter((top) => (top - y) * way > 2);
    if (tops.length === 0) return index;
    const line = way > 0 ? Math.min(...tops) : Math.max(...tops);
    let best = index;
    let least = Infinity;
    places.forEach(([left, top], i) => {
      if (Math.abs(top - line) > 2 || Math.abs(left - x) >= least) return;
      [best, least] = [i, Math.abs(left - x)];
    });
    return best;
  }

  mark(at) {
    this.marked?.removeAttribute("data-marked");
    this.marked = at ? this.words[this.indexAt(at)]?.element : null;
    this.marked?.setAttribute("data-marked", "");
  }

  tell(words) {
    setText(this.value, words);
  }

  async valueAt(at) {
    const item = this.list[this.indexAt(at)];
    if (!item || !this.numbers) return null;
    const { limit } = this.numbers;
    const each = item.pieces.map(([token, value]) => `${token} ${steadyWords(value, limit)}`);
    const more = each.length > 1 ? `(${each.join(", ")})` : "";
    return { value: item.value, share: item.value / limit, name: `'${item.name}'`, more };
  }
}

function makeWord(name, index) {
  const number = make("small", {});
  const element = make("span", { class: "text-word", "data-index": index },
    make("span", {}, name), number);
  setHidden(number, true);
  return { element, number };
}

// Words that nothing parts stay on one line: a run of them goes on behind the last space.
function startRun(parts, between, run) {
  const [, glued, spaces, next] = /^(\S*)(\s*)([^]*)$/.exec(between);
  if (run !== null) run.append(glued);
  const started = make("span", { class: "text-run" });
  parts.push(run === null ? `${glued}${spaces}` : spaces, ...pieces(next, started));
  return [started];
}

// What stands before the last space are words that the model was not given.
function pieces(text, run) {
  const cut = /^([^]*\s)?(\S*)$/.exec(text);
  run.append(cut[2]);
  return [cut[1] ?? "", run];
}

// The size from which on words carry their number.
function numberedFrom(sizes) {
  if (sizes.length <= NUMBERED) return 0;
  return [...sizes].sort((a, b) => b - a)[STRONGEST - 1];
}
