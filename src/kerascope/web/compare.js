// What stands beside what on the stage: any map with any other, of another method, class, model,
// epoch or image.

import { givenOf, isNamed, listedIn, mostAgainst, namedList } from "./named.js";
import { contrastable, contrastSubject } from "./sources.js";
import { make, setAttribute, setHidden, setText } from "./dom.js";
import { wordsOf } from "./regions.js";

const MOST_PANES = 24;
const GROUNDS = { series: "series", volume: "volume", video: "film" };
const KINDS = [
  ["method", "Another method"],
  ["target", "Another class"],
  ["model", "Another model"],
  ["epoch", "Another epoch"],
  ["sample", "Another image"],
];

// Return a map's name: method and class, and whatever else differs from `beside`.
export function mapTitle(book, map, beside = null) {
  const parts = [book.method(map.method)?.title ?? map.method, map.target.subject];
  if (beside && map.model !== beside.model) parts.push(book.model(map.model)?.name);
  if (beside && map.epoch !== beside.epoch) parts.push(epochWords(book, map.epoch));
  if (beside && map.sample !== beside.sample) parts.push(book.sample(map.sample)?.name);
  if (beside && map.input !== beside.input) parts.push(`input ${map.input}`);
  return parts.filter(Boolean).join(" · ");
}

function epochWords(book, epoch) {
  if (epoch === null) return "";
  const place = book.document.film?.epochs.indexOf(epoch) ?? -1;
  return book.document.film?.labels?.[place] ?? `epoch ${epoch}`;
}

// Return the panes that a view shows, from left to right.
//
// [{mode: "map" | "plain" | "split" | "flicker" | "difference", map, other, title, otherTitle,
// words(numbers), hint}]. shownMap: the map that the sliders change.
export function panesOf(book, shown) {
  const { map, pinned, view } = shown;
  if (!map) return [];
  const others = pinned.filter((one) => one !== map);
  const own = mapPane(book, map, shown);
  const layered = map.kind === "picture"; // words, lines and slices cannot lie over each other
  const pins = others.map((one) => mapPane(book, one, shown));
  if (view === "side") return [plainPane(book, map, shown), own, ...pins].slice(0, MOST_PANES);
  if (view === "sheet") return sheetPanes(book, shown);
  if (view === "split" || view === "flicker") {
    return layered ? [togetherPane(book, shown, others[0] ?? null)] : [own, ...pins];
  }
  if (view === "difference") return [differencePane(book, shown, others[0] ?? shown.versusMap)];
  return [own];
}

function mapPane(book, map, shown) {
  const own = map === shown.map;
  const title = own ? ownTitle(book, shown) : mapTitle(book, map, shown.map);
  return {
    mode: "map", map, title, otherTitle: "", other: null, shownMap: shown.map,
    words: (numbers) => altOf(book, map, numbers), hint: "", sub: subOf(book, map, own, shown),
  };
}

// The name of the map that the sliders change says where they stand.
function ownTitle(book, shown) {
  const { map, versusMap, contrast } = shown;
  if (contrast === 0 || !contrastable(book, shown)) return mapTitle(book, map);
  const method = book.method(map.method)?.title ?? map.method;
  return `${method} · ${contrastSubject(map, versusMap, contrast)}`;
}

function subOf(book, map, own, { path }) {
  const { layer } = book.method(map.method) ?? {};
  const part = own && map.path && path < 1 ? `${Math.round(100 * path)} % of the way` : "";
  return [layer ? `at ${layer}` : "", part].filter(Boolean).join(" · ");
}

function plainPane(book, map, shown) {
  const title = book.sample(map.sample)?.name ?? "Picture";
  return { ...mapPane(book, map, shown), mode: "plain", title, sub: "what the model was given" };
}

// All methods of this sample, model, class and input: one pane each.
function sheetPanes(book, shown) {
  const { sample, model, epoch, input, map } = shown;
  const found = [];
  for (const method of book.document.methods.filter((one) => one.model === model)) {
    const maps = book.mapsOf(sample, { model, epoch, input, method: method.id });
    const one = maps.find((other) => other.target.key === map.target.key);
    const title = method.title;
    if (one) found.push({ ...mapPane(book, one, shown), title });
  }
  return found.slice(0, MOST_PANES);
}

function togetherPane(book, shown, other) {
  const { map, view } = shown;
  return {
    ...mapPane(book, map, shown), mode: view, other,
    otherTitle: other ? mapTitle(book, other, map) : "the picture",
    hint: other ? "" : "Pin a map to see it in place of the picture.",
  };
}

function differencePane(book, shown, other) {
  const own = mapPane(book, shown.map, shown);
  if (!other) return { ...own, hint: "Pin another map to see how this one differs from it." };
  const [name, otherName] = [own.title, mapTitle(book, other, shown.map)];
  if (isNamed(shown.map) && String(other.size) !== String(shown.map.size)) {
    return { ...own, hint: "Words and columns can be subtracted where they are the same ones." };
  }
  const whole = isNamed(shown.map) ? "words or columns" : "picture";
  return {
    ...own, mode: "difference", other, otherTitle: otherName,
    title: `${name} less ${otherName}`,
    ends: ["less", "more"],
    sub: shown.map.method === other.method ? "" : "each as shares of its own limit",
    words: (numbers) => {
      const share = changedShare(numbers.values, numbers.limit);
      return `${name} less ${otherName}: ${share} of the ${whole} differs by more than a tenth ` +
        "of the limit.";
    },
  };
}

function changedShare(values, limit) {
  let count = 0;
  for (const value of values) if (Math.abs(value) > 0.1 * limit) count += 1;
  return `${Math.round((100 * count) / values.length)} %`;
}

// Return what a map shows in words; those of the document where it is drawn as it is.
function altOf(book, map, numbers) {
  if (numbers.array === map.values) return map.alt;
  const name = book.sample(map.sample)?.name ?? "";
  const title = book.method(map.method)?.title ?? "";
  return `${title} map of ${name}: ${mapWords(book, map, numbers)}.`;
}

// Return where the evidence of some numbers of a map lies, in words.
export function mapWords(book, map, numbers) {
  const ground = GROUNDS[map.kind] ?? "image";
  if (!isNamed(map)) return wordsOf(numbers.values, numbers.shape, { ...numbers, ground });
  const given = givenOf(book, map);
  const values = namedList(given, numbers.values).map((item) => item.value);
  const sizes = numbers.meaning === "magnitude" ? numbers.values.map(Math.abs) : numbers.values;
  const most = mostAgainst(given, numbers.values);
  return wordsOf(values, numbers.shape, { ...numbers, most, where: () => listedIn(given, sizes) });
}

// A list of all that the map on the stage can be compared with; choosing pins it.
export function makeCompare(context) {
  const { state } = context;
  const select = make("select", { "data-control": "compare" });
  const element = make("label", { class: "stage-compare" },
    make("span", {}, "Compare with"), select);
  let listed = "";
  select.addEventListener("change", () => {
    const { pins, view } = state.get();
    const id = select.value;
    select.value = "";
    if (!id) return;
    state.set({ pins: [id, ...pins.filter((pin) => pin !== id)],
      view: view === "stage" || view === "sheet" ? "side" : view });
  });
  // Filled when it is opened: to look through ten thousand samples at every step costs too much.
  const fillList = () => {
    const { map } = context.book.resolve(state.get());
    const key = `${map?.id}:${context.book.version}`;
    if (!map || key === listed) return;
    listed = key;
    const groups = KINDS.map((kind) => groupOf(context.book, map, kind)).filter(Boolean);
    const first = make("option", { value: "" },
      groups.length > 0 ? "choose a map …" : "no other map yet");
    select.replaceChildren(first, ...groups);
  };
  select.append(make("option", { value: "" }, "choose a map …"));
  select.addEventListener("pointerdown", fillList);
  select.addEventListener("focus", fillList);
  return {
    element,
    draw: ({ map }) => setHidden(element, !map || context.book.document.maps.length < 2),
  };
}

const VALUES = {
  method: (map) => map.method,
  target: (map) => map.target.key,
  model: (map) => map.model,
  epoch: (map) => map.epoch,
  sample: (map) => map.sample,
};

// Maps that differ from this one in one respect; a method of another model is the same by name.
function groupOf(book, map, [kind, title]) {
  const same = (one) => (key) => {
    if (key === kind) return VALUES[key](one) !== VALUES[key](map);
    if (key === "method" && kind === "model") {
      return book.method(one.method)?.name === book.method(map.method)?.name;
    }
    if (key === "target" && kind === "sample") return one.target.place === map.target.place;
    return VALUES[key](one) === VALUES[key](map);
  };
  const pool = kind === "sample" ? book.document.maps : book.mapsOf(map.sample);
  const found = pool.filter((one) =>
    one.input === map.input && Object.keys(VALUES).every(same(one)));
  if (found.length === 0) return null;
  const group = make("optgroup", { label: title });
  for (const one of found.slice(0, 200)) {
    const option = make("option", { value: one.id });
    setText(option, mapTitle(book, one, map));
    group.append(option);
  }
  setAttribute(group, "data-kind", kind);
  return group;
}
