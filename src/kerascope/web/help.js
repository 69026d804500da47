// The list of shortcuts under "?", with two words on reading a map.

import { actionButton, fill, make } from "./dom.js";
import { PICTURE_KEYS, SHORTCUTS, shortcutsOf } from "./keys.js";

const READING = [
  ["Warm", "speaks for the target; the stronger, the more."],
  ["Cold", "speaks against it, where a method knows signs."],
  ["Dots", "what a method costs: each one about five times the one before."],
  ["Grade", "A: trust the map. D: do not. The reasons stand in the inspector."],
];

export function makeHelp(context) {
  const body = make("div", { class: "help-body" });
  const close = actionButton("Close", () => element.close(), { class: "soft" });
  const element = make(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    make("header", {}, make("h2", { id: "help-title" }, "Keys and reading"), close),
    body,
  );
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  return {
    element,
    show() {
      if (element.open) return;
      fill(body, ...groupsOf(context), readingList());
      element.showModal();
    },
  };
}

function groupsOf(context) {
  const groups = new Map();
  for (const shortcut of shortcutsOf(context, [...SHORTCUTS, ...PICTURE_KEYS])) {
    groups.set(shortcut.group, [...(groups.get(shortcut.group) ?? []), shortcut]);
  }
  return [...groups].map(([title, shortcuts]) =>
    make(
      "section", {},
      make("h3", {}, title),
      make("dl", { class: "key-list" }, ...shortcuts.map(({ show, words }) =>
        make("div", {}, make("dt", {}, ...keyCaps(show)), make("dd", {}, words)))),
    ),
  );
}

const keyCaps = (show) =>
  show.split(" ").map((part) => (part === "or" ? make("span", {}, "or") : make("kbd", {}, part)));

const readingList = () =>
  make(
    "section", {},
    make("h3", {}, "Reading a map"),
    make("dl", { class: "reading-list" }, ...READING.map(([term, words]) =>
      make("div", {}, make("dt", {}, term), make("dd", {}, words)))),
  );
