// The filters above the filmstrip.

import { makeUnfold } from "./controls.js";
import { actionButton, fill, make, setAttribute, setHidden, setText } from "./dom.js";
import { LETTERS, offered } from "./filters.js";
import { FILTERS } from "./state.js";

const COUNT = new Intl.NumberFormat("en");

const TOGGLES = [
  ["wrong", "Wrong", "Predictions that are not the known right class"],
  ["unsure", "Unsure", "The first class leads the second by less than 20 %"],
  ["surprising", "Surprising", "Half the evidence or more lies where that of its class does not"],
];

export function makeFilterBar({ state, book }) {
  const change = (patch, options) =>
    state.set({ filter: { ...state.get().filter, ...patch } }, options);
  const text = make("input", {
    type: "search", class: "strip-search", placeholder: "Search samples", maxlength: 200,
    "aria-label": "Search samples by name or class", id: "search",
    on: { input: () => change({ text: text.value }, { quiet: true }) },
  });
  const toggles = TOGGLES.map(([key, words, title]) => {
    const count = make("span", { class: "count" });
    const button = actionButton(words, () => change({ [key]: !state.get().filter[key] }), {
      class: "chip", title, "data-filter": key,
    });
    button.append(" ", count);
    return { key, button, count };
  });
  const classes = makePicker("Class", "Class", (value) => change({ class: value }));
  const grades = makePicker("Grade", "Grade", (value) => change({ grade: value }));
  const total = make("span", { class: "strip-total quiet", role: "status" });
  const reset = actionButton("Show all", () => state.set({ filter: FILTERS }), { class: "link" });
  const rest = make(
    "div",
    { class: "foldable", id: "filters" },
    make("div", { class: "chips" }, ...toggles.map(({ button }) => button)),
    make("div", { class: "pickers" }, classes.element, grades.element),
  );
  const element = make(
    "div",
    { class: "strip-filters", role: "search", "aria-label": "Filter the samples" },
    make("div", { class: "strip-find" }, text, makeUnfold("Filters", rest)),
    rest,
    make("p", { class: "strip-sum" }, total, reset),
  );
  let known = -1;
  let knownFacts = null;

  return {
    element,
    draw(shown, facts, kept) {
      const { samples } = book.document;
      if (known !== book.version || knownFacts !== facts) {
        known = book.version;
        knownFacts = facts;
        drawOffered(offered(samples, facts), toggles, classes, grades);
      }
      const { filter } = shown;
      if (text.value !== filter.text) text.value = filter.text;
      for (const { key, button } of toggles) {
        setAttribute(button, "aria-pressed", String(filter[key]));
      }
      classes.choose(filter.class);
      grades.choose(filter.grade);
      const narrowed = kept !== samples.length;
      const all = COUNT.format(samples.length);
      const one = samples.length === 1 ? "sample" : "samples";
      setText(total, narrowed ? `${COUNT.format(kept)} of ${all}` : `${all} ${one}`);
      setHidden(reset, JSON.stringify(filter) === JSON.stringify(FILTERS));
    },
  };
}

function drawOffered({ count, truths, classes, grades }, toggles, byClass, byGrade) {
  for (const { key, button, count: label } of toggles) {
    setText(label, COUNT.format(count[key]));
    setHidden(button, key === "wrong" && truths === 0);
    setAttribute(button, "data-empty", count[key] === 0);
  }
  byClass.offer(classes.map(([value, number]) => [value, `${value} (${number})`]));
  byGrade.offer(
    LETTERS.filter((letter) => grades.has(letter)).map((letter) => [
      letter, `Grade ${letter} (${grades.get(letter)})`,
    ]),
  );
}

function makePicker(words, all, change) {
  const select = make("select", {
    "aria-label": words, on: { change: () => change(select.value) },
  });
  let offer = "";
  return {
    element: select,
    offer(options) {
      setHidden(select, options.length < 2);
      if (offer === JSON.stringify(options)) return;
      offer = JSON.stringify(options);
      const value = select.value;
      fill(
        select,
        make("option", { value: "" }, all),
        ...options.map(([key, label]) => make("option", { value: key }, label)),
      );
      select.value = value;
    },
    choose(value) {
      if (select.value !== value) select.value = value;
    },
  };
}
