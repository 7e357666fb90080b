// @ts-check
// Connected pieces: what `fill` and the wand paint. Pure functions over a question "does this pixel belong?".

import { boxOf } from "./shapes.js";

/** @typedef {import("./shapes.js").Span} Span */
/** @typedef {import("./shapes.js").Size} Size */
/** @typedef {(column: number, row: number) => boolean} Belongs */

/**
 * The pixels that hang together with a first one (by their sides) and belong, as spans; null if more than `most` pixels do, or if `isEnclosed` is asked for and the piece touches the border.
 *
 * It goes by whole spans: a piece costs a little more than its pixels, not its box.
 * @param {number} column @param {number} row @param {Belongs} belongs @param {Size} size @param {number} most
 * @param {boolean} isEnclosed
 * @returns {Span[] | null}
 */
export function connected(column, row, belongs, size, most, isEnclosed = false) {
  /** @type {Span[]} */
  const spans = [];
  if (column < 0 || row < 0 || column >= size.width || row >= size.height || !belongs(column, row)) return spans;
  /** @type {Map<number, Span[]>} */
  const done = new Map();
  const waiting = [[column, row]];
  let pixels = 0;
  while (waiting.length) {
    const [x, y] = /** @type {[number, number]} */ (waiting.pop());
    const inRow = done.get(y) ?? [];
    if (inRow.some((span) => span.left <= x && x < span.right)) continue;
    let [left, right] = [x, x + 1];
    while (left > 0 && belongs(left - 1, y)) left -= 1;
    while (right < size.width && belongs(right, y)) right += 1;
    const span = { row: y, left, right };
    done.set(y, [...inRow, span]);
    spans.push(span);
    pixels += right - left;
    if (pixels > most) return null;
    if (isEnclosed && (left === 0 || y === 0 || right === size.width || y === size.height - 1)) return null;
    for (const next of [y - 1, y + 1]) {
      if (next >= 0 && next < size.height) startsOfRuns(left, right, next, belongs, waiting);
    }
  }
  return spans;
}

/**
 * @param {number} left @param {number} right @param {number} row @param {Belongs} belongs @param {number[][]} waiting
 */
function startsOfRuns(left, right, row, belongs, waiting) {
  let inside = false;
  for (let x = left; x < right; x += 1) {
    const here = belongs(x, row);
    if (here && !inside) waiting.push([x, row]);
    inside = here;
  }
}

/**
 * A shape with its holes filled, and a ring round it by the chessboard distance, cut at the border of the image.
 * @param {Span[]} spans of the shape @param {number} ring width of the ring in px @param {Size} size
 * @returns {{ inside: Span[], ring: Span[] }}
 */
export function closedShape(spans, ring, size) {
  const box = boxOf(spans);
  const [left, top] = [box.left - ring - 1, box.top - ring - 1]; // of a grid with room for the ring, and a way round it
  const grid = { width: box.right - left + ring + 1, height: box.bottom - top + ring + 1 };
  const shape = new Uint8Array(grid.width * grid.height);
  for (const span of spans) shape.fill(1, (span.row - top) * grid.width + span.left - left, (span.row - top) * grid.width + span.right - left);
  const outside = connected(0, 0, (x, y) => shape[y * grid.width + x] === 0, grid, shape.length) ?? [];
  shape.fill(1);
  for (const span of outside) shape.fill(0, span.row * grid.width + span.left, span.row * grid.width + span.right);
  /** @param {Belongs} belongs */
  const collect = (belongs) => {
    const found = [];
    for (let y = Math.max(0, -top); y < Math.min(grid.height, size.height - top); y += 1) {
      let from = -1;
      for (let x = Math.max(0, -left); x <= Math.min(grid.width, size.width - left); x += 1) {
        const here = x < Math.min(grid.width, size.width - left) && belongs(x, y);
        if (here && from < 0) from = x;
        if (!here && from >= 0) found.push({ row: y + top, left: from + left, right: x + left });
        if (!here) from = -1;
      }
    }
    return found;
  };
  /** @type {Belongs} */
  const isNear = (x, y) => {
    for (let v = Math.max(0, y - ring); v <= Math.min(grid.height - 1, y + ring); v += 1) {
      for (let u = Math.max(0, x - ring); u <= Math.min(grid.width - 1, x + ring); u += 1) if (shape[v * grid.width + u]) return true;
    }
    return false;
  };
  return {
    inside: collect((x, y) => shape[y * grid.width + x] === 1),
    ring: collect((x, y) => shape[y * grid.width + x] === 0 && isNear(x, y)),
  };
}
