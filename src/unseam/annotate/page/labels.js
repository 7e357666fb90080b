// @ts-check
// The page's own copy of the labels in view. It changes at once; the server applies the same operation to the truth.
import { SIDE, Tiles, boxOfTile } from "./tiles.js";
import { boxOf, meets } from "./shapes.js";

/** @typedef {import("./shapes.js").Span} Span */
/** @typedef {Span & { value: number }} PaintedSpan */
/** @typedef {import("./types.d.ts").LabelArray} LabelArray */
/** @typedef {import("./types.d.ts").Mode} Mode */

export class Labels {
  /**
   * @param {import("./types.d.ts").ImageFacts} facts @param {number} none the value for "not annotated"
   * @param {boolean} isObjects @param {() => import("./gl.js").Painter} painter @param {() => void} changed
   */
  constructor(facts, none, isObjects, painter, changed) {
    this.none = none;
    this.isObjects = isObjects;
    /** @param {ArrayBuffer} bytes @returns {LabelArray} */
    const read = (bytes) => (isObjects ? new Int32Array(bytes) : new Uint8Array(bytes));
    this.tiles = new Tiles(facts, "labels", read, isObjects ? 128 : 256, painter, changed);
    this.facts = facts;
    /** @type {{ spans: PaintedSpan[], mode: Mode, only: number | null, saved: number }[]} painted of late, in order */
    this.recent = [];
    this.clock = 1;
    this.tiles.begins = () => this.clock;
    this.tiles.came = (entry, begun) => this.repaint(entry, begun);
  }

  /** A tile as it was when it was asked for: what was not saved by then may not be in it. @param {import("./tiles.js").Entry<LabelArray>} entry @param {number} begun */
  repaint(entry, begun) {
    for (const one of this.recent) if (one.saved > begun) this.paintTile(entry, one.spans, one.mode, one.only);
  }

  /** All that was painted up to here is saved. */
  allSaved() {
    this.clock += 1;
    for (const one of this.recent) one.saved = Math.min(one.saved, this.clock);
    this.recent = this.recent.slice(-500);
  }

  /** @returns {(column: number, row: number) => number} `at` for many pixels */
  reader() {
    const read = this.tiles.reader();
    return (column, row) => read(column, row) ?? this.none;
  }

  /** @param {number} column @param {number} row @returns {number} the label of a pixel of the image */
  at(column, row) {
    return this.tiles.at(column, row) ?? this.none;
  }

  /** The same as the server will do. @param {PaintedSpan[]} spans @param {Mode} mode @param {number | null} only */
  paint(spans, mode, only) {
    if (!spans.length) return;
    const box = boxOf(spans);
    this.recent.push({ spans, mode, only, saved: Infinity });
    for (const entry of this.tiles.entries.values()) {
      if (entry.isHere && meets(boxOfTile(entry), box)) this.paintTile(entry, spans, mode, only);
    }
    this.tiles.changed();
  }

  /**
   * @param {import("./tiles.js").Entry<LabelArray>} entry @param {PaintedSpan[]} spans @param {Mode} mode @param {number | null} only
   */
  paintTile(entry, spans, mode, only) {
    const { level, width, height } = entry;
    for (const span of spans) {
      const y = (span.row >> level) - entry.row * SIDE;
      if (y < 0 || y >= height) continue;
      const left = Math.max(0, (span.left >> level) - entry.column * SIDE);
      const right = Math.min(width, ((span.right - 1) >> level) + 1 - entry.column * SIDE);
      if (left >= right) continue;
      if (!entry.data) {
        if (span.value === this.none) continue;
        entry.data = (this.isObjects ? new Int32Array(width * height) : new Uint8Array(width * height)).fill(this.none);
      }
      const data = entry.data;
      for (let i = y * width + left; i < y * width + right; i += 1) {
        const here = data[i];
        if (mode === "all" || (mode === "empty" ? here === this.none : here === only)) data[i] = span.value;
      }
      [entry.top, entry.bottom] = entry.bottom > entry.top ? [Math.min(entry.top, y), Math.max(entry.bottom, y + 1)] : [y, y + 1];
    }
  }
}

/** @param {PaintedSpan[]} spans merged, in the order of reading @param {number} width @returns {Int32Array} triples of start, length and value */
export function triples(spans, width) {
  const runs = new Int32Array(spans.length * 3);
  spans.forEach((span, i) => {
    runs[3 * i] = span.row * width + span.left;
    runs[3 * i + 1] = span.right - span.left;
    runs[3 * i + 2] = span.value;
  });
  return runs;
}
