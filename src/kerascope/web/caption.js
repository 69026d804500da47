// Below the stage: what the map shows, in words and as a table.

import { keepRows, make, setHidden, setText, tight } from "./dom.js";
import { contrastSubject } from "./sources.js";
import { topRegions } from "./regions.js";

export function makeCaption(context) {
  const caption = make("p", { class: "caption", id: "caption" });
  const what = make("p", { class: "quiet explained" });
  const body = make("tbody", {});
  const table = make(
    "table",
    { class: "regions" },
    make("caption", { class: "unseen" }, "Regions with the most evidence"),
    make("thead", {}, make("tr", {}, ...["Region", "Share", "Place"].map((words) =>
      make("th", { scope: "col" }, words)))),
    body,
  );
  const fold = make("details", { class: "fold" }, make("summary", {}, "Top regions"), table);
  const element = make("div", { class: "words-below" }, caption, what, fold);
  const reading = { key: "", asked: 0 };
  fold.addEventListener("toggle", () => context.redraw());

  return {
    element,
    draw(shown) {
      const { map } = shown;
      const words = map === null ? emptyWords(context, shown) : bareWords(context, shown);
      // Where several maps stand beside each other, each has its words under it.
      const several = map !== null && ["side", "sheet"].includes(shown.view);
      setText(caption, tight(words));
      setText(what, map === null ? "" : explainedWords(context, shown));
      setHidden(caption, several);
      setHidden(what, several);
      setHidden(fold, map === null || map.kind !== "picture");
      if (map !== null && fold.open) drawTable(context, reading, body, shown);
    },
  };
}

// Method and sample stand beside: here the sentence alone.
function bareWords(context, shown) {
  const words = context.words(shown);
  const title = context.book.method(shown.method)?.title ?? "";
  const start = `${title} map of ${context.book.sample(shown.sample)?.name ?? ""}: `;
  return words.startsWith(start) ? words.slice(start.length) : words;
}

const BEGIN = "Drop pictures, texts, tables, series or volumes here to begin.";

function emptyWords({ book, host, live }, shown) {
  const model = book.model(shown.model);
  if (host.live && model?.state === "loading") return `${model.name} is being opened.`;
  if (shown.sample === "" && live?.shelf.reading.length > 0) {
    return `${live.shelf.reading[0]} is being read.`;
  }
  if (shown.sample === "") return host.live ? BEGIN : "Nothing to show.";
  if (host.live && model === null) return "Open a model to explain this.";
  if (host.live && model.state === "failed") return `${model.name}: ${model.error}`;
  if (host.live) return "The map is being made.";
  const title = book.method(shown.method)?.title ?? "this method";
  return `There is no map of ${title} for this sample.`;
}

function explainedWords({ book }, shown) {
  const method = book.method(shown.method);
  const layer = method?.layer ? ` at ${method.layer}` : "";
  const { map, versusMap, contrast } = shown;
  const mixed = versusMap !== null && contrast > 0;
  const words = mixed ? contrastSubject(map, versusMap, contrast) : map.target.words;
  return `${method?.title ?? ""}${layer} · ${words}`;
}

async function drawTable(context, reading, body, shown) {
  const key = [shown.map.id, shown.versus, shown.contrast, shown.sign, shown.path].join();
  if (key === reading.key) return;
  reading.key = key;
  reading.asked += 1;
  const { asked } = reading;
  const regions = await topRegions(context, shown);
  if (asked !== reading.asked) return;
  keepRows(body, regions, makeRegion, (row, region, index) => {
    const [number, share, place] = row.children;
    setText(number, String(index + 1));
    setText(share, `${Math.round(region.share * 100)} %`);
    setText(place, region.words);
  });
}

const makeRegion = () =>
  make("tr", {}, make("th", { scope: "row" }), make("td", {}), make("td", {}));
