// How far the map can be trusted: its grade with reasons, its gap, its notes.

import { keepRows, make, setAttribute, setHidden, setProperty, setText, tight } from "./dom.js";
import { drawLetter } from "./marks.js";
import { asCame } from "./words.js";

export function makeGradeCard({ book, live }) {
  const letter = make("span", { class: "letter large" });
  const head = make("p", { class: "grade-words" });
  const meter = make("span", { class: "meter", "aria-hidden": "true" }, make("span"));
  const reasons = make("ul", { class: "reasons" });
  const none = make("p", { class: "quiet" });
  const notes = make("ul", { class: "reasons notes-list" });
  const ask = make("button", { type: "button", class: "soft", hidden: true }, "Grade this map");
  const element = make(
    "section",
    { class: "part", "aria-labelledby": "part-trust" },
    make("h2", { id: "part-trust" }, "Trust"),
    make("div", { class: "grade-head" }, letter, make("div", {}, head, meter)),
    none, ask, reasons, notes,
  );
  let run = () => {};
  ask.addEventListener("click", () => run());

  return {
    element,
    draw(shown) {
      const { map } = shown;
      const plain = map !== null && asCame(shown);
      const grade = plain ? map.grade : null;
      setHidden(element, map === null);
      drawLetter(letter, grade);
      setHidden(letter.parentElement, grade === null);
      if (grade !== null) {
        setText(head, gradeWords(grade));
        setProperty(meter.firstElementChild, "width", `${grade.score * 100}%`);
        setAttribute(meter, "data-letter", grade.letter);
      }
      const gap = plain ? map.gap : "";
      const given = grade?.reasons ?? [];
      const told = given.some((words) => words.startsWith(GAP));
      keepRows(reasons, gap && !told ? [gap, ...given] : given, makeReason, setReason);
      setText(none, plain ? "This map was not graded." : mixedWords(shown));
      setHidden(none, grade !== null || map === null);
      setHidden(ask, !live || grade !== null || !plain);
      run = () => live.grade(shown);
      const said = [map?.message, ...(book.method(shown.method)?.notes ?? [])].filter(Boolean);
      keepRows(notes, said, makeReason, setReason);
      setHidden(notes, said.length === 0);
    },
  };
}

const GAP = "completeness gap";

const makeReason = () => make("li");
const setReason = (item, words) => setText(item, tight(words));

// A map mixed here was never graded: the grade of what it was mixed from is not its own.
function mixedWords({ map }) {
  if (!map?.grade) return "A map mixed here is not graded.";
  return `The grade ${map.grade.letter} is of the map of ${map.target.subject} alone.`;
}

const SAYS = { A: "trust it", B: "mostly to be trusted", C: "with doubts", D: "do not trust it" };

function gradeWords(grade) {
  return `${SAYS[grade.letter] ?? ""} · ${grade.score.toFixed(2)} of 1`;
}

const SHORT = [
  ["stays under small noise", "stable"],
  ["changes under small noise", "unstable"],
  ["looks much the same", "shows the input more than the model"],
  ["a map that knows nothing", "no better than a map that knows nothing"],
  ["the score hangs on what it points to no more", "misses what counts"],
];

// The short form for the verdict line: "gap 3 %, stable".
export function trustWords(map) {
  const reasons = map?.grade?.reasons ?? [];
  const said = SHORT.filter(([start]) => reasons.some((words) => words.startsWith(start)));
  const gap = map?.gap ? [map.gap.replace("completeness ", "")] : [];
  return [...gap, ...said.map(([, words]) => words)].slice(0, 3).join(", ");
}
