// Explanations as points: near each other where their evidence is alike.

import { make, setHidden, setText } from "./dom.js";
import { thumbOf } from "./filmstrip.js";

const NEAR = 14; // pixels within which a point is meant
const EDGE = 14;
const HUES = 8;

export function makeScatter(context) {
  const canvas = make("canvas", { tabindex: "0", role: "img" });
  const tip = make(
    "figure", { class: "scatter-tip", hidden: true }, make("img", { alt: "" }), make("figcaption"),
  );
  const legend = make("ul", { class: "scatter-legend" });
  const plot = make("div", { class: "scatter-plot" }, canvas, tip);
  const element = make("div", { class: "scatter" }, plot, legend);
  const scatter = { points: [], order: [], shown: null };
  const draw = () => {
    if (scatter.shown !== null) paintPoints(context, scatter, canvas);
  };
  new ResizeObserver(draw).observe(canvas);

  const nearest = (event) => {
    const box = canvas.getBoundingClientRect();
    const at = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    let least = NEAR;
    for (const point of scatter.points) {
      const distance = Math.hypot(point.left - at[0], point.top - at[1]);
      if (distance < least) [best, least] = [point, distance];
    }
    return best;
  };
  canvas.addEventListener("click", (event) => {
    const point = nearest(event);
    if (point !== null) context.state.set({ sample: point.sample });
  });
  canvas.addEventListener("pointermove", (event) => showTip(context, tip, nearest(event)));
  canvas.addEventListener("pointerleave", () => setHidden(tip, true));
  // By keyboard: through the points from left to right.
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined || scatter.order.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const place = scatter.order.findIndex((point) => point.sample === scatter.shown.sample);
    const next = scatter.order[(place + step + scatter.order.length) % scatter.order.length];
    context.state.set({ sample: next.sample });
  });
  return {
    element,
    draw(shown) {
      scatter.shown = shown;
      draw();
      drawLegend(context, legend, shown);
    },
  };
}

function paintPoints({ book }, scatter, canvas) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (width === 0 || height === 0) return;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const style = getComputedStyle(canvas);
  const { points, clusters } = book.dataset(scatter.shown.model);
  const names = clusters.map((cluster) => cluster.id);
  scatter.points = points
    .filter((point) => book.sample(point.sample) !== null)
    .map((point) => ({
      ...point,
      left: EDGE + point.x * (width - 2 * EDGE),
      top: EDGE + (1 - point.y) * (height - 2 * EDGE),
    }));
  scatter.order = [...scatter.points].sort((a, b) => a.x - b.x);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const colours = Array.from({ length: HUES }, (_, i) => style.getPropertyValue(`--hue-${i + 1}`));
  for (const point of scatter.points) {
    const place = names.indexOf(point.cluster);
    pen.fillStyle = place < 0 ? style.getPropertyValue("--quiet") : colours[place % HUES];
    pen.beginPath();
    pen.arc(point.left, point.top, 4, 0, 2 * Math.PI);
    pen.fill();
  }
  const chosen = scatter.points.find((point) => point.sample === scatter.shown.sample);
  if (chosen !== undefined) {
    pen.strokeStyle = style.getPropertyValue("--ink");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(chosen.left, chosen.top, 8, 0, 2 * Math.PI);
    pen.stroke();
  }
  const count = `${scatter.points.length} explanations`;
  canvas.setAttribute("aria-label", `${count} as points in ${names.length} clusters`);
}

function showTip(context, tip, point) {
  setHidden(tip, point === null);
  if (point === null) return;
  const sample = context.book.sample(point.sample);
  const [image, words] = tip.children;
  const address = thumbOf(context, sample);
  if (address && image.src !== address) image.src = address;
  setText(words, sample.name);
  tip.style.setProperty("left", `${point.left}px`);
  tip.style.setProperty("top", `${point.top}px`);
}

function drawLegend({ book }, legend, shown) {
  const { clusters } = book.dataset(shown.model);
  if (legend.children.length === clusters.length) return;
  legend.replaceChildren(
    ...clusters.map((cluster, index) => {
      const mark = make("i", { "aria-hidden": "true" });
      mark.style.setProperty("background", `var(--hue-${(index % HUES) + 1})`);
      return make("li", {}, mark, cluster.title ?? cluster.words ?? cluster.id);
    }),
  );
}
