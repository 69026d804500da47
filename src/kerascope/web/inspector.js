// The right side: prediction, methods, trust, and what is folded below them.

import { makeBars } from "./bars.js";
import { makeParameters, makeProvenance, makePython } from "./details.js";
import { keepRows, make, setHidden, setText } from "./dom.js";
import { makeGradeCard } from "./gradecard.js";
import { makeLike } from "./like.js";
import { makeMethodList } from "./methodlist.js";

export function makeInspector(context) {
  const parts = [
    makeModelPicker(context),
    makeBars(context),
    makeLike(context),
    makeMethodList(context),
    makeGradeCard(context),
    makeParameters(context),
    makePython(context),
    makeProvenance(context),
  ];
  const element = make(
    "aside", { class: "inspector", "aria-label": "Inspector" },
    ...parts.map((part) => part.element),
  );
  // What is unfolded is drawn then, not before.
  element.addEventListener("toggle", () => context.redraw(), true);
  return {
    element,
    draw(shown) {
      for (const part of parts) part.draw(shown);
    },
  };
}

// Which model, where there are several; which input, where the model takes several.
function makeModelPicker({ book, state }) {
  const chooser = (key) => {
    const select = make("select", {
      id: key, on: { change: () => state.set({ [key]: select.value }) },
    });
    return select;
  };
  const [model, input] = ["model", "input"].map(chooser);
  const models = make("p", { class: "row" }, make("label", { for: "model" }, "Model"), model);
  const inputs = make("p", { class: "row" }, make("label", { for: "input" }, "Input"), input);
  const element = make("section", { class: "part slim", "aria-label": "Model" }, models, inputs);
  return {
    element,
    draw(shown) {
      const known = book.document.models;
      const names = book.sample(shown.sample)?.inputs.map(({ name }) => name) ?? [];
      const maps = book.mapsOf(shown.sample, { method: shown.method });
      const drawn = [...new Set(maps.map((map) => map.input))];
      const offered = drawn.length > 1 ? drawn : names.filter((given) => drawn.includes(given));
      drawOptions(model, known.map(({ id, name }) => [id, name]), shown.model);
      drawOptions(input, offered.map((given) => [given, given]), shown.input);
      setHidden(models, known.length < 2);
      setHidden(inputs, offered.length < 2);
      setHidden(element, known.length < 2 && offered.length < 2);
    },
  };
}

function drawOptions(select, options, chosen) {
  keepRows(select, options, () => make("option"), (option, [value, words]) => {
    option.value = value;
    setText(option, words);
  });
  if (select.value !== chosen) select.value = chosen;
}
