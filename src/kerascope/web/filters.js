// Which samples the filmstrip shows.

const UNSURE = 0.2; // lead of the first class over the second
const SURPRISING = 0.5; // at least half of the evidence lies where that of its class does not

export const LETTERS = ["A", "B", "C", "D"];

// What the filters ask, of every sample; looked up anew only where document or method changed.
export function makeFacts(book) {
  let known = "";
  let facts = new Map();
  return (shown) => {
    const asked = [book.version, shown.model, shown.method, shown.epoch].join();
    if (asked !== known) {
      known = asked;
      const { samples } = book.document;
      facts = new Map(samples.map((sample) => [sample.id, factsOf(book, sample, shown)]));
    }
    return facts;
  };
}

function factsOf(book, sample, shown) {
  const prediction = book.prediction(sample.id, shown.model, shown.epoch);
  const maps = book.mapsOf(sample.id, { model: shown.model, epoch: shown.epoch });
  const ofMethod = maps.filter((map) => map.method === shown.method);
  const graded = [...ofMethod, ...maps].find((map) => map.grade !== null);
  const top = prediction?.top ?? "";
  const right = isRight(sample, prediction);
  return {
    top,
    share: prediction?.share ?? null,
    wrong: right === false,
    right: right === true,
    unsure: prediction !== null && prediction.margin !== null && prediction.margin < UNSURE,
    surprise: Math.max(-1, ...ofMethod.map((map) => map.surprise ?? -1)),
    grade: graded?.grade.letter ?? "",
    text: `${sample.name} ${sample.truth ?? ""} ${top}`.toLowerCase(),
  };
}

const NUMBERED = /^class \d+$/;

// null where it cannot be said: no right class is known, or the model has numbers for names.
export function isRight(sample, prediction) {
  if (!sample?.truth || !prediction?.top) return null;
  if (NUMBERED.test(prediction.top) && !NUMBERED.test(sample.truth)) return null;
  return comparable(sample.truth) === comparable(prediction.top);
}

// Folders and labels write one class differently: "Egyptian_cat", "egyptian cat".
const comparable = (words) => String(words).toLowerCase().replaceAll(/[\s_-]+/g, " ").trim();

export function passes(fact, sample, filter) {
  return (
    (!filter.wrong || fact.wrong) &&
    (!filter.unsure || fact.unsure) &&
    (!filter.surprising || fact.surprise >= SURPRISING) &&
    (!filter.class || fact.top === filter.class || sample.truth === filter.class) &&
    (!filter.grade || fact.grade === filter.grade) &&
    (!filter.text || fact.text.includes(filter.text.toLowerCase()))
  );
}

// The samples that pass, the most surprising first where that is asked for.
export function filtered(samples, facts, filter) {
  const kept = samples.filter((sample) => passes(facts.get(sample.id), sample, filter));
  if (!filter.surprising) return kept;
  return kept.sort((a, b) => facts.get(b.id).surprise - facts.get(a.id).surprise);
}

// How many samples each filter would leave, and the classes there are.
export function offered(samples, facts) {
  const count = { wrong: 0, unsure: 0, surprising: 0 };
  const classes = new Map();
  const grades = new Map();
  let truths = 0;
  for (const sample of samples) {
    const fact = facts.get(sample.id);
    count.wrong += fact.wrong;
    count.unsure += fact.unsure;
    count.surprising += fact.surprise >= SURPRISING;
    truths += fact.wrong || fact.right;
    for (const name of new Set([fact.top, sample.truth ?? ""])) {
      if (name) classes.set(name, (classes.get(name) ?? 0) + 1);
    }
    if (fact.grade) grades.set(fact.grade, (grades.get(fact.grade) ?? 0) + 1);
  }
  return { count, truths, classes: [...classes].sort(), grades };
}
