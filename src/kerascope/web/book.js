// The document with its lookups: what there is, and what a state shows of it.

const LISTS = ["models", "methods", "samples", "predictions", "maps"];

const keyOf = (item) => item.id ?? JSON.stringify([item.sample, item.model, item.epoch]);

export function emptyDocument() {
  return {
    schema: 1, title: "", models: [], methods: [], samples: [], predictions: [], maps: [],
    stamps: [], notes: [], dataset: null, film: null, blobs: {},
  };
}

export function makeBook(given) {
  const book = { document: { ...emptyDocument(), ...given }, version: 0 };
  let tables = {};
  let bySample = new Map();
  const datasets = new Map(); // by model; a report has one, of no model

  const index = () => {
    tables = {};
    for (const list of LISTS) {
      tables[list] = new Map(book.document[list].map((item) => [keyOf(item), item]));
    }
    bySample = new Map();
    for (const map of book.document.maps) {
      if (!bySample.has(map.sample)) bySample.set(map.sample, []);
      bySample.get(map.sample).push(map);
    }
    book.version += 1;
  };

  book.model = (id) => tables.models.get(id) ?? null;
  book.method = (id) => tables.methods.get(id) ?? null;
  book.sample = (id) => tables.samples.get(id) ?? null;
  book.map = (id) => tables.maps.get(id) ?? null;
  book.blob = (id) => (id === null ? null : (book.document.blobs[id] ?? null));
  book.dataset = (model) => datasets.get(model) ?? datasets.get("") ?? null;
  book.prediction = (sample, model, epoch = null) =>
    tables.predictions.get(JSON.stringify([sample, model, epoch])) ?? null;
  book.mapsOf = (sample, where = {}) =>
    (bySample.get(sample) ?? []).filter((map) =>
      Object.entries(where).every(
        ([key, value]) =>
          value === undefined || (key === "target" ? map.target.key : map[key]) === value,
      ),
    );
  book.resolve = (state) => resolveState(book, state);
  const noteDataset = ({ dataset }) => {
    if (dataset) datasets.set(dataset.model ?? "", dataset);
  };
  // A piece of another answer: what has a name that is known replaces what was there.
  book.merge = (piece) => {
    for (const list of LISTS) {
      const table = tables[list];
      for (const item of piece[list] ?? []) {
        table.set(keyOf(item), joined(list, item, table.get(keyOf(item))));
      }
      book.document[list] = [...tables[list].values()];
    }
    book.document.stamps.push(...(piece.stamps ?? []));
    Object.assign(book.document.blobs, piece.blobs ?? {});
    noteDataset(piece);
    for (const key of ["title", "dataset", "film"]) {
      book.document[key] = piece[key] || book.document[key];
    }
    index();
  };
  book.removeModel = (id) => {
    const { document } = book;
    document.models = document.models.filter((model) => model.id !== id);
    for (const list of ["methods", "predictions", "maps"]) {
      document[list] = document[list].filter((item) => item.model !== id);
    }
    datasets.delete(id);
    index();
  };

  noteDataset(book.document);
  index();
  return book;
}

// What a newer entry does not say stays as it is known: a list of samples holds no pictures, and a
// piece of an answer not the state of its model.
function joined(list, item, known) {
  if (known === undefined) return item;
  if (list === "models") {
    const facts = [...new Map([...(known.facts ?? []), ...(item.facts ?? [])])];
    return { ...known, ...item, facts };
  }
  if (list !== "samples") return item;
  const inputs = item.inputs.length > 0 ? item.inputs : known.inputs;
  return { ...known, ...item, inputs, thumb: item.thumb ?? known.thumb };
}

// Whether a sample is a file of a picture, which a studio shows without asking a model.
export const isPicture = (sample) => (sample?.kind ?? "picture") === "picture";

// The state with names that exist, and what they stand for.
function resolveState(book, state) {
  const { samples, models } = book.document;
  const sample = book.sample(state.sample) ?? samples[0] ?? null;
  const maps = sample === null ? [] : book.mapsOf(sample.id);
  const model = book.model(state.model) ?? book.model(maps[0]?.model) ?? models[0] ?? null;
  const epoch = shownEpoch(book, state, maps);
  const here = maps.filter((map) => map.model === model?.id && map.epoch === epoch);
  const method = shownMethod(book, state, model, here);
  const ofMethod = here.filter((map) => map.method === method?.id);
  const input = ofMethod.some((map) => map.input === state.input)
    ? state.input
    : (ofMethod[0]?.input ?? sample?.inputs[0]?.name ?? "");
  const targets = ofMethod.filter((map) => map.input === input);
  const map = chosenTarget(book, state.target, targets, maps);
  const linear = Boolean(map?.values) && Boolean(book.method(map.method)?.linear);
  const versus = linear
    ? targets.find((other) => other.target.key === state.versus && other !== map)
    : undefined; // of other methods, the difference of two maps explains nothing
  return {
    ...state,
    sample: sample?.id ?? "",
    model: model?.id ?? "",
    method: method?.id ?? "",
    target: map?.target.key ?? state.target,
    epoch, input, map,
    versus: versus?.target.key ?? "",
    versusMap: versus ?? null,
    prediction: sample && model ? book.prediction(sample.id, model.id, epoch) : null,
    pinned: state.pins.map((id) => book.map(id)).filter((pinned) => pinned !== null),
  };
}

// A film shows its last epoch until another is chosen; elsewhere maps have none.
function shownEpoch(book, state, maps) {
  const { film } = book.document;
  if (film === null) {
    return maps.some((map) => map.epoch === state.epoch) ? state.epoch : (maps[0]?.epoch ?? null);
  }
  if (state.epoch !== null && film.epochs.includes(state.epoch)) return state.epoch;
  return film.epochs.at(-1) ?? null;
}

// The method that was chosen, or the one of the same name for this model, or the first with maps.
function shownMethod(book, state, model, here) {
  const chosen = book.method(state.method);
  if (chosen !== null && chosen.model === model?.id) return chosen;
  const alike = book.document.methods.filter((method) => method.model === model?.id);
  return (
    alike.find((method) => chosen !== null && method.name === chosen.name) ??
    book.method(here[0]?.method) ??
    alike[0] ??
    null
  );
}

// The target of that name; where the sample (or the epoch) has none, the one in its place.
function chosenTarget(book, key, targets, maps) {
  const same = targets.find((map) => map.target.key === key) ??
    targets.find((map) => key && map.target.ask === key);
  if (same !== undefined) return same;
  const place = maps.find((map) => map.target.key === key)?.target.place;
  return targets.find((map) => map.target.place === place) ?? targets[0] ?? null;
}

// A class of an output as a model is asked for it; null is the predicted one. ask: of an area or a
// box, the words for it.
export function targetAsked({ output, index, ask }) {
  if (ask) return ask;
  if (!Number.isInteger(index)) return null;
  return output ? `${output}:${index}` : index;
}

// What an address calls a target: what it is asked for by, which is one for all methods, or its key.
export const targetName = ({ ask, key }) => ask ?? key;

// Whether bars are the steps of a forecast: values, of which none is chosen rather than another.
export const isForecast = (bars) => /^horizon-/.test(bars[0]?.ask ?? "");

const namesOfBar = ({ label, index, ask }) => [ask ?? String(index), label, `'${label}'`];

// The bar of a prediction that a target's key names, or undefined.
export function barNamed(bars, key) {
  return bars.find((bar) => namesOfBar(bar).includes(key));
}

// The map of a bar of the prediction; made by the class's number where maps know it.
export function mapOfBar(bar, output, targets) {
  if (bar.ask) return targets.find((map) => map.target.ask === bar.ask) ?? null;
  return (
    targets.find((map) =>
      Number.isInteger(map.target.index)
        ? map.target.index === bar.index && (map.target.output ?? "") === output
        : namesOfBar(bar).includes(map.target.key),
    ) ?? null
  );
}
