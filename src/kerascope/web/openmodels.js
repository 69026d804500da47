// The studio's models: which are open, how to open another or close one.

import { actionButton, keepRows, make, setAttribute, setHidden, setText } from "./dom.js";

const SAMPLES = "image/*,.txt,.csv,.tsv,.npy,.npz";
const STATES = { loading: "loading …", failed: "failed", closed: "closed" };

export function makeOpenModels(context) {
  const { book, state, live } = context;
  const list = make("ul", { class: "model-list" });
  const closed = make("ul", { class: "model-list" });
  const files = (words, accept, take) => {
    const input = make("input", {
      type: "file", class: "unseen", accept, multiple: true, tabindex: "-1", "aria-hidden": "true",
    });
    input.addEventListener("change", () => {
      take([...input.files]);
      input.value = "";
    });
    return [actionButton(words, () => input.click(), { class: "soft" }), input];
  };
  const summary = make("summary", { class: "soft" }, "Models");
  const element = make(
    "details",
    { class: "menu" },
    summary,
    make(
      "div",
      { class: "menu-body" },
      list, closed,
      make(
        "p", { class: "menu-actions" },
        ...files("Open a model", ".keras,.h5,.hdf5", (chosen) => live.addFiles(chosen)),
        ...files("Add samples", SAMPLES, (chosen) => live.addFiles(chosen)),
      ),
      make("p", { class: "quiet" }, "Or drop a model, pictures, texts (.txt), tables or " +
        "series (.csv) or arrays (.npy, .npz) anywhere on this page."),
    ),
  );
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    element.open = false;
    summary.focus();
  });
  // A press elsewhere folds every menu.
  document.addEventListener("pointerdown", (event) => {
    for (const menu of document.querySelectorAll(".menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  return {
    element,
    draw(shown) {
      const { models } = book.document;
      setText(summary, models.length === 1 ? models[0].name : `${models.length} models`);
      keepRows(list, models, () => makeModelRow(), (row, model) => {
        const [choose, close] = row.children;
        const said = model.error ?? STATES[model.state] ?? "";
        setText(choose, said ? `${model.name} — ${said}` : model.name);
        setAttribute(choose, "aria-pressed", String(model.id === shown.model));
        setAttribute(close, "aria-label", `Close ${model.name}`);
        setHidden(close, model.state === "loading");
        row.choose = () => state.set({ model: model.id });
        row.close = () => live.closeModel(model);
      });
      const gone = [...live.closed.values()];
      setHidden(closed, gone.length === 0);
      keepRows(closed, gone, makeClosedRow, (row, { id, name }) => {
        setText(row.firstElementChild, `Open ${name} again`);
        row.open = () => live.reopenModel(id);
      });
    },
  };
}

function makeClosedRow() {
  const row = make("li", {});
  row.append(actionButton("", () => row.open(), { class: "link" }));
  return row;
}

function makeModelRow() {
  const row = make("li", {});
  row.append(
    actionButton("", () => row.choose(), { class: "link" }),
    actionButton("×", () => row.close(), { class: "link" }),
  );
  return row;
}
