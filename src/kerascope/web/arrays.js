// Numbers and pictures of a document: blobs to typed arrays, and maps at the size of their picture.

const MOST_NUMBERS = 32e6; // that are kept at a time: 128 MB
const keptArrays = new Map();
let keptNumbers = 0;

const lengthOf = (numbers) => (numbers.rgba ?? numbers).length;

// Return what `start()` promises, made once for every `owner` and `key`; the oldest owners go.
function keepArray(owner, key, start) {
  const things = keptArrays.get(owner) ?? new Map();
  keptArrays.delete(owner);
  keptArrays.set(owner, things);
  if (things.has(key)) return things.get(key);
  const promise = start();
  things.set(key, promise);
  promise.then(
    (numbers) => {
      keptNumbers += lengthOf(numbers);
      makeRoom(owner);
    },
    () => things.delete(key),
  );
  return promise;
}

function makeRoom(newest) {
  for (const [owner, things] of keptArrays) {
    if (keptNumbers <= MOST_NUMBERS || owner === newest) return;
    keptArrays.delete(owner);
    for (const promise of things.values()) {
      promise.then((numbers) => {
        keptNumbers -= lengthOf(numbers);
      }, () => {});
    }
  }
}

export function bytesOf(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// "shuffled": all high bytes come first, then all low bytes.
function wholeNumbers(bytes, shuffled) {
  const count = bytes.length >> 1;
  const whole = new Int16Array(count);
  const [low, high, step] = shuffled ? [count, 0, 1] : [0, 1, 2];
  for (let i = 0; i < count; i += 1) {
    whole[i] = bytes[low + step * i] | (bytes[high + step * i] << 8);
  }
  return whole;
}

async function decodedArray(book, array) {
  const content = bytesOf(book.blob(array.blob));
  const plain = array.packed.startsWith("deflate") ? await inflated(content) : content;
  const whole = wholeNumbers(plain, array.packed.includes("shuffled"));
  const wanted = sizeOf(array.shape);
  if (whole.length !== wanted) {
    throw new Error(`an array of ${array.shape.join(" × ")} holds ${whole.length} numbers`);
  }
  const scale = Math.fround(array.scale);
  return Float32Array.from(whole, (number) => number * scale);
}

export function sizeOf(shape) {
  return shape.reduce((product, length) => product * length, 1);
}

// Return a promise of an array's numbers, Float32Array in rows; never write into it.
export function arrayOf(book, array) {
  return keepArray(array, "", () => decodedArray(book, array));
}

// Return a promise of a map's numbers at the size of a picture, or at the input's own.
export function fieldOf(book, map, array, picture = null) {
  const size = picture ? [picture.height, picture.width] : map.size;
  const grown = (numbers) => (size.length === 3 ? numbers : fitted(numbers, map.size, size));
  return keepArray(array, `${map.size}:${size}`, async () => {
    const values = await arrayOf(book, array);
    return grown(stretched(values, array.shape, map.size));
  });
}

// Linear interpolation with half-pixel centres, edges held: `resize.linear` of Python.
export function stretched(values, oldShape, shape) {
  return shape.length === 3
    ? stretchedDeep(values, oldShape, shape) : stretchedFlat(values, oldShape, shape);
}

// Slice by slice, then across them: a slice is one row of all its values.
function stretchedDeep(values, [oldDepth, oldHeight, oldWidth], [depth, height, width]) {
  const [from, to] = [oldHeight * oldWidth, height * width];
  const slices = new Float32Array(oldDepth * to);
  for (let z = 0; z < oldDepth; z += 1) {
    const slice = values.subarray(z * from, (z + 1) * from);
    slices.set(stretchedFlat(slice, [oldHeight, oldWidth], [height, width]), z * to);
  }
  return oldDepth === depth ? slices : alongRows(slices, oldDepth, to, depth);
}

function stretchedFlat(values, [oldHeight, oldWidth], [height, width]) {
  let result = values;
  if (oldHeight !== height) result = alongRows(result, oldHeight, oldWidth, height);
  if (oldWidth !== width) result = alongColumns(result, oldWidth, height, width);
  return result;
}

function neighbours(old, length) {
  const low = new Int32Array(length);
  const high = new Int32Array(length);
  const share = new Float64Array(length);
  for (let i = 0; i < length; i += 1) {
    const centre = Math.min(Math.max(((i + 0.5) * old) / length - 0.5, 0), old - 1);
    low[i] = Math.floor(centre);
    high[i] = Math.min(low[i] + 1, old - 1);
    share[i] = centre - low[i];
  }
  return { low, high, share };
}

function alongRows(values, oldHeight, width, height) {
  const { low, high, share } = neighbours(oldHeight, height);
  const result = new Float32Array(height * width);
  for (let y = 0; y < height; y += 1) {
    const [above, below, weight] = [low[y] * width, high[y] * width, share[y]];
    for (let x = 0; x < width; x += 1) {
      result[y * width + x] = values[above + x] * (1 - weight) + values[below + x] * weight;
    }
  }
  return result;
}

function alongColumns(values, oldWidth, height, width) {
  const { low, high, share } = neighbours(oldWidth, width);
  const result = new Float32Array(height * width);
  for (let y = 0; y < height; y += 1) {
    const [from, to] = [y * oldWidth, y * width];
    for (let x = 0; x < width; x += 1) {
      const weight = share[x];
      result[to + x] = values[from + low[x]] * (1 - weight) + values[from + high[x]] * weight;
    }
  }
  return result;
}

// A picture of the model's pixels grown by whole steps gets a map grown likewise: `picture.fitted`.
export function fitted(values, [oldHeight, oldWidth], [height, width]) {
  const [down, across] = [Math.floor(height / oldHeight), Math.floor(width / oldWidth)];
  if (down === 1 && across === 1 && height === oldHeight && width === oldWidth) return values;
  if (down * oldHeight !== height || across * oldWidth !== width) {
    return stretched(values, [oldHeight, oldWidth], [height, width]);
  }
  const result = new Float32Array(height * width);
  for (let y = 0; y < height; y += 1) {
    const from = Math.floor(y / down) * oldWidth;
    for (let x = 0; x < width; x += 1) {
      result[y * width + x] = values[from + Math.floor(x / across)];
    }
  }
  return result;
}

// Return a promise of a picture's pixels: {width, height, rgba: Uint32Array, grey: Uint8Array}.
// source: a data URI, or an address of this server.
export function pixelsOf(source) {
  return keepArray(source, "", async () => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const brush = canvas.getContext("2d", { willReadFrequently: true });
    brush.drawImage(image, 0, 0);
    return pixelsFrom(brush.getImageData(0, 0, canvas.width, canvas.height));
  });
}

export function pixelsFrom({ width, height, data }) {
  const rgba = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i += 1) {
    const at = 4 * i;
    grey[i] = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2] + 0.5;
  }
  return { width, height, rgba, grey };
}
