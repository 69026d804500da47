// The data set, below: explanations as points, clusters, what was found, slices to take along.

import {
  actionButton, fill, keepRows, make, safeName, saveFile, setAttribute, setHidden, setText,
} from "./dom.js";
import { makeScatter } from "./scatter.js";

const TABS = [
  ["points", "Map of explanations"], ["clusters", "Clusters"], ["findings", "Findings"],
  ["slices", "Slices"],
];

export function makeDrawer(context) {
  const { state, book } = context;
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
  const element = make(
    "section",
    { class: "drawer", "aria-label": "Data set", hidden: true },
    make(
      "header", {},
      make("div", { class: "tabs", role: "tablist", "aria-label": "Data set" }, ...tabs), close,
    ),
    ...TABS.map(([key]) => bodies[key].element),
  );
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    shut();
  });
  const offered = () =>
    TABS.map(([key]) => key).filter((key) => (book.document.dataset?.[key] ?? []).length > 0);
  return {
    element,
    toggle: () => state.set({ drawer: state.get().drawer ? "" : (offered()[0] ?? "") }),
    draw(shown) {
      const known = offered();
      const chosen = known.includes(shown.drawer) ? shown.drawer : known[0];
      const open = shown.drawer !== "" && known.length > 0;
      setHidden(element, !open);
      if (!open) return;
      TABS.forEach(([key], index) => {
        setHidden(tabs[index], !known.includes(key));
        setAttribute(tabs[index], "aria-selected", String(key === chosen));
        setHidden(bodies[key].element, key !== chosen);
      });
      bodies[chosen].draw(shown);
    },
  };
}

function makeGroups(context, key) {
  const list = make("ul", { class: "groups" });
  return {
    element: list,
    draw(shown) {
      const groups = context.book.document.dataset?.[key] ?? [];
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
  const [title, words, thumbs, actions] = row.children;
  const [open, save] = actions.children;
  const count = group.samples?.length ?? 0;
  setText(title, group.title ?? group.words ?? "");
  const counted = count === 1 ? "1 sample" : `${count.toLocaleString("en")} samples`;
  setText(words, group.title && group.words ? `${group.words} (${counted})` : counted);
  const known = (group.samples ?? []).map((id) => book.sample(id)).filter(Boolean);
  keepRows(thumbs, known.slice(0, MOST_THUMBS), makeGroupThumb, (button, sample) => {
    const [image] = button.children;
    const blob = sample.thumb ?? sample.inputs[0]?.picture;
    const address = (blob && book.blob(blob)) ?? context.host.thumb(sample.id);
    if (address && image.src !== address) image.src = address;
    setAttribute(button, "aria-label", `Show ${sample.name}`);
    setAttribute(button, "aria-pressed", String(sample.id === shown.sample));
    button.choose = () => state.set({ sample: sample.id });
  });
  setHidden(open, !group.page || document.getElementById(group.page) === null);
  setHidden(save, count === 0);
  row.open = () => state.set({ page: group.page });
  row.save = () => saveFile(`${safeName(title.textContent)}.csv`, csvOf(book, group), "text/csv");
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

export function csvOf(book, group) {
  const model = book.document.models[0]?.id ?? "";
  const rows = (group.samples ?? []).map((item) => {
    const sample = typeof item === "string" ? book.sample(item) : item;
    const prediction = typeof item === "string" ? book.prediction(item, model) : item;
    return [sample?.name ?? item, sample?.truth, prediction?.top, prediction?.share];
  });
  return [["name", "truth", "predicted", "share"], ...rows]
    .map((row) => row.map(csvCell).join(","))
    .join("\r\n");
}
