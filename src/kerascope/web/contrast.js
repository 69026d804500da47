// From "why tabby" to "why tabby rather than lynx": a slider that needs no model.

import { contrastable, contrastSubject, isLinear } from "./sources.js";
import { make, setAttribute, setHidden, setText } from "./dom.js";
import { numberWords } from "./colours.js";

export function makeContrast(context) {
  const { state } = context;
  const select = make("select", { id: "stage-versus", "data-control": "versus" });
  const slider = make("input", { type: "range", min: "0", max: "1", step: "0.01",
    id: "stage-contrast", "data-control": "contrast" });
  const words = make("output", { class: "stage-output", for: "stage-contrast" });
  const element = make("div", { class: "stage-tool stage-contrast" },
    make("label", { class: "stage-label", for: "stage-contrast" }, "Rather than"),
    make("label", { class: "unseen", for: "stage-versus" }, "Class to contrast with"), select,
    slider, words);
  select.addEventListener("change", () => {
    const { contrast } = state.get();
    state.set({ versus: select.value, contrast: select.value ? contrast || 1 : 0 });
  });
  slider.addEventListener("input", () =>
    state.set({ contrast: Number(slider.value) }, { quiet: true }));
  let listed = "";
  return {
    element,
    draw(shown) {
      const others = contrastsOf(context.book, shown);
      setHidden(element, others.length === 0);
      if (others.length === 0) return;
      const key = others.map((map) => map.id).join();
      if (key !== listed) fillTargets(select, others);
      listed = key;
      const ready = contrastable(context.book, shown);
      if (select.value !== shown.versus) select.value = ready ? shown.versus : "";
      setHidden(slider, !ready);
      element.classList.toggle("stage-active", ready);
      if (ready) drawSlider(slider, words, shown);
      setText(words, ready ? contrastWords(shown) : "");
    },
  };
}

// The maps of the same method, sample and input for other targets, where they may be subtracted.
export function contrastsOf(book, { map, view }) {
  if (!map || !isLinear(book, map) || view === "sheet") return [];
  const { sample, model, method, epoch, input } = map;
  return book.mapsOf(sample, { model, method, epoch, input }).filter((one) => one !== map);
}

function fillTargets(select, others) {
  const options = others.map(({ target }) => {
    const option = make("option", { value: target.key });
    setText(option, target.subject);
    return option;
  });
  select.replaceChildren(make("option", { value: "" }, "no other class"), ...options);
}

function drawSlider(slider, words, { map, versusMap, contrast }) {
  if (Number(slider.value) !== contrast) slider.value = String(contrast);
  setAttribute(slider, "aria-label", `How much of ${versusMap.target.subject} to take off`);
  setAttribute(slider, "aria-valuetext", `why ${contrastSubject(map, versusMap, contrast)}`);
}

// What is explained at this place of the slider: the subject, and its score.
function contrastWords({ map, versusMap, contrast }) {
  const subject = contrastSubject(map, versusMap, contrast);
  const [own, other] = [map.target.score, versusMap.target.score];
  if (own === null || other === null) return `why ${subject}`;
  return `why ${subject} (${numberWords(own - contrast * other)})`;
}
