// The Python that makes the map on the stage.

import { isPicture } from "./book.js";
import { likeOf, regionOf } from "./aims.js";

export function pythonOf(book, shown) {
  const method = book.method(shown.method);
  const model = book.model(shown.model);
  const sample = book.sample(shown.sample);
  if (method === null) return "";
  return [
    ...(maskLines(shown).length > 0 ? ["import numpy as np"] : []),
    "import kerascope as ks",
    "",
    `model = ks.load_model(${quoted(model?.name ?? "model.keras")})`,
    ...inputLines(sample, shown.input, /^ks\.explain\(model, (\w+)/.exec(method.python)?.[1]),
    ...maskLines(shown),
    `result = ${targeted(book, method.python, shown)}`,
    ...sliderWords(shown),
    "result.plot()",
    "",
  ].join("\n");
}

const LOADERS = {
  texts: 'ks.load_texts("texts.txt", model)', series: 'ks.load_series("series.csv", model)',
  volumes: 'ks.load_volumes("volumes.npy", model)',
  inputs: "ks.load_several({…}, model)  # by input: files, as on the command line",
};

const maskLines = ({ map }) => (regionOf(map?.target.ask) === null ? [] : [
  `mask = np.load("mask.npy")  # ${map.size.join(" × ")} (height × width), 1 where it was painted`,
]);

// How the sample is given to a model. held: what `python` of the document names.
function inputLines(sample, name, held) {
  const given = sample?.inputs.find((one) => one.name === name);
  if (given?.text) {
    return [`texts = ks.load_texts([${quoted(given.text.text)}], model)  # vocabulary=…: of ids`];
  }
  if (given?.table) {
    const row = Number(/^row (\d+)$/.exec(sample.name)?.[1]);
    const rows = Number.isInteger(row) ? `[${row}:${row + 1}]` : "";
    return [`table = ks.load_table("rows.csv", model)${rows}`];
  }
  if (LOADERS[held]) return [`${held} = ${LOADERS[held]}`];
  return [`images = ks.load_images([${quoted(sample?.name ?? "picture.png")}], model)`];
}

function sliderWords({ versusMap, contrast }) {
  if (versusMap === null || contrast === 0 || contrast === 1) return [];
  return [`# on the page, ${Math.round(contrast * 100)} % of the second score is taken off`];
}

// A text as Python writes it: JSON's escapes are Python's.
const quoted = (text) =>
  JSON.stringify(String(text)).replaceAll("\u007f", "\\u007f");

// The call as it was made explains several targets; this one explains what is shown.
function targeted(book, call, shown) {
  const target = shown.map?.target;
  if (target === undefined) return call;
  const words = pythonTarget(book, shown);
  if (words === "") return call;
  const given = /target=(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,()]+)/;
  if (given.test(call)) return call.replace(given, () => `target=${words}`);
  return call.replace(/\)$/, () => `, target=${words})`);
}

function pythonTarget(book, { map, versusMap, contrast }) {
  const one = indexOf(map, book);
  const other = versusMap === null ? null : indexOf(versusMap, book);
  if (one === "") return "";
  if (other === null || other === "" || contrast === 0) return one;
  return `ks.Contrast(${one}, ${other})`;
}

function indexOf({ target }, book) {
  const like = likeOf(target.ask);
  if (like !== null) return likePython(book.sample(like.sample), like.measure);
  const region = regionOf(target.ask);
  if (region !== null) return `ks.Mask(mask${region.kind === "" ? "" : `, ${region.kind}`})`;
  if (target.ask) return quoted(target.ask);
  if (Number.isInteger(target.index)) return String(target.index);
  const named = /^'(.*)'$/.exec(target.key);
  if (named !== null) return quoted(named[1]);
  return /^class (\d+)$/.exec(target.key)?.[1] ?? "";
}

function likePython(sample, measure) {
  const loaded = isPicture(sample)
    ? `ks.load_images(${quoted(sample?.name ?? "other.png")}, model)` : "other";
  return `ks.Similarity(${loaded}${measure === "cosine" ? "" : `, ${quoted(measure)}`})`;
}

export async function copyPython({ book, state, say }) {
  const text = pythonOf(book, book.resolve(state.get()));
  const copied = await copyText(text);
  say(copied ? "Python copied." : "The browser does not let a page copy; take it from the box.");
  return copied;
}

// A page from disk may have no clipboard of its own: then the old way.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = document.createElement("textarea");
    box.value = text;
    box.setAttribute("readonly", "");
    box.className = "unseen";
    const place = document.querySelector("dialog[open]") ?? document.body;
    place.append(box);
    const before = document.activeElement;
    box.select();
    const copied = document.execCommand("copy");
    box.remove();
    before?.focus();
    return copied;
  }
}
