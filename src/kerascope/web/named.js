// Maps of texts and tables as lists: every word or column with its name and its value.

import { concentration } from "./regions.js";

const NAMED = 5; // that a sentence lists
const LONGEST = 24; // characters of a name in a sentence
const LONGEST_CELL = 16;

// Whether a map is a list of named things, drawn out of its numbers.
export function isNamed(map) {
  return (map?.kind === "tokens" || map?.kind === "table") && Boolean(map.values);
}

// Return what the input of a map holds: its entry of the sample.
export function givenOf(book, { sample, input }) {
  return book.sample(sample)?.inputs.find((one) => one.name === input) ?? null;
}

// Return the words of a text, or the columns of a row, with their values:
// [{name, value, cell, pieces}]. cell: what a column holds, in words. pieces: [[token, value], …]
// of a word made of several.
export function namedList(given, values) {
  if (given?.text) return wordList(given.text, values);
  if (given?.table) return columnList(given.table, values);
  return Array.from(values, (value, i) => ({ name: String(i), value, cell: "", pieces: [] }));
}

export function wordList({ text, spans, tokens, words }, values) {
  const found = spans.map(([start, stop]) =>
    ({ name: text.slice(start, stop), value: 0, cell: "", pieces: [] }));
  words.forEach((word, place) => {
    const mine = found[word];
    if (!mine) return;
    mine.value += values[place];
    mine.pieces.push([tokens[place], values[place]]);
  });
  return found;
}

function columnList({ columns, cells }, values) {
  return columns.map((name, i) => ({ name, value: values[i], cell: cells[i], pieces: [] }));
}

// Return the tokens that are no words and have a value, equal ones together:
// [{name, count, value}]; padding has no name of its own.
export function besideWords({ tokens, words }, values) {
  const found = new Map();
  for (let place = 0; place < values.length; place += 1) {
    if ((words[place] ?? -1) >= 0 || values[place] === 0) continue;
    const name = tokens[place] || "padding";
    const one = found.get(name) ?? { name, count: 0, value: 0 };
    one.count += 1;
    one.value += values[place];
    found.set(name, one);
  }
  return [...found.values()];
}

// Return where the evidence lies: `_in_words` and `_in_columns` of plot/words.py.
export function listedIn(given, values) {
  const items = namedList(given, values);
  const { region } = concentration(items.map((item) => item.value));
  const chosen = items.filter((_, i) => region[i]).sort((a, b) => b.value - a.value);
  const counts = new Map();
  for (const item of chosen) {
    const key = given?.table ? item.name : item.name.toLowerCase();
    const known = counts.get(key);
    if (known) known.count += 1;
    else counts.set(key, { item, count: 1 });
  }
  const names = [...counts.values()].map(({ item, count }) => nameWords(given, item, count));
  const more = names.length - NAMED;
  const rest = more > 0 ? ` and ${more} more` : "";
  const unit = given?.table ? "columns" : "words";
  return `in ${chosen.length} of ${items.length} ${unit}: ` +
    `${names.slice(0, NAMED).join(", ")}${rest}`;
}

// Return ", most on 'great'": what speaks most against; "" where nothing does.
export function mostAgainst(given, values) {
  const items = namedList(given, values);
  const least = items.reduce((one, item) => (item.value < one.value ? item : one), { value: 0 });
  if (least.value === 0) return "";
  return `, most ${given?.table ? "in" : "on"} ${nameWords(given, least, 1)}`;
}

function nameWords(given, { name, cell }, count) {
  if (given?.table) return `${cut(name, LONGEST)} = ${cut(cell, LONGEST_CELL)}`;
  return `'${cut(name, LONGEST)}'${count > 1 ? ` (${count} times)` : ""}`;
}

function cut(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
