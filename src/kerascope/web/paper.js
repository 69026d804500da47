// What is printed: every method of the sample, or of all samples, laid out without controls.

import { fill, make } from "./dom.js";
import { isNamed } from "./named.js";
import { paintedMap } from "./stage.js";
import { panelFor } from "./panels/index.js";
import { panesOf } from "./compare.js";

const MOST_SAMPLES = 50;
const MOST_MAPS = 400;
const RESTS = 1500; // milliseconds without a change

export function makePaper(context) {
  const { book, state, host, say } = context;
  const element = make("div", { class: "paper", "aria-hidden": "true" });
  let ready = false;
  const spare = { key: "", timer: 0, sheet: null };

  // Canvases are drawn before the printer is asked: nothing can be waited for once it prints.
  const lay = async (samples) => {
    const shown = book.resolve(state.get());
    const sheets = [];
    let room = MOST_MAPS;
    for (const sample of samples) {
      const maps = mapsOnPaper(book, shown, sample).slice(0, room);
      room -= maps.length;
      sheets.push(await sheetOf(context, shown, sample, maps));
      if (room <= 0) break;
    }
    fill(element, make("h1", {}, book.document.title || "Kerascope"), ...sheets);
  };
  addEventListener("afterprint", () => {
    ready = false;
    fill(element);
  });
  // The browser's own command cannot be made to wait: the sample in sight, as it was drawn when the
  // hand rested; what is on the stage, where there was no time for that.
  addEventListener("beforeprint", () => {
    if (ready) return;
    const shown = book.resolve(state.get());
    const sample = book.sample(shown.sample);
    const drawn = spare.key === keyOf(book, shown) ? spare.sheet : null;
    if (sample) fill(element, drawn ?? plainSheet(context, shown, sample));
  });
  const prepare = async (shown, key) => {
    const sample = book.sample(shown.sample);
    if (sample === null) return;
    const sheet = await sheetOf(context, shown, sample, mapsOnPaper(book, shown, sample));
    if (key === spare.key) spare.sheet = sheet;
  };
  return {
    element,
    draw(shown) {
      const key = keyOf(book, shown);
      if (key === spare.key) return;
      clearTimeout(spare.timer);
      const timer = setTimeout(() => prepare(shown, key), RESTS);
      Object.assign(spare, { key, timer, sheet: null });
    },
    async print({ all = !host.live } = {}) {
      const shown = book.resolve(state.get());
      const samples = all
        ? book.document.samples.slice(0, MOST_SAMPLES)
        : [book.sample(shown.sample)].filter(Boolean);
      say("Laying out the pages …");
      await lay(samples);
      ready = true;
      print();
    },
  };
}

// What a sheet of the sample in sight hangs on.
function keyOf({ version }, { sample, model, epoch, target, ...shown }) {
  const { colours, sign, blend, opacity, threshold, contours, columns } = shown;
  const look = [colours, sign, blend, opacity, threshold, contours, columns];
  return [version, sample, model, epoch, target, ...look].join();
}

// One map for each method and input: that of the target shown, else of the first.
function mapsOnPaper(book, shown, sample) {
  const found = new Map();
  for (const map of book.mapsOf(sample.id, { model: shown.model, epoch: shown.epoch })) {
    const key = `${map.method} ${map.input}`;
    const better = map.target.key === shown.target && sample.id === shown.sample;
    if (!found.has(key) || better) found.set(key, map);
  }
  return [...found.values()];
}

function headOf({ book }, shown, sample) {
  const prediction = book.prediction(sample.id, shown.model, shown.epoch);
  const truth = sample.truth ? ` (right: ${sample.truth})` : "";
  return make("h2", {}, `${sample.name}: ${prediction?.verdict ?? "not predicted"}${truth}`);
}

async function sheetOf(context, shown, sample, maps) {
  const figures = pictureFigures(context, sample);
  for (const map of maps) {
    const canvas = await drawingOf(context, shown, map);
    const title = context.book.method(map.method)?.title ?? "";
    figures.push(
      make("figure", {}, canvas, make("figcaption", {}, make("b", {}, title), ` ${map.caption}`)),
    );
  }
  return make(
    "section", { class: "paper-sample" },
    headOf(context, shown, sample), make("div", { class: "paper-maps" }, ...figures),
  );
}

async function drawingOf(context, shown, map) {
  const broken = (problem) => make("p", {}, `This map cannot be shown: ${problem.message}.`);
  if (isNamed(map)) return panelOf(context, shown, map).catch(broken);
  if (map.figure) return make("img", { src: context.book.blob(map.figure), alt: map.alt });
  return paintedMap(context, shown, map).catch(broken);
}

// Words and bars are elements: a panel of their own is laid out on the paper.
async function panelOf(context, shown, map) {
  const panel = panelFor(map).make(context);
  const state = { ...shown, columns: shown.columns === "bars" ? "bars" : "waterfall" };
  const [pane] = panesOf(context.book, { ...state, map, versusMap: null, view: "stage" });
  await panel.draw({ ...state, contrast: 0, map, pane });
  panel.view.removeAttribute("tabindex");
  return panel.element;
}

function pictureFigures({ book }, sample) {
  return sample.inputs
    .filter((input) => input.picture)
    .map((input) =>
      make("figure", {},
        make("img", { src: book.blob(input.picture), alt: "" }),
        make("figcaption", {}, input.name)));
}

// Copies what is on the stage: canvases cannot be drawn while the browser waits to print.
function plainSheet(context, shown, sample) {
  const canvases = [...context.stage.element.querySelectorAll("canvas")].filter(
    (canvas) => canvas.width > 0 && canvas.checkVisibility?.() !== false,
  );
  const figures = canvases.map((canvas) => {
    const copy = make("canvas", { width: canvas.width, height: canvas.height });
    copy.getContext("2d").drawImage(canvas, 0, 0);
    return make("figure", {}, copy);
  });
  figures.push(...[...context.stage.element.querySelectorAll(".named-view")].map((view) =>
    make("figure", {}, view.cloneNode(true))));
  const caption = make("p", {}, shown.map?.caption ?? "");
  return make(
    "section", { class: "paper-sample" },
    headOf(context, shown, sample), make("div", { class: "paper-maps" }, ...figures), caption,
  );
}
