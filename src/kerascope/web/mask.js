// A part of a picture that is painted over: one byte a pixel of the model's input.

export class Mask {
  constructor([height, width]) {
    this.shape = [height, width];
    this.ratio = width / height; // of the picture as it is shown, which may be another
    this.bytes = new Uint8Array(height * width);
    this.version = 0;
  }

  // Return how far a disc reaches across and down, in shares of width and height: it is round on
  // the picture, whose pixels need not be square. radius: a share of the picture's longer side.
  reach(radius) {
    return this.ratio >= 1 ? [radius, radius * this.ratio] : [radius / this.ratio, radius];
  }

  // Paint (or free) a disc round a place.
  disc([x, y], radius, covered = true) {
    const [height, width] = this.shape;
    const [across, down] = this.reach(radius);
    const [middleX, middleY] = [x * width, y * height];
    const value = covered ? 255 : 0;
    const [top, bottom] = [middleY - down * height, middleY + down * height];
    for (let row = Math.max(0, Math.floor(top)); row < Math.min(height, bottom); row += 1) {
      const rest = 1 - ((row + 0.5 - middleY) / (down * height)) ** 2;
      if (rest <= 0) continue;
      const half = across * width * Math.sqrt(rest);
      const from = Math.max(0, Math.round(middleX - half));
      const to = Math.min(width, Math.round(middleX + half));
      if (from < to) this.bytes.fill(value, row * width + from, row * width + to);
    }
    this.version += 1;
  }

  // Paint discs so close along a line that they join.
  line(from, to, radius, covered = true) {
    const far = Math.hypot(to[0] - from[0], to[1] - from[1]);
    const steps = Math.max(1, Math.ceil(far / (radius / 2)));
    for (let i = 1; i <= steps; i += 1) {
      const share = i / steps;
      this.disc(from.map((start, axis) => start + share * (to[axis] - start)), radius, covered);
    }
  }

  // Take a region of 0 and 1 in cells of any size.
  take(region, [rows, columns]) {
    const [height, width] = this.shape;
    for (let y = 0; y < height; y += 1) {
      const row = Math.floor(((y + 0.5) * rows) / height) * columns;
      for (let x = 0; x < width; x += 1) {
        const cell = row + Math.floor(((x + 0.5) * columns) / width);
        this.bytes[y * width + x] = region[cell] ? 255 : 0;
      }
    }
    this.version += 1;
  }

  clear() {
    this.bytes.fill(0);
    this.version += 1;
  }

  get area() {
    let count = 0;
    for (const byte of this.bytes) if (byte) count += 1;
    return count / this.bytes.length;
  }

  // As the studio takes it: {shape, bytes: base64}.
  packed() {
    let text = "";
    for (let i = 0; i < this.bytes.length; i += 8192) {
      text += String.fromCharCode(...this.bytes.subarray(i, i + 8192));
    }
    return { shape: this.shape, bytes: btoa(text) };
  }

  // Draw what is covered into a canvas of the mask's size, in stripes that show on any picture.
  paint(canvas) {
    const [height, width] = this.shape;
    canvas.width = width;
    canvas.height = height;
    const brush = canvas.getContext("2d");
    const image = brush.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const stripe = Math.max(2, Math.round(Math.max(height, width) / 64));
    for (let i = 0; i < pixels.length; i += 1) {
      if (!this.bytes[i]) continue;
      const diagonal = Math.floor(((i % width) + Math.floor(i / width)) / stripe);
      pixels[i] = diagonal % 2 ? 0xe0ffffff : 0xe0282420;
    }
    brush.putImageData(image, 0, 0);
  }
}

// Return what lies under a mask: shares of the evidence for and against, and the sum.
export function underMask(field, { bytes }, meaning) {
  let [positive, negative, coveredPositive, coveredNegative, sum] = [0, 0, 0, 0, 0];
  for (let i = 0; i < field.length; i += 1) {
    const value = meaning === "magnitude" ? Math.abs(field[i]) : field[i];
    if (value > 0) positive += value;
    else negative -= value;
    if (!bytes[i]) continue;
    if (value > 0) coveredPositive += value;
    else coveredNegative -= value;
    sum += value;
  }
  return {
    held: positive > 0 ? coveredPositive / positive : 0,
    against: negative > 0 ? coveredNegative / negative : 0,
    sum,
  };
}
