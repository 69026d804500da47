// What the model predicted: bars that are buttons. A bar chooses what is explained.

import { mapOfBar, targetName } from "./book.js";
import {
  actionButton, keepRows, make, setAttribute, setHidden, setProperty, setText, tight,
} from "./dom.js";

const FEW = 5;
const LEAST = 0.004; // of the width: a bar that is there can be seen

export function makeBars(context) {
  const outputs = make("div", { class: "outputs" });
  const hint = make("p", { class: "hint quiet" });
  const element = make(
    "section",
    { class: "part", "aria-labelledby": "part-prediction" },
    make("h2", { id: "part-prediction" }, "Prediction"),
    outputs,
    hint,
  );
  return {
    element,
    draw(shown) {
      const found = shown.prediction?.outputs ?? [];
      const targets = context.book.mapsOf(shown.sample, {
        model: shown.model, method: shown.method, epoch: shown.epoch, input: shown.input,
      });
      const sample = context.book.sample(shown.sample);
      keepRows(outputs, found, makeOutput, (box, output) => {
        drawOutput(context, box, { output, shown, targets, sample });
      });
      setText(hint, hintWords(context, shown, found));
      setHidden(hint, hint.textContent === "");
    },
  };
}

function hintWords({ host }, shown, found) {
  if (shown.versusMap && shown.contrast > 0) {
    return `Shown: ${shown.map.target.subject} rather than ${shown.versusMap.target.subject}.`;
  }
  if (found.length > 0) return "";
  return host.live ? "Not predicted yet." : "No class scores for this sample.";
}

function makeOutput() {
  return make(
    "div",
    { class: "output" },
    make("h3", {}),
    make("ol", { class: "bar-list" }),
    make("p", { class: "quiet more" }),
  );
}

function drawOutput(context, box, { output, shown, targets, sample }) {
  const [title, list, more] = box.children;
  setText(title, output.name);
  setHidden(title, output.name === "");
  setText(more, output.more);
  setHidden(more, output.more === "");
  // A report has maps of a few boxes only: the others are drawn on the picture.
  const bars = output.bars.filter((bar, index) => context.host.live || index < FEW ||
    mapOfBar(bar, output.name, targets) !== null);
  const largest = Math.max(...output.bars.map((bar) => Math.abs(bar.value)), 1e-12);
  keepRows(list, bars, () => makeBar(context), (row, bar, index) => {
    const map = mapOfBar(bar, output.name, targets);
    const share = bar.share ?? Math.abs(bar.value) / largest;
    drawBar(context, row, { bar, map, share, shown, sample, index, output: output.name });
  });
}

function makeBar(context) {
  const row = make("li", { class: "bar-row" });
  const choose = actionButton("", () => row.choose(), { class: "bar" });
  choose.append(
    make("span", { class: "bar-label" }),
    make("span", { class: "bar-at quiet" }),
    make("span", { class: "bar-truth" }, "truth"),
    make("span", { class: "bar-value" }),
    make(
      "span", { class: "bar-track", "aria-hidden": "true" }, make("span", { class: "bar-fill" }),
    ),
  );
  const rather = actionButton("vs", () => row.contrast(), { class: "bar-versus" });
  row.append(choose, rather);
  row.choose = () => {};
  row.contrast = () => {};
  return row;
}

function drawBar(context, row, { bar, map, share, shown, sample, index, output }) {
  const { host, state, book } = context;
  const [choose, rather] = row.children;
  const [label, at, truth, value, track] = choose.children;
  const chosen = map !== null && map === shown.map;
  const versus = map !== null && map === shown.versusMap;
  setText(label, bar.label);
  setAttribute(label, "title", bar.label);
  setText(at, bar.at ? `at ${bar.at}` : "");
  setHidden(at, !bar.at);
  setText(value, tight(bar.words));
  setHidden(truth, sample?.truth !== bar.label || Boolean(bar.at));
  setProperty(track.firstElementChild, "width", `${Math.max(LEAST, share) * 100}%`);
  setAttribute(choose, "aria-pressed", String(chosen));
  setAttribute(row, "data-first", index === 0);
  setAttribute(row, "data-versus", versus);
  setAttribute(row, "data-negative", bar.value < 0);
  const unknown = map === null && !host.live;
  setAttribute(choose, "aria-disabled", unknown ? "true" : null);
  setAttribute(choose, "title", barTitle(context, bar, map, chosen));
  row.choose = () => {
    if (chosen) state.set(shown.versus ? { versus: "" } : contrastOf(book, shown));
    else if (map !== null) state.set({ target: targetName(map.target), versus: "" });
    else if (host.live) context.live.explainBar(shown, bar, output);
    else context.say(`This report has no map for ${bar.label}.`);
  };
  const linear = book.method(shown.method)?.linear === true;
  const possible = linear && map !== null && !chosen && shown.map !== null;
  setHidden(rather, !linear);
  rather.classList.toggle("absent", !possible);
  rather.disabled = !possible;
  const words = `${shown.map?.target.subject ?? ""} rather than ${bar.label}`;
  setAttribute(rather, "aria-label", words);
  setAttribute(rather, "title", words);
  setAttribute(rather, "aria-pressed", String(versus));
  row.contrast = () =>
    state.set(versus ? { versus: "" } : { versus: map.target.key, contrast: 1 });
}

function barTitle({ host }, bar, map, chosen) {
  if (chosen) return "Shown now. Press again: rather than the next class";
  if (map !== null) return `Why ${bar.label}? ${map.target.words}`;
  return host.live ? `Ask the model why ${bar.label}` : "This report has no map for this class";
}

// A second press on the target: rather than the strongest other one.
export function contrastOf(book, shown) {
  if (book.method(shown.method)?.linear !== true || shown.map === null) return {};
  const others = book
    .mapsOf(shown.sample, {
      model: shown.model, method: shown.method, epoch: shown.epoch, input: shown.input,
    })
    .filter((map) => map !== shown.map);
  const next = others.sort((a, b) => (b.target.score ?? 0) - (a.target.score ?? 0))[0];
  return next === undefined ? {} : { versus: next.target.key, contrast: 1 };
}
