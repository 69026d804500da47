// The methods: which one made the map on the stage, what each costs, how it was graded.

import {
  actionButton, keepRows, make, setAttribute, setHidden, setProperty, setText,
} from "./dom.js";
import { drawDots, drawLetter, makeDots } from "./marks.js";

export function makeMethodList(context) {
  const list = make("div", {
    class: "method-list", role: "radiogroup", "aria-labelledby": "part-methods",
  });
  const others = make("div", { class: "method-list" });
  const more = make(
    "details", { class: "fold more-methods", open: context.host.live },
    make("summary", {}, "Ask another method"), others,
  );
  const layers = makeLayerPicker(context);
  const element = make(
    "section",
    { class: "part", "aria-labelledby": "part-methods" },
    make("h2", { id: "part-methods" }, "Methods"),
    list,
    more,
    layers.element,
  );
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const rows = [...list.children];
    const next = rows[(rows.indexOf(document.activeElement) + step + rows.length) % rows.length];
    next.focus();
    next.choose();
  });
  return {
    element,
    draw(shown) {
      const { made, unmade } = methodsShown(context, shown);
      const drawRow = (row, item) => drawMethod(context, row, item, shown);
      keepRows(list, made, () => makeMethodRow(true), drawRow);
      setHidden(more, unmade.length === 0);
      keepRows(others, unmade, () => makeMethodRow(false), drawRow);
      layers.draw(shown);
    },
  };
}

// Those with a map of this sample, and those that the model can be asked for.
function methodsShown({ book, live }, shown) {
  const made = book.document.methods
    .filter((method) => method.model === shown.model)
    .map((method) => {
      const where = { model: shown.model, method: method.id, epoch: shown.epoch };
      const maps = book.mapsOf(shown.sample, { ...where, target: shown.target });
      const map = maps[0] ?? book.mapsOf(shown.sample, where)[0] ?? null;
      const cost = method.cost ?? live?.described(shown.model, method.name)?.cost;
      return { ...method, cost, map, pending: live?.pending(shown, method) ?? null };
    });
  for (const method of made) method.apart = apartWords(method, made);
  const known = new Set(made.map((method) => method.name));
  const unmade = (live?.describe(shown.model) ?? [])
    .filter((method) => !known.has(method.name) && !method.hindrance)
    .map((method) => ({
      ...method, id: null, layer: "", map: null, pending: live.pending(shown, method),
    }));
  return { made, unmade };
}

// One method set in two ways: what tells them apart.
function apartWords(method, made) {
  const twins = made.filter(
    (other) => other !== method && other.name === method.name && other.layer === method.layer,
  );
  return method.fields
    .filter(([key, value]) =>
      twins.some((twin) => twin.fields.some(([name, other]) => name === key && other !== value)))
    .map(([key, value]) => `${key.replaceAll("_", " ")} ${value}`)
    .join(", ");
}

export function shownMethods(context, shown) {
  return methodsShown(context, shown).made;
}

function makeMethodRow(radio) {
  const row = actionButton("", () => row.choose(), {
    class: "method", role: radio ? "radio" : null,
  });
  row.append(
    make("span", { class: "method-title" }),
    make("span", { class: "method-layer quiet" }),
    makeDots(),
    make("span", { class: "letter" }),
    make("span", { class: "method-progress", hidden: true }, make("span")),
  );
  row.choose = () => {};
  return row;
}

function drawMethod(context, row, item, shown) {
  const { state, live } = context;
  const [title, layer, dots, letter, progress] = row.children;
  const chosen = item.id !== null && item.id === shown.method;
  setText(title, item.title);
  setText(layer, [item.layer, item.apart].filter(Boolean).join(" · "));
  drawDots(dots, item.cost);
  drawLetter(letter, item.map?.grade ?? null);
  if (row.getAttribute("role") === "radio") {
    setAttribute(row, "aria-checked", String(chosen));
    setAttribute(row, "tabindex", chosen ? "0" : "-1");
  }
  setAttribute(row, "data-missing", item.id !== null && item.map === null);
  setHidden(progress, item.pending === null);
  setAttribute(row, "aria-busy", item.pending === null ? null : "true");
  if (item.pending !== null) {
    const { done, total } = item.pending;
    setAttribute(progress, "data-unknown", !total);
    setProperty(progress.firstElementChild, "width", total ? `${(100 * done) / total}%` : "30%");
  }
  row.choose = async () => {
    if (item.id !== null) {
      state.set({ method: item.id });
      return;
    }
    await live.explain(shown, { name: item.name, fields: {} });
    if (row.parentElement?.contains(document.activeElement)) focusChosen();
  };
}

// A method that was asked for moves up; the focus goes with it.
function focusChosen() {
  requestAnimationFrame(() => {
    requestAnimationFrame(() => document.querySelector('.method[aria-checked="true"]')?.focus());
  });
}

// In a report: the layers that there are maps of. In the studio: every layer of the model.
function makeLayerPicker(context) {
  const select = make("select", { id: "layer" });
  const element = make(
    "p",
    { class: "row" },
    make("label", { for: "layer" }, "Layer"),
    select,
  );
  let choose = () => {};
  select.addEventListener("change", () => choose(select.value));
  return {
    element,
    draw(shown) {
      const method = context.book.method(shown.method);
      const offered = layersOffered(context, shown, method);
      setHidden(element, offered.length === 0);
      keepRows(select, offered, () => make("option"), (option, [value, words]) => {
        setAttribute(option, "value", value);
        setText(option, words);
      });
      select.disabled = offered.length < 2;
      select.value = method?.layer ?? "";
      choose = (layer) => {
        const made = sameButLayer(context, method, layer);
        if (made !== undefined) context.state.set({ method: made.id });
        else {
          const fields = { ...method.settings, layer };
          context.live?.explain(shown, { name: method.name, fields });
        }
      };
    },
  };
}

function layersOffered({ book, live }, shown, method) {
  if (method === null || !method.layer) return [];
  const made = book.document.methods
    .filter((other) => other.model === shown.model && other.name === method.name && other.layer)
    .map((other) => [other.layer, other.layer]);
  const known = (live?.layers(shown.model) ?? []).map((layer) => [layer.name, layer.words]);
  const listed = new Set(known.map(([name]) => name));
  return [...new Map([...known, ...made.filter(([name]) => !listed.has(name))])];
}

const sameButLayer = ({ book }, method, layer) =>
  book.document.methods.find(
    (other) =>
      other.model === method.model && other.name === method.name && other.layer === layer,
  );
