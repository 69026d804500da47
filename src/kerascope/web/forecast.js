// What was known last, what is predicted, and what came: a chart with its words.

import { arrayOf } from "./arrays.js";
import { make, setAttribute, setHidden, setText, vector } from "./dom.js";
import { numberWords } from "./colours.js";

const SHOWN = 3; // times the horizon: how much of what was known is drawn
const LEAST = 8;
const HIGH = 100;

export function makeForecast() {
  const lines = ["known", "predicted", "true"].map((kind) =>
    vector("path", { class: `forecast-${kind}`, "vector-effect": "non-scaling-stroke" }));
  const now = vector("path", { class: "forecast-now", "vector-effect": "non-scaling-stroke" });
  const chart = vector("svg", { class: "forecast-chart", role: "img",
    preserveAspectRatio: "none" }, now, ...lines);
  const title = make("b", {});
  const [low, high] = [make("span", {}), make("span", {})];
  const ends = make("p", { class: "forecast-range", "aria-hidden": "true" }, high, low);
  const truth = make("span", { class: "forecast-key-true" }, "true");
  const legend = make("p", { class: "forecast-keys", "aria-hidden": "true" },
    make("span", { class: "forecast-key-predicted" }, "predicted"), truth);
  const element = make("div", { class: "forecast", hidden: true },
    make("p", {}, title), make("div", { class: "forecast-frame" }, ends, chart), legend);
  return { element, chart, lines, now, title, low, high, truth };
}

// forecast: of a prediction of the document, or null. The channel is the one the target speaks of.
export async function drawForecast({ book }, drawn, forecast, map) {
  setHidden(drawn.element, forecast === null);
  if (forecast === null) return;
  const { channels, words } = forecast;
  const named = ({ name }) => name && map.target.words.includes(`'${name}'`);
  const channel = channels.find(named) ?? channels[0];
  const read = (array) => (array ? arrayOf(book, array) : Promise.resolve(new Float32Array()));
  const [known, ahead, truth] = await Promise.all(
    [channel.known, channel.values, channel.truth].map(read));
  const past = known.slice(-Math.max(SHOWN * ahead.length, LEAST));
  const all = [...past, ...ahead, ...truth];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const path = (values, start) => forecastPath(values, start, least, most);
  setAttribute(drawn.chart, "viewBox", `0 0 ${past.length + ahead.length} ${HIGH}`);
  const last = past.length - 1;
  [path(past, 0), path([past[last], ...ahead], last),
    truth.length > 0 ? path([past[last], ...truth], last) : "",
  ].forEach((d, i) => setAttribute(drawn.lines[i], "d", d));
  setAttribute(drawn.now, "d", `M${past.length} 0V${HIGH}`);
  setText(drawn.title, words);
  setText(drawn.low, numberWords(least));
  setText(drawn.high, numberWords(most));
  setHidden(drawn.truth, truth.length === 0);
  setAttribute(drawn.chart, "aria-label", chartWords(words, ahead, truth));
}

function forecastPath(values, start, least, most) {
  const span = most - least || 1;
  const points = Array.from(values, (value, i) =>
    `${start + i + 0.5} ${(HIGH * (0.06 + 0.88 * (1 - (value - least) / span))).toFixed(2)}`);
  return `M${points.join("L")}`;
}

function chartWords(words, ahead, truth) {
  const listed = (values) => Array.from(values.slice(0, 12), numberWords).join(", ");
  const came = truth.length > 0 ? `; true: ${listed(truth)}` : "";
  return `${words}. Predicted: ${listed(ahead)}${came}.`;
}
