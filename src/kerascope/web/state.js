// The one state of the page. All of it is in the address, so that a link shows the same thing.

export const CHOICES = {
  view: ["stage", "side", "split", "difference", "flicker", "sheet"],
  colours: ["auto", "inferno", "viridis", "grey", "diverging"],
  sign: ["auto", "both", "for", "against", "absolute"],
  blend: ["tint", "cover", "alone"],
  columns: ["waterfall", "bars", "rows"],
  how: ["blur", "inpaint", "grey"],
};

export const FILTERS = {
  wrong: false, unsure: false, surprising: false, class: "", grade: "", text: "",
};

export const DEFAULTS = {
  sample: "", model: "", method: "", target: "", epoch: null, input: "",
  view: "stage", pins: [], split: 0.5,
  colours: "auto", sign: "auto", threshold: 0, opacity: 0.85, blend: "tint", contours: false,
  columns: "waterfall", versus: "", contrast: 0, path: 1, zoom: 1, centre: [0.5, 0.5], slice: [],
  erase: false, mask: "", how: "blur",
  filter: FILTERS, drawer: "", page: "",
};

const LONGEST = 300;
const MOST_PINS = 12;
const MASK = /^.{1,300}\.[\w-]{1,1500}$/; // a sample, and what is painted over it
const RANGES = {
  split: [0, 1], threshold: [0, 1], opacity: [0, 1], contrast: [0, 1], path: [0, 1],
  zoom: [1, 16], epoch: [-1e9, 1e9],
};
const PLAIN = "plain"; // the address of the default state, where a shared page starts in another

const LONG = { target: 1800, versus: 1800 }; // they may hold what is painted

const isText = (value, longest = LONGEST) =>
  typeof value === "string" && value.length <= longest;

function within(value, [least, most]) {
  const number = typeof value === "number" ? value : Number.parseFloat(value);
  return Number.isFinite(number) ? Math.min(most, Math.max(least, number)) : null;
}

const shortNumber = (value) => String(Math.round(value * 10000) / 10000);

// One value of the state, or undefined where it is none.
function checked(key, value) {
  if (key in CHOICES) return CHOICES[key].includes(value) ? value : undefined;
  if (key === "epoch" && value === null) return null;
  if (key in RANGES) return within(value, RANGES[key]) ?? undefined;
  if (key === "pins") return checkedPins(value);
  if (key === "centre") return checkedCentre(value);
  if (key === "slice") return checkedSlice(value);
  if (key === "filter") return checkedFilter(value);
  if (typeof DEFAULTS[key] === "boolean") return typeof value === "boolean" ? value : undefined;
  if (key === "mask") return value === "" || MASK.test(value) ? value : undefined;
  return isText(value, LONG[key]) ? value : undefined;
}

function checkedPins(value) {
  if (!Array.isArray(value) || !value.every((one) => isText(one))) return undefined;
  return [...new Set(value)].slice(0, MOST_PINS);
}

function checkedCentre(value) {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const centre = value.map((share) => within(share, [0, 1]));
  return centre.includes(null) ? undefined : centre;
}

// The slices of a volume that are shown, across each axis; none: those with most evidence.
function checkedSlice(value) {
  if (!Array.isArray(value) || value.length > 3) return undefined;
  const places = value.map((place) => within(place, [0, 1e6]));
  return places.includes(null) ? undefined : places.map(Math.round);
}

function checkedFilter(value) {
  const filter = { ...FILTERS };
  for (const key of Object.keys(FILTERS)) {
    if (typeof value?.[key] === typeof FILTERS[key] && String(value[key]).length <= LONGEST) {
      filter[key] = value[key];
    }
  }
  return filter;
}

export function checkedState(values) {
  const state = {};
  for (const key of Object.keys(DEFAULTS)) {
    const value = Object.hasOwn(values, key) ? checked(key, values[key]) : undefined;
    state[key] = value === undefined ? DEFAULTS[key] : value;
  }
  return state;
}

// The part of the address after "#" → the state; what is unknown there stays at its default.
export function parseState(text) {
  const given = new URLSearchParams(text);
  const values = { filter: {} };
  for (const [key, value] of given) {
    if (Object.hasOwn(FILTERS, key)) {
      values.filter[key] = typeof FILTERS[key] === "boolean" ? value === "1" : value;
    } else if (["pins", "centre", "slice"].includes(key)) {
      values[key] = value.split(",").filter(Boolean);
    } else if (typeof DEFAULTS[key] === "boolean") {
      values[key] = value === "1";
    } else {
      values[key] = value;
    }
  }
  return checkedState(values);
}

export function stateText(state) {
  const parts = new URLSearchParams();
  for (const [key, start] of Object.entries(DEFAULTS)) {
    const value = state[key];
    if (key === "filter" || String(value) === String(start)) continue;
    if (Array.isArray(value)) {
      parts.set(key, value.map((v) => (typeof v === "number" ? shortNumber(v) : v)).join(","));
    } else if (typeof value === "number") parts.set(key, shortNumber(value));
    else parts.set(key, value === true ? "1" : value);
  }
  for (const [key, value] of Object.entries(state.filter)) {
    if (value !== FILTERS[key]) parts.set(key, value === true ? "1" : value);
  }
  return parts.toString().replaceAll("%2C", ",").replaceAll("%27", "'");
}

const TOGETHER = 800; // milliseconds within which changes of the same values are one step back
const LATER = 150; // milliseconds: a slider moves faster than an address can be written

// start: the state, as in an address, of a page that was shared.
export function makeState(start = "") {
  const listeners = new Set();
  const fromAddress = () => parseState(location.hash.length > 1 ? location.hash.slice(1) : start);
  let now = fromAddress();
  let written = { keys: "", time: 0 };
  let timer = 0;
  let wroteAt = 0;

  const tell = () => listeners.forEach((listener) => listener(now));
  const address = () => "#" + (stateText(now) || (start ? PLAIN : ""));
  const attempt = (action) => {
    clearTimeout(timer);
    timer = 0;
    wroteAt = Date.now();
    try {
      history[action](null, "", address());
    } catch {
      // A page without an address of its own has no steps back; the state holds all the same.
    }
  };
  const flush = () => {
    if (timer !== 0) attempt("replaceState");
  };
  // At once where the last time is long ago, else when the hand rests.
  const writeSoon = () => {
    const wait = wroteAt + LATER - Date.now();
    if (wait <= 0) attempt("replaceState");
    else if (timer === 0) timer = setTimeout(flush, wait);
  };
  // Whether a change of these values is a step of its own for "back".
  const isStep = (keys, quiet) => {
    const time = Date.now();
    const same = keys === written.keys && time - written.time < TOGETHER;
    written = { keys, time };
    return !quiet && !same;
  };
  const reread = () => {
    clearTimeout(timer);
    timer = 0;
    const next = fromAddress();
    if (stateText(next) === stateText(now)) return;
    now = next;
    written = { keys: "", time: 0 };
    tell();
  };
  addEventListener("popstate", reread);
  addEventListener("hashchange", reread);
  addEventListener("pagehide", flush);

  return {
    get: () => now,
    set(patch, { quiet = false } = {}) {
      const next = checkedState({ ...now, ...patch });
      if (stateText(next) === stateText(now)) return;
      const step = isStep(Object.keys(patch).sort().join(), quiet);
      if (step) flush();
      now = next;
      if (step) attempt("pushState");
      else writeSoon();
      tell();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    text: () => stateText(now),
  };
}
