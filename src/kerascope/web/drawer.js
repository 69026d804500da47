// The data set, below: explanations as points, clusters, what was found, slices to take along.

import { isPicture } from "./book.js";
import {
  actionButton, fill, keepRows, make, safeName, saveFile, setAttribute, setHidden, setText,
} from "./dom.js";
import { thumbOf } from "./filmstrip.js";
import { makeScatter } from "./scatter.js";
import { makeWholeLook } from "./wholelook.js";

const TABS = [
  ["points", "Map of explanations"], ["clusters", "Clusters"], ["findings", "Findings"],
  ["slices", "Slices"],
];

export function makeDrawer(context) {
  const { state, book, live } = context;
  const look = live === null ? null : makeWholeLook(context);
  const bodies = {
    points: makeScatter(context),
    clusters: makeGroups(context, "clusters"),
    findings: makeGroups(context, "findings"),
    slices: makeGroups(context, "slices"),
  };
  const tabs = TABS.map(([key, words]) =>
    actionButton(words, () => state.set({ drawer: key }), { role: "tab", id: `drawer-${key}` }),
  );
  const shut = () => {
    state.set({ drawer: "" });
    document.getElementById("dataset")?.focus();
  };
  const close = actionButton("Close", shut, { class: "link" });
  const again = actionButton("Look again", () => live.lookAtAll(model), {
    class: "link", hidden: true,
    title: "Explains all pictures again, where some were added or have changed",
  });
  const said = make("p", { class: "drawer-said quiet" });
  const list = make(
    "div", { class: "tabs", role: "tablist", "aria-label": "Data set" }, ...tabs,
  );
  let model = "";
  const element = make(
    "section",
    { class: "drawer", "aria-label": "Data set", hidden: true },
    make("header", {}, list, make("div", { class: "drawer-actions" }, again, close)),
    said, look?.element, ...TABS.map(([key]) => bodies[key].element),
  );
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    shut();
  });
  const offered = (shown) => {
    const known = book.dataset(shown.model);
    return TABS.map(([key]) => key).filter((key) => (known?.[key] ?? []).length > 0);
  };
  const canLook = (shown) => look !== null && shown.sample !== "" && shown.model !== "" &&
    isPicture(book.sample(shown.sample));
  const has = (shown) => offered(shown).length > 0 || canLook(shown);
  return {
    element, has,
    toggle() {
      const shown = book.resolve(state.get());
      const first = offered(shown)[0] ?? (canLook(shown) ? TABS[0][0] : "");
      state.set({ drawer: shown.drawer ? "" : first });
    },
    draw(shown) {
      const open = shown.drawer !== "" && has(shown);
      setHidden(element, !open);
      if (!open) return;
      model = shown.model;
      live?.findDataset(model);
      const known = offered(shown);
      const chosen = known.includes(shown.drawer) ? shown.drawer : known[0];
      const busy = look !== null && live.looking(model) !== null;
      const starts = canLook(shown) && (known.length === 0 || busy);
      setHidden(list, starts);
      setHidden(again, look === null || starts);
      if (look !== null) setHidden(look.element, !starts);
      drawSaid(said, starts ? null : book.dataset(model));
      if (starts) {
        look.draw(shown);
        for (const [key] of TABS) setHidden(bodies[key].element, true);
        return;
      }
      TABS.forEach(([key], index) => {
        setHidden(tabs[index], !known.includes(key));
        setAttribute(tabs[index], "aria-selected", String(key === chosen));
        setHidden(bodies[key].element, key !== chosen);
      });
      bodies[chosen].draw(shown);
    },
  };
}

// What came out, and what could not be done, in one line.
function drawSaid(element, dataset) {
  const words = [dataset?.summary, ...(dataset?.notes ?? [])].filter(Boolean).join(" · ");
  setHidden(element, words === "");
  setText(element, words);
}

function makeGroups(context, key) {
  const list = make("ul", { class: "groups" });
  return {
    element: list,
    draw(shown) {
      const groups = context.book.dataset(shown.model)?.[key] ?? [];
      keepRows(list, groups, () => makeGroup(key), (row, group) =>
        drawGroup(context, row, group, shown));
    },
  };
}

function makeGroup(key) {
  const row = make("li", {});
  row.append(
    make("h3", {}),
    make("p", { class: "quiet" }),
    make("div", { class: "group-beside" }),
    make("div", { class: "group-thumbs" }),
    make(
      "p", { class: "group-actions" },
      actionButton("Read more", () => row.open(), { class: "link" }),
      actionButton("Save as CSV", () => row.save(), { class: "link" }),
    ),
  );
  row.dataset.kind = key;
  return row;
}

const MOST_THUMBS = 8;

function drawGroup(context, row, group, shown) {
  const { book, state } = context;
  const [title, words, beside, thumbs, actions] = row.children;
  const [open, save] = actions.children;
  const count = group.samples?.length ?? 0;
  setText(title, group.title ?? group.words ?? "");
  const counted = count === 1 ? "1 sample" : `${count.toLocaleString("en")} samples`;
  setText(words, group.title && group.words ? `${group.words} (${counted})` : counted);
  keepRows(beside, group.beside ?? [], makeBeside, (figure, item) =>
    drawBeside(book, figure, item));
  const known = (group.samples ?? []).map((id) => book.sample(id)).filter(Boolean);
  keepRows(thumbs, known.slice(0, MOST_THUMBS), makeGroupThumb, (button, sample) => {
    const [image] = button.children;
    const address = thumbOf(context, sample);
    if (address && image.src !== address) image.src = address;
    setAttribute(button, "aria-label", `Show ${sample.name}`);
    setAttribute(button, "aria-pressed", String(sample.id === shown.sample));
    button.choose = () => state.set({ sample: sample.id });
  });
  setHidden(open, !group.page || document.getElementById(group.page) === null);
  setHidden(save, count === 0);
  row.open = () => state.set({ page: group.page });
  row.save = () => saveFile(`${safeName(title.textContent)}.csv`, csvOf(book, group, shown.model), "text/csv");
}

// A picture before and after the edit that turned it.
function makeBeside() {
  return make("figure", {}, make("img", {}), make("figcaption", { class: "quiet" }));
}

function drawBeside(book, figure, item) {
  const [image, words] = figure.children;
  const address = book.blob(item.figure);
  if (address && image.src !== address) image.src = address;
  setAttribute(image, "alt", item.words);
  setText(words, item.words);
}

function makeGroupThumb() {
  const button = actionButton("", () => button.choose(), {});
  fill(button, make("img", { alt: "" }));
  return button;
}

// A cell that a spreadsheet takes as text: quotes doubled, formulas not run.
export function csvCell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvOf(book, group, model = book.document.models[0]?.id ?? "") {
  const files = book.dataset(model)?.files ?? {};
  const rows = (group.samples ?? []).map((item) => {
    const named = typeof item === "string";
    const sample = named ? (files[item] ?? book.sample(item)) : item;
    const prediction = named ? (files[item] ?? book.prediction(item, model)) : item;
    return [sample?.name ?? item, sample?.truth, prediction?.top, prediction?.share];
  });
  return [["name", "truth", "predicted", "share"], ...rows]
    .map((row) => row.map(csvCell).join(","))
    .join("\r\n");
}
