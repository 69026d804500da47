// The sections of a report as tabs; the explanations are one of them.

import { make, setAttribute, setHidden } from "./dom.js";

export function makePages({ state, app, words }) {
  const pages = [...document.querySelectorAll("main > .page, #app")];
  if (pages.length < 2) return { draw: () => true, element: null };
  const names = pages.map((page) => (page === app ? "explanations" : page.id));
  const tabs = pages.map((page, index) =>
    make(
      "button",
      {
        type: "button", role: "tab", id: `tab-${names[index]}`, "aria-controls": page.id,
        on: { click: () => state.set({ page: index === 0 ? "" : names[index] }) },
      },
      page.dataset.title ?? words,
    ),
  );
  const list = make(
    "div", { class: "tabs", role: "tablist", "data-made": true, "aria-label": "Pages" }, ...tabs,
  );
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const tab = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    tab.focus();
    tab.click();
  });
  const head = document.querySelector(".masthead");
  if (head) head.append(list);
  else document.querySelector("main").before(list);
  return {
    element: list,
    // Returns whether the explanations are the page in sight.
    draw(page) {
      const chosen = Math.max(0, names.indexOf(page));
      pages.forEach((section, index) => {
        setHidden(section, index !== chosen);
        setAttribute(tabs[index], "aria-selected", String(index === chosen));
        setAttribute(tabs[index], "tabindex", index === chosen ? "0" : "-1");
      });
      return pages[chosen] === app;
    },
  };
}
