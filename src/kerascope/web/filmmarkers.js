// What happened in a training film, in words: dots above its time axis and a list to jump by.

import { fill, keepRows, make, setAttribute, setProperty, setText } from "./dom.js";

// The markers that concern a picture and a method, and those that concern all.
export function markersFor(film, { sample, method }) {
  return film.markers.filter(
    (marker) =>
      (marker.sample === null || marker.sample === sample) &&
      (marker.method === null || marker.method === method),
  );
}

export function epochWords(film, epoch) {
  const index = film.epochs.indexOf(epoch);
  return capital(index < 0 ? `epoch ${epoch}` : film.labels[index]);
}

const capital = (words) => words.slice(0, 1).toUpperCase() + words.slice(1);

// What happened at one epoch, in a line.
export function toldAt(markers, epoch) {
  const words = markers.filter((marker) => marker.epoch === epoch).map((marker) => marker.words);
  return capital(words.join("; "));
}

// go(epoch) is called by a click.
export function makeMarkers(go) {
  const dots = make("div", { class: "film-dots" });
  const list = make("ol", { class: "film-list" });
  const none = make("p", { class: "film-none" }, "Nothing moved far enough to be marked.");
  let drawn = null;
  let told = null;
  const makeDot = () =>
    make("button", { type: "button", on: { click: (event) => jump(event) } }, make("i"));
  const makeItem = () => make(
    "li", {},
    make(
      "button", { type: "button", on: { click: (event) => jump(event) } },
      make("b"), make("span"), make("em"),
    ),
  );
  const jump = (event) => go(Number(event.currentTarget.dataset.epoch));

  const drawAnew = (film, markers, axis, several) => {
    const epochs = [...new Set(markers.map((marker) => marker.epoch))];
    keepRows(dots, epochs, makeDot, (dot, epoch) => {
      const words = `${epochWords(film, epoch)}. ${toldAt(markers, epoch)}`;
      setAttribute(dot, "data-epoch", epoch);
      setAttribute(dot, "title", words);
      setAttribute(dot, "aria-label", words);
      setProperty(dot, "--at", String(axis.place(epoch)));
    });
    keepRows(list, markers, makeItem, (item, marker) => {
      const [label, words, whose] = item.firstElementChild.children;
      setAttribute(item.firstElementChild, "data-epoch", marker.epoch);
      setText(label, epochWords(film, marker.epoch));
      setText(words, capital(marker.words));
      const all = marker.sample === null ? "all pictures" : "this picture";
      setText(whose, several ? all : "");
    });
    none.hidden = markers.length > 0;
  };

  return {
    dots,
    list: fill(make("div", { class: "film-events" }), make("h3", {}, "What moved"), list, none),
    draw({ film, markers, axis, epoch, several }) {
      if (drawn !== markers) {
        drawn = markers;
        drawAnew(film, markers, axis, several);
      }
      for (const button of [...dots.children, ...list.querySelectorAll("button")]) {
        const now = Number(button.dataset.epoch) === epoch;
        setAttribute(button, "aria-current", now ? "step" : null);
      }
      if (told !== epoch) follow(list);
      told = epoch;
    },
  };
}

// Brings what is told of the present epoch into the list's view; the page stays where it is.
function follow(list) {
  const item = list.querySelector("[aria-current]")?.parentElement;
  if (!item) return;
  const below = item.offsetTop + item.offsetHeight - list.clientHeight;
  list.scrollTop = Math.min(item.offsetTop, Math.max(list.scrollTop, below));
}
