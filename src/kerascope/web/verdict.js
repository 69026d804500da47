// The line on top: what was predicted, where the evidence lies, how far to trust that.

import { likeOf } from "./aims.js";
import { make, setAttribute, setHidden, setText, tight } from "./dom.js";
import { isRight } from "./filters.js";
import { trustWords } from "./gradecard.js";
import { drawLetter } from "./marks.js";
import { asCame } from "./words.js";

export function makeVerdict({ book, words: wordsOf }) {
  const top = make("strong", { class: "answer-top" });
  const share = make("span", { class: "answer-share" });
  const mark = make("span", { class: "answer-mark" });
  const evidence = make("span", { class: "answer-evidence" });
  const letter = make("span", { class: "letter" });
  const trust = make("span", { class: "answer-trust" });
  const name = make("span", { class: "answer-name quiet" });
  const element = make(
    "p", { class: "answer", id: "verdict" }, top, share, mark, evidence, letter, trust, name,
  );
  return {
    element,
    draw(shown) {
      const sample = book.sample(shown.sample);
      const words = verdictOf(book, shown, sample);
      const plain = shown.map !== null && asCame(shown);
      setText(top, words.top);
      setText(share, tight(words.share));
      setText(mark, words.mark);
      setAttribute(mark, "data-mark", words.wrong ? "wrong" : "right");
      setText(evidence, plain ? words.evidence : mixedEvidence(shown, wordsOf));
      setText(trust, plain ? tight(words.trust) : "");
      setText(name, words.top === sample?.name ? "" : (sample?.name ?? ""));
      drawLetter(letter, plain ? shown.map.grade : null);
      for (const part of [share, mark, evidence, trust, name]) {
        setHidden(part, part.textContent === "");
      }
    },
  };
}

function verdictOf(book, shown, sample) {
  const { prediction, map } = shown;
  const bar = prediction?.outputs[0]?.bars[0];
  const single = prediction !== null && prediction.outputs.length === 1 && bar !== undefined &&
    !prediction.forecast;
  const right = isRight(sample, prediction);
  if (likeOf(map?.target.key)) { // its numbers say nothing by themselves
    return { top: map.target.words, share: "", mark: "", wrong: false,
      evidence: evidenceWords({ map }, { top: map.target.subject }), trust: trustWords(map) };
  }
  return {
    top: single ? bar.label : (prediction?.verdict ?? sample?.name ?? "No sample"),
    share: single ? bar.words : "",
    mark: right === null ? "" : right ? "right" : `not ${sample.truth}`,
    wrong: right === false,
    evidence: evidenceWords(shown, prediction),
    trust: map === null ? "" : trustWords(map),
  };
}

// Of a map mixed here: its own place, out of its own words.
function mixedEvidence(shown, wordsOf) {
  if (shown.map === null) return "";
  const named = ["tokens", "table"].includes(shown.map.kind);
  const place = named ? "" : inPlace(placeIn(wordsOf(shown)));
  if (shown.view === "difference") return "difference of two maps";
  const subjects = [shown.map, shown.versusMap].map((map) => map?.target.subject);
  const rather = shown.versus && shown.contrast > 0 ? ` for ${subjects.join(" rather than ")}` : "";
  return `evidence${rather} ${place}`.trim();
}

function evidenceWords({ map }, prediction) {
  if (map === null) return "";
  if (map.message) return map.message;
  const place = whereOf(map);
  if (place === "") return "";
  const target = map.target.subject;
  const other = target !== prediction?.top && target !== `'${prediction?.top}'`;
  const what = map.meaning === "magnitude" ? "influence" : "evidence";
  const who = other ? ` for ${target}` : "";
  return `${what}${who} ${place}`;
}

// A place in a picture; of texts and tables the words or columns that hold most.
function whereOf({ kind, place, caption }) {
  if (kind === "tokens") return place && `on ${place}`;
  if (kind === "table") return place && `in ${place}`;
  return inPlace(place ?? placeIn(caption));
}

// An older document says the place only in its caption.
const placeIn = (words) => /, ([a-z ,]+?)(?:;|\.|$)/.exec(words ?? "")?.[1] ?? "";

function inPlace(place) {
  if (place === "" || place.startsWith("spread")) return place;
  return `${["left", "right"].includes(place) ? "on" : "in"} the ${place}`;
}
