// What the brush has painted as a short text, for the address: run lengths in base64url.

const SIDES = [Infinity, 128, 64, 32]; // cells along the longer side: the finest that is short enough
const LONGEST = 1500;

// Return the cells of a picture of some size: its pixels, or fewer.
function cellsOf([height, width], side) {
  const share = Math.min(1, side / Math.max(height, width));
  return [height, width].map((length) => Math.max(1, Math.round(length * share)));
}

// Return which cells are covered by half or more.
function coarse({ bytes, shape: [height, width] }, [rows, columns]) {
  if (rows === height && columns === width) return bytes;
  const balance = new Int32Array(rows * columns);
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor(((y + 0.5) * rows) / height) * columns;
    for (let x = 0; x < width; x += 1) {
      const cell = row + Math.floor(((x + 0.5) * columns) / width);
      balance[cell] += bytes[y * width + x] ? 1 : -1;
    }
  }
  return balance.map((sum) => (sum >= 0 ? 1 : 0));
}

// Seven bits a byte, the low ones first; the eighth says that more follow.
function pushNumber(found, number) {
  let rest = number;
  for (; rest > 127; rest = Math.floor(rest / 128)) found.push((rest % 128) + 128);
  found.push(rest);
}

// Free and covered cells in turn, row by row; what is free at the end is left out.
function runsOf(cells) {
  const found = [];
  let [covered, length] = [false, 0];
  for (const cell of cells) {
    if (Boolean(cell) !== covered) {
      pushNumber(found, length);
      [covered, length] = [!covered, 0];
    }
    length += 1;
  }
  if (covered) pushNumber(found, length);
  return found;
}

const asText = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// The text of a mask; "" of one that covers nothing.
export function maskText(mask) {
  if (!mask.bytes.some(Boolean)) return "";
  let text = "";
  for (const [place, side] of SIDES.entries()) {
    const runs = runsOf(coarse(mask, cellsOf(mask.shape, side)));
    text = runs.length === 0 ? "" : asText([place, ...runs]);
    if (text.length <= LONGEST && runs.length > 0) break;
  }
  return text.length <= LONGEST ? text : "";
}

function numbersOf(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const found = [];
  for (let i = 1; i < plain.length; i += 1) {
    let [number, scale] = [0, 1];
    while (plain.charCodeAt(i) > 127) {
      number += (plain.charCodeAt(i) - 128) * scale;
      scale *= 128;
      i += 1;
    }
    found.push(number + plain.charCodeAt(i) * scale); // NaN where the text was cut off
  }
  return [plain.charCodeAt(0), found];
}

// Return {region, cells}: which cells of a picture of that size are covered; null for other texts.
export function maskCells(text, shape) {
  if (!/^[\w-]+$/.test(text) || text.length > LONGEST || text.length % 4 === 1) return null;
  const [place, runs] = numbersOf(text);
  if (!(place in SIDES)) return null;
  const cells = cellsOf(shape, SIDES[place]);
  const region = new Uint8Array(cells[0] * cells[1]);
  let at = 0;
  for (const [turn, length] of runs.entries()) {
    if (!(length <= region.length - at)) return null;
    if (turn % 2 === 1) region.fill(1, at, at + length);
    at += length;
  }
  return { region, cells };
}
