// A form out of a method's own description: one control a field, no second list of them.

import { fill, make, setHidden } from "./dom.js";

export function makeForm(context) {
  const fields = make("div", { class: "fields" });
  const run = make("button", { type: "submit", class: "soft" }, "Explain with these");
  const element = make("form", { class: "method-form" }, fields, run);
  const form = { key: "", shown: null, controls: [], name: "", layer: null };
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = Object.fromEntries(
      form.controls
        .map(({ field, read }) => [field.name, read()])
        .filter(([, value]) => value !== undefined),
    );
    const fields = form.layer ? { ...values, layer: form.layer } : values;
    context.live.explain(form.shown, { name: form.name, fields });
  });
  return {
    element,
    draw(shown, description, method) {
      form.shown = shown;
      const key = JSON.stringify([method.id, description.name]);
      if (key === form.key) return;
      form.key = key;
      form.name = description.name;
      // The layer has a list of its own, above.
      form.layer = method.settings?.layer ?? null;
      form.controls = description.fields
        .filter((field) => field.name !== "layer")
        .map((field) => controlOf(field, method.settings?.[field.name] ?? field.default));
      fill(fields, ...form.controls.map(({ element: control }) => control));
      setHidden(run, form.controls.length === 0);
    },
  };
}

function controlOf(field, value) {
  const id = `field-${field.name}`;
  const input = inputOf(field, value, id);
  const element = make(
    "div",
    { class: "row", title: field.words },
    make("label", { for: id }, field.name.replaceAll("_", " ")),
    input,
    input.listing ?? null,
  );
  return { field, element, read: () => readInput(field, input) };
}

const choiceWords = (choice) => (choice === null ? "default" : String(choice));

function inputOf(field, value, id) {
  const kinds = field.kinds.join();
  if (kinds === "boolean") return checkbox(value, id);
  const open = field.optional ? [null] : [];
  if (kinds === "choice") return picklist([...open, ...field.choices], value, id);
  const numeric = kinds === "integer" || kinds === "number";
  const input = make("input", {
    id, type: numeric ? "number" : "text", step: kinds === "number" ? "any" : null,
    value: Array.isArray(value) ? value.join(", ") : (value ?? ""),
    placeholder: choiceWords(field.default ?? null), maxlength: numeric ? null : 200,
  });
  if (field.choices.length > 0) {
    input.setAttribute("list", `${id}-list`);
    input.listing = make("datalist", { id: `${id}-list` }, ...field.choices.map((choice) =>
      make("option", { value: choice })));
  }
  return input;
}

function checkbox(value, id) {
  const box = make("input", { type: "checkbox", id });
  box.checked = value === true;
  return box;
}

function picklist(options, value, id) {
  const all = options.includes(value) ? options : [value, ...options];
  const select = make(
    "select", { id },
    ...all.map((choice) => make("option", { value: JSON.stringify(choice) }, choiceWords(choice))),
  );
  select.value = JSON.stringify(value);
  return select;
}

// undefined: leave the field at its default.
function readInput(field, input) {
  if (input.tagName === "SELECT") return JSON.parse(input.value) ?? undefined;
  if (input.type === "checkbox") return input.checked;
  const text = input.value.trim();
  return text === "" ? undefined : valueOf(text, field);
}

// The value that a text stands for, by the kinds that the field takes; the studio checks it.
export function valueOf(text, { kinds, choices }) {
  if (choices.includes(text)) return text;
  if (kinds.includes("list") && (text.includes(",") || !kinds.includes("number"))) {
    return text.split(",").map((part) => plainValue(part.trim()));
  }
  if (kinds.includes("integer") || kinds.includes("number")) return plainValue(text);
  if (kinds.includes("boolean") && ["true", "false"].includes(text)) return text === "true";
  return text;
}

const plainValue = (text) => (Number.isFinite(Number(text)) && text !== "" ? Number(text) : text);
