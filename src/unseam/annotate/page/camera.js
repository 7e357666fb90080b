// @ts-check
// Where the canvas looks: the corner of the view in pixels of the image, and CSS pixels per pixel of the image.

/** @typedef {import("./shapes.js").Point} Point */
/** @typedef {import("./shapes.js").Size} Size */
/** @typedef {import("./shapes.js").Box} Box */

export class Camera {
  constructor() {
    this.x = 0;
    this.y = 0;
    this.scale = 1;
    /** CSS pixels of the canvas. */
    this.canvas = { width: 1, height: 1 };
    this.image = { width: 1, height: 1 };
    /** CSS pixels at the left that the tools cover; a fitted image leaves them free. */
    this.covered = 60;
  }

  /** @param {number} left @param {number} top CSS pixels from the corner of the canvas @returns {Point} */
  toImage(left, top) {
    return { x: this.x + left / this.scale, y: this.y + top / this.scale };
  }

  /** @param {Point} point of the image @returns {Point} CSS pixels from the corner of the canvas */
  toCanvas(point) {
    return { x: (point.x - this.x) * this.scale, y: (point.y - this.y) * this.scale };
  }

  get least() {
    return Math.min(0.5, this.fitting());
  }

  /** @param {number} share of the canvas that the image fills */
  fitting(share = 0.96) {
    const { canvas, image } = this;
    return share * Math.min(Math.max(1, canvas.width - this.covered) / image.width, canvas.height / image.height);
  }

  fit() {
    this.scale = Math.min(this.fitting(), 64);
    this.centre({ x: this.image.width / 2 - this.covered / 2 / this.scale, y: this.image.height / 2 });
  }

  /** @param {Point} point */
  centre(point) {
    this.x = point.x - this.canvas.width / 2 / this.scale;
    this.y = point.y - this.canvas.height / 2 / this.scale;
    this.hold();
  }

  /** Show a box of the image, a little smaller than the canvas. @param {Box} box */
  show(box) {
    const [width, height] = [box.right - box.left, box.bottom - box.top];
    this.scale = Math.max(this.least, Math.min(16, 0.8 * Math.min(this.canvas.width / width, this.canvas.height / height)));
    this.centre({ x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 });
  }

  /** Zoom so that the point under the pointer stays where it is. @param {number} factor @param {number} left @param {number} top */
  zoom(factor, left, top) {
    const before = this.toImage(left, top);
    this.scale = Math.max(this.least, Math.min(64, this.scale * factor));
    this.x = before.x - left / this.scale;
    this.y = before.y - top / this.scale;
    this.hold();
  }

  /** @param {number} dx @param {number} dy CSS pixels */
  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.hold();
  }

  /** An image never leaves the canvas for good: a strip of it, or its middle, stays. */
  hold() {
    const [wide, high] = [this.canvas.width / this.scale, this.canvas.height / this.scale];
    const keep = Math.min(80 / this.scale, this.image.width / 2, this.image.height / 2);
    this.x = Math.max(keep - wide, Math.min(this.image.width - keep, this.x));
    this.y = Math.max(keep - high, Math.min(this.image.height - keep, this.y));
  }

  /** @returns {Box} whole pixels of the image in view */
  view() {
    const { width, height } = this.image;
    /** @param {number} value @param {number} most */
    const within = (value, most) => Math.max(0, Math.min(most, value));
    return {
      left: within(Math.floor(this.x), width),
      top: within(Math.floor(this.y), height),
      right: within(Math.ceil(this.x + this.canvas.width / this.scale), width),
      bottom: within(Math.ceil(this.y + this.canvas.height / this.scale), height),
    };
  }

  /** The level whose texels are between half a pixel of the screen and a whole one. @param {number} levels @param {number} density */
  level(levels, density) {
    return Math.max(0, Math.min(levels - 1, Math.floor(Math.log2(1 / (this.scale * density)) + 1e-6)));
  }

  /** @param {Box} box of the image, may be fractions @returns {import("./gl.js").Rectangle} */
  clip(box) {
    const a = this.toCanvas({ x: box.left, y: box.top });
    const b = this.toCanvas({ x: box.right, y: box.bottom });
    const { width, height } = this.canvas;
    /** @param {number} x */
    const across = (x) => (2 * x) / width - 1;
    /** @param {number} y */
    const down = (y) => 1 - (2 * y) / height;
    return { left: across(a.x), top: down(a.y), right: across(b.x), bottom: down(b.y) };
  }
}

/**
 * The bar that tells how long things are: at most `most` CSS pixels, of 1, 2 or 5 times a power of ten.
 * @param {number} um micrometres of a pixel of the image @param {number} scale CSS pixels of one @param {number} most
 * @returns {{ width: number, text: string }}
 */
export function scaleBar(um, scale, most) {
  const longest = (most * um) / scale;
  const power = 10 ** Math.floor(Math.log10(longest) + 1e-9);
  const length = ([5, 2, 1].find((one) => one * power <= longest * (1 + 1e-9)) ?? 1) * power;
  const [unit, name] = length >= 1000 ? [1000, "mm"] : length >= 1 ? [1, "µm"] : [0.001, "nm"];
  return { width: (length / um) * scale, text: `${Number((length / unit).toPrecision(3))} ${name}` };
}
