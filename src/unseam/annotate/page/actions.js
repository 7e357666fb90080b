// @ts-check
// What the tools paint beyond a brush stroke: pieces, outlines, predictions. Each returns spans; nothing here sends.
import { closedShape, connected } from "./regions.js";
import { merged, polygon } from "./shapes.js";
import * as state from "./state.js";

/** @typedef {import("./shapes.js").Point} Point */
/** @typedef {import("./shapes.js").Span} Span */
/** @typedef {import("./labels.js").PaintedSpan} PaintedSpan */
/** @typedef {import("./scene.js").Scene} Scene */

const MOST_PIXELS = 4_000_000; // of a piece: about a second of work
const LEAST_OBJECT = 16; // pixels; smaller pieces of a prediction are noise, and not accepted as objects

/**
 * What `fill` paints: what an outline encloses, or else the piece of the prediction, under a pixel of the image.
 * @param {Scene} scene @param {number} column @param {number} row
 * @returns {Span[] | string} spans, or a sentence why there are none
 */
export function filled(scene, column, row) {
  const { labels, guess } = scene;
  const facts = state.current.peek();
  if (!labels || !facts) return [];
  const here = labels.at(column, row);
  if (here === labels.none) {
    const read = labels.reader();
    const area = connected(column, row, (x, y) => read(x, y) === here, facts, Math.min(MOST_PIXELS, facts.width * facts.height / 2), true);
    if (area) return area;
  }
  const predicted = guess.at(column, row);
  if (predicted === null) return "Nothing to fill here: draw an outline round it first, or wait for a prediction.";
  const piece = connected(column, row, (x, y) => guess.at(x, y) === predicted, facts, MOST_PIXELS);
  return piece ?? "This piece is too large to fill at once.";
}

/**
 * What the wand paints: pixels of similar grey that hang together with the one under the pointer, within the circle.
 * @param {Scene} scene @param {Point} at @param {number} radius @returns {Span[]}
 */
export function similar(scene, at, radius) {
  const { pixels } = scene;
  const facts = state.current.peek();
  if (!pixels || !facts) return [];
  const [column, row] = [Math.floor(at.x), Math.floor(at.y)];
  const channels = Array.from({ length: facts.channels }, (_, c) => c).filter((c) => !state.hiddenChannels.peek().includes(c));
  const first = channels.map((c) => pixels.at(column, row, c) ?? 0);
  const windows = state.contrast.peek();
  const share = state.wandTolerance.peek() / 100;
  return connected(column, row, (x, y) => {
    if ((x + 0.5 - at.x) ** 2 + (y + 0.5 - at.y) ** 2 > radius * radius) return false;
    return channels.every((c, i) => Math.abs((pixels.at(x, y, c) ?? 0) - first[i]) <= share * (windows[c][1] - windows[c][0]));
  }, facts, MOST_PIXELS) ?? [];
}

/**
 * What is predicted inside a line becomes annotation, where nothing is annotated. Of objects, each piece gets a number: that of
 * the object that it touches, or a new one.
 * @param {Scene} scene @param {Point[] | null} line null: all that is in view
 * @param {() => number} newObject @returns {PaintedSpan[]}
 */
export function accepted(scene, line, newObject) {
  const { guess, labels, camera } = scene;
  const facts = state.current.peek();
  const shown = guess.shown;
  if (!facts || !shown || !labels) return [];
  const box = camera.view();
  const spans = line ? polygon(line, facts) : rows(box.left, box.top, box.right, box.bottom);
  /** @type {PaintedSpan[]} */
  const found = [];
  for (const span of merged(spans)) {
    let from = Math.max(span.left, shown.column);
    const end = Math.min(span.right, shown.column + shown.width);
    while (from < end) {
      const value = guess.at(from, span.row);
      let to = from + 1;
      while (to < end && guess.at(to, span.row) === value) to += 1;
      if (value !== null) found.push({ row: span.row, left: from, right: to, value });
      from = to;
    }
  }
  return state.isObjects.peek() ? numbered(found, labels, newObject) : found;
}

/** @param {number} left @param {number} top @param {number} right @param {number} bottom @returns {Span[]} */
function rows(left, top, right, bottom) {
  return Array.from({ length: bottom - top }, (_, i) => ({ row: top + i, left, right }));
}

/**
 * Foreground spans that touch by their sides share one number.
 * @param {PaintedSpan[]} spans sorted @param {import("./labels.js").Labels} labels @param {() => number} newObject @returns {PaintedSpan[]}
 */
function numbered(spans, labels, newObject) {
  const parent = spans.map((_, i) => i);
  /** @param {number} i @returns {number} */
  const root = (i) => { while (parent[i] !== i) i = parent[i] = parent[parent[i]]; return i; };
  /** @type {Map<number, number[]>} */
  const inRow = new Map();
  spans.forEach((span, i) => {
    if (span.value === 0) return;
    for (const j of inRow.get(span.row - 1) ?? []) {
      if (spans[j].left < span.right && span.left < spans[j].right) parent[root(i)] = root(j);
    }
    inRow.set(span.row, [...(inRow.get(span.row) ?? []), i]);
  });
  /** @type {Map<number, number>} */
  const numbers = new Map();
  /** @type {Map<number, number>} */
  const sizes = new Map();
  spans.forEach((span, i) => sizes.set(root(i), (sizes.get(root(i)) ?? 0) + span.right - span.left));
  spans.forEach((span, i) => {
    if (span.value === 0 || numbers.has(root(i))) return;
    for (let x = span.left; x < span.right; x += 1) {
      const here = labels.at(x, span.row);
      if (here > 0 && here !== labels.none) return void numbers.set(root(i), here);
    }
  });
  return spans.flatMap((span, i) => {
    if (span.value === 0) return [span];
    if (!numbers.has(root(i)) && (sizes.get(root(i)) ?? 0) < LEAST_OBJECT) return [];
    if (!numbers.has(root(i))) numbers.set(root(i), newObject());
    return [{ ...span, value: /** @type {number} */ (numbers.get(root(i))) }];
  });
}

/**
 * Make an object whole: its inside is filled, and a ring of background of 2 px lies round it, both only where nothing is
 * annotated. From the ring the network learns the gap between objects that touch (Eq. 2 of the paper).
 * @param {Scene} scene @param {number} column @param {number} row @returns {PaintedSpan[]}
 */
export function closed(scene, column, row) {
  const labels = scene.labels;
  const facts = state.current.peek();
  const value = labels?.at(column, row) ?? 0;
  if (!labels || !facts || value <= 0 || value === labels.none) return [];
  const read = labels.reader();
  const object = connected(column, row, (x, y) => read(x, y) === value, facts, MOST_PIXELS);
  if (!object) return [];
  const { inside, ring } = closedShape(object, 2, facts);
  return [...inside.map((span) => ({ ...span, value })), ...ring.map((span) => ({ ...span, value: 0 }))]
    .sort((a, b) => a.row - b.row || a.left - b.left);
}
