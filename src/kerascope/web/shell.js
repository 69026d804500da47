// The frame of the page: makes the parts, gives them what they share, draws them once a frame.

import { emptyDocument, makeBook } from "./book.js";
import { makeControls } from "./controls.js";
import { fill, make, setHidden } from "./dom.js";
import { makeDrawer } from "./drawer.js";
import { takeDrops } from "./drop.js";
import { makeFilm, stepEpoch } from "./film.js";
import { makeFilmstrip } from "./filmstrip.js";
import { makeHelp } from "./help.js";
import { makeInspector } from "./inspector.js";
import { makeJobs } from "./jobs.js";
import { listenToKeys } from "./keys.js";
import { Live } from "./live.js";
import { makeMessages } from "./messages.js";
import { makePaper } from "./paper.js";
import { makeCaption } from "./caption.js";
import { shareFile } from "./share.js";
import { makeStage } from "./stage.js";
import { makeTopBar } from "./topbar.js";
import { makeVerdict } from "./verdict.js";
import { makeWords } from "./words.js";

export function makeShell({ app, host, state, document: given }) {
  const messages = makeMessages();
  const context = {
    host, state,
    book: makeBook(given ?? emptyDocument()),
    say: messages.say,
    fail: messages.fail,
    shown: () => !app.hidden,
    share: () => shareFile(context),
    jobs: null,
    live: null,
  };
  context.redraw = once(() => drawAll(context, parts));
  context.words = makeWords(context);
  if (host.live) {
    context.jobs = makeJobs(context);
    context.live = new Live(context);
  }
  const parts = makeParts(context);
  layOut(app, context, parts, messages);
  state.subscribe(context.redraw);
  listenToKeys(context);
  if (host.live) takeDrops(context);
  drawAll(context, parts);
  return { context, load: () => context.live.load() };
}

function makeParts(context) {
  const parts = {
    top: makeTopBar(context),
    verdict: makeVerdict(context),
    strip: makeFilmstrip(context),
    stage: makeStage(context),
    controls: makeControls(context),
    film: makeFilmPart(context),
    caption: makeCaption(context),
    inspector: makeInspector(context),
    drawer: makeDrawer(context),
    help: makeHelp(context),
    paper: makePaper(context),
  };
  context.strip = parts.strip;
  context.stage = parts.stage;
  context.help = () => parts.help.show();
  context.print = (options) => parts.paper.print(options);
  context.stepEpoch = (by) => stepEpoch(context, by);
  context.toggleDrawer = () => parts.drawer.toggle();
  context.hasDrawer = (shown) => parts.drawer.has(shown);
  return parts;
}

// The film's panel is made when there is a film, not before.
function makeFilmPart(context) {
  const element = make("div", { class: "film-place", hidden: true });
  let film = null;
  return {
    element,
    draw(shown) {
      setHidden(element, context.book.document.film === null);
      if (element.hidden) return;
      if (film === null) {
        film = makeFilm(context);
        element.append(film.element);
      }
      film.draw(shown);
    },
  };
}

function layOut(app, context, parts, messages) {
  const notes = make("ul", { class: "document-notes quiet" });
  parts.notes = notes;
  const brand = context.host.live ? make("span", { class: "brand" }, "Kerascope") : null;
  const skip = make("a", { class: "skip", href: "#stage" }, "Skip to the explanation");
  const middle = make(
    "section",
    { class: "middle", id: "stage", tabindex: "-1", "aria-label": "Explanation" },
    parts.controls.element, parts.stage.element, parts.caption.element,
  );
  fill(
    app,
    skip,
    make("header", { class: "bar-top" }, brand, parts.verdict.element, parts.top.element),
    notes,
    make("div", { class: "columns" }, parts.strip.element, middle, parts.inspector.element),
    parts.film.element,
    parts.drawer.element,
    parts.help.element,
    messages.element,
    parts.paper.element,
    app.querySelector("noscript"),
  );
  app.classList.add("app");
}

function once(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

const DRAWN = [
  "top", "verdict", "strip", "stage", "film", "controls", "caption", "inspector", "drawer",
  "paper",
];

function drawAll(context, parts) {
  const { book, state, live } = context;
  const wanted = book.resolve(state.get());
  const shown = live === null ? { ...wanted, wanted: wanted.method } : live.shown(wanted);
  for (const name of DRAWN) parts[name].draw(shown);
  context.jobs?.draw();
  drawNotes(parts.notes, book.document.notes ?? []);
  context.words.announce(shown);
  live?.follow(wanted);
}

function drawNotes(list, notes) {
  setHidden(list, notes.length === 0);
  if (list.children.length === notes.length) return;
  fill(list, ...notes.map((words) => make("li", {}, words)));
}
