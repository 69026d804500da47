// Start: a report has its document inside the page, a studio is asked for it.

import { make } from "./dom.js";
import { inlinedHost, liveHost } from "./host.js";
import { makePages } from "./pages.js";
import { sharedState } from "./share.js";
import { makeShell } from "./shell.js";
import { makeState } from "./state.js";
import { enlargePictures, unfoldOnPaper } from "./viewer.js";

const API = "/api/";

function inlinedDocument() {
  const script = document.getElementById("document");
  return script === null ? null : JSON.parse(script.textContent);
}

function startPage() {
  const app = document.getElementById("app");
  const inlined = inlinedDocument();
  const state = makeState(sharedState());
  document.body.dataset.start = document.body.className;
  const pages = makePages({ state, app, words: "Explanations" });
  const drawPages = () => {
    const shown = pages.draw(state.get().page);
    document.body.classList.toggle("app-shown", shown && app !== null);
  };
  state.subscribe(drawPages);
  drawPages();
  enlargePictures();
  unfoldOnPaper();
  followLinks(state);
  if (app === null) return;
  const host = inlined === null ? liveHost(API) : inlinedHost(inlined);
  try {
    const shell = makeShell({ app, host, state, document: inlined });
    if (host.live) shell.load();
  } catch (problem) {
    app.replaceChildren(make("p", { class: "broken", role: "alert" }, brokenWords(problem)));
    throw problem;
  }
}

// The address holds the state: a link within the page goes to its place without writing there.
function followLinks(state) {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
    const place = link === null ? null : document.getElementById(link.hash.slice(1));
    if (place === null) return;
    event.preventDefault();
    const page = place.closest("main > .page");
    if (page !== null) state.set({ page: page.id });
    if (!place.matches("a, button, input, select, [tabindex]")) place.tabIndex = -1;
    place.focus();
    place.scrollIntoView();
  });
}

const brokenWords = (problem) => `The explanations cannot be shown: ${problem.message}`;

startPage();
