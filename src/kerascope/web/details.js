// The folded parts of the inspector: parameters, Python, provenance.

import { actionButton, keepRows, make, setAttribute, setHidden, setText } from "./dom.js";
import { makeForm } from "./forms.js";
import { copyPython, pythonOf } from "./python.js";

function makePairs() {
  const list = make("dl", { class: "pairs" });
  return {
    element: list,
    draw: (pairs) =>
      keepRows(list, pairs, () => make("div", {}, make("dt"), make("dd")), (row, [key, value]) => {
        setText(row.children[0], key);
        setText(row.children[1], value);
        setAttribute(row.children[1], "title", String(value).length > 24 ? value : null);
      }),
  };
}

export function makeParameters(context) {
  const pairs = makePairs();
  const form = makeForm(context);
  const element = make(
    "details",
    { class: "part fold", id: "inspector-parameters" },
    make("summary", {}, "Baseline and parameters"),
    pairs.element,
    form.element,
  );
  return {
    element,
    draw(shown) {
      const method = context.book.method(shown.method);
      const described = method && context.live?.described(shown.model, method.name);
      const fields = (method?.fields ?? []).filter(([key]) => key !== "layer");
      setHidden(element, !described && fields.length === 0);
      setHidden(pairs.element, Boolean(described));
      setHidden(form.element, !described);
      if (described) form.draw(shown, described, method);
      else pairs.draw([...fields, ...(method ? [["score", method.score ?? ""]] : [])]);
    },
  };
}

export function makePython(context) {
  const code = make("code", {});
  const copy = actionButton("Copy as Python", () => copyPython(context), {
    class: "soft", id: "copy-python",
  });
  const element = make(
    "details",
    { class: "part fold", id: "inspector-python" },
    make("summary", {}, "Python"),
    make("pre", { class: "code", tabindex: "0" }, code),
    copy,
  );
  return {
    element,
    draw(shown) {
      setHidden(element, shown.method === "");
      if (element.open || code.textContent === "") setText(code, pythonOf(context.book, shown));
    },
  };
}

// What made the map: model, program, device, seed.
export function makeProvenance({ book }) {
  const model = makePairs();
  const made = makePairs();
  const element = make(
    "details",
    { class: "part fold", id: "inspector-provenance" },
    make("summary", {}, "Provenance"),
    model.element,
    made.element,
  );
  return {
    element,
    draw(shown) {
      if (!element.open) return;
      const known = book.model(shown.model);
      model.draw([
        ["Model", known?.name ?? ""],
        ["SHA-256", known?.sha256 ?? ""],
        ...(known?.facts ?? []),
      ]);
      made.draw(stampPairs(book, shown));
    },
  };
}

function stampPairs(book, shown) {
  const method = book.method(shown.method);
  const model = book.model(shown.model);
  const stamps = book.document.stamps.filter(
    ({ provenance }) =>
      provenance?.model_sha256 === model?.sha256 && provenance?.method?.name === method?.name,
  );
  const { provenance } = stamps.at(-1) ?? {};
  return [
    ["Time", method?.seconds ?? ""],
    ["Reference", method?.reference ?? ""],
    ["Target", provenance?.target ?? ""],
    ["Seed", provenance === undefined ? "" : String(provenance.seed)],
    ["Device", provenance?.device ?? ""],
    ["Size", provenance?.size?.join(" × ") ?? ""],
  ].filter(([, value]) => value !== "");
}
