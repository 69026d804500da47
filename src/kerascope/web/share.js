// One HTML file that shows what is shown now, also from disk without a network.

import { safeName, saveFile } from "./dom.js";

const STATE = "kerascope-state";
const MADE = `[data-made], dialog.viewer, meta[name="${STATE}"]`; // what scripts add to the page

// The state that a shared page starts in; "" elsewhere.
export function sharedState() {
  return document.querySelector(`meta[name="${STATE}"]`)?.getAttribute("content") ?? "";
}

// A report is its own copy: policy, style, script and data are in the page. What the script has
// added to it since is left out; the state goes along.
function reportCopy(text) {
  const page = document.documentElement.cloneNode(false);
  for (const part of document.documentElement.childNodes) page.append(copyOf(part));
  const meta = document.createElement("meta");
  meta.setAttribute("name", STATE);
  meta.setAttribute("content", text);
  page.querySelector("head").append(meta);
  return `<!doctype html>\n${page.outerHTML}`;
}

// Of #app goes along what is shown without a script: the rest is made anew.
function copyOf(part) {
  if (part.nodeType !== Node.ELEMENT_NODE) return part.cloneNode(false);
  if (part.matches(MADE)) return document.createTextNode("");
  if (part.matches(".frame > button")) return copyOf(part.firstElementChild);
  const copy = part.cloneNode(false);
  if (part.dataset?.start !== undefined) {
    copy.className = part.dataset.start;
    copy.removeAttribute("data-start");
  }
  if (part.id === "app" || part.matches(".page")) copy.removeAttribute("hidden");
  if (part.id === "app") {
    copy.append(...[...part.querySelectorAll("noscript")].map((plain) => plain.cloneNode(true)));
    return copy;
  }
  for (const child of part.childNodes) copy.append(copyOf(child));
  return copy;
}

// Of a studio: the samples with maps. The pictures of the others are not in the document.
function explainedPart({ document, mapsOf, dataset: datasetOf }, model) {
  const samples = document.samples.filter((sample) => mapsOf(sample.id).length > 0);
  const kept = new Set(samples.map((sample) => sample.id));
  const predictions = document.predictions.filter((prediction) => kept.has(prediction.sample));
  const used = new Set(document.maps.map((map) => map.model));
  const models = document.models.filter((model) => used.has(model.id));
  const { schema, title, methods, maps, stamps, notes, film, blobs } = document;
  return {
    schema, title, models, methods, samples, predictions, maps, stamps, notes, film, blobs,
    dataset: datasetOf(model),
  };
}

export async function shareFile({ host, book, state, say, fail }) {
  const text = state.text();
  try {
    const page = host.live ? await host.share(explainedPart(book, book.resolve(state.get()).model), text) : reportCopy(text);
    saveFile(`${safeName(book.document.title)}.html`, page, "text/html");
    say("Saved as one HTML file. It opens from disk as it is now.");
  } catch (problem) {
    fail(problem);
  }
}
