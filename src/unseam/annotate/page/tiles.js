// @ts-check
// Tiles of one image at all levels: asked for when they come into view, kept while there is room, the least recent out first.
import { Away, Refusal, call } from "./link.js";
import { meets } from "./shapes.js";

/** @typedef {import("./shapes.js").Box} Box */
/** @typedef {import("./types.d.ts").LabelArray} LabelArray */
/** @typedef {import("./types.d.ts").PixelArray} PixelArray */

export const SIDE = 512;
const AT_ONCE = 6; // as many connections as a browser opens to one server, less one for events

/**
 * A tile; `data` is null while it comes, and for labels where nothing is annotated.
 * @template {LabelArray | PixelArray} A
 * @typedef {{ key: string, level: number, row: number, column: number, width: number, height: number, data: A | null,
 *   isHere: boolean, isOld: boolean, isComing: boolean, notBefore: number, top: number, bottom: number, tile: import("./gl.js").Tile | null, used: number }} Entry
 */

/** @param {number} pixels @param {number} level */
export const atLevel = (pixels, level) => Math.ceil(pixels / 2 ** level);

/** @template {LabelArray | PixelArray} A */
export class Tiles {
  /**
   * @param {import("./types.d.ts").ImageFacts} facts @param {"tiles" | "labels"} what
   * @param {(bytes: ArrayBuffer) => A} read @param {number} most tiles kept
   * @param {() => import("./gl.js").Painter} painter @param {() => void} changed something can be drawn that could not before
   */
  constructor(facts, what, read, most, painter, changed) {
    this.facts = facts;
    this.what = what;
    this.read = read;
    this.most = most;
    this.painter = painter;
    this.changed = changed;
    /** @type {Map<string, Entry<A>>} */
    this.entries = new Map();
    /** @type {Entry<A>[]} */
    this.waiting = [];
    this.running = 0;
    this.clock = 0;
    this.isClosed = false;
    /** Called as a tile is asked for; what it returns is handed to `came` when the tile is here. */
    this.begins = () => 0;
    /** @type {(entry: Entry<A>, begun: number) => void} */
    this.came = () => {};
  }

  /** The tiles of a level that meet a box of the image, asked for if they are not here. @param {number} level @param {Box} box */
  want(level, box) {
    const reach = SIDE * 2 ** level;
    const found = [];
    this.clock += 1;
    for (let row = Math.floor(box.top / reach); row * reach < box.bottom; row += 1) {
      for (let column = Math.floor(box.left / reach); column * reach < box.right; column += 1) {
        const entry = this.entry(level, row, column);
        entry.used = this.clock;
        if ((!entry.isHere || entry.isOld) && !entry.isComing && performance.now() >= entry.notBefore) {
          entry.isComing = true;
          this.waiting.unshift(entry);
        }
        found.push(entry);
      }
    }
    this.tidy();
    this.work();
    return found;
  }

  /** @param {number} level @param {number} row @param {number} column @returns {Entry<A>} */
  entry(level, row, column) {
    const key = `${level}/${row}/${column}`;
    let entry = this.entries.get(key);
    if (!entry) {
      const width = Math.min(SIDE, atLevel(this.facts.width, level) - column * SIDE);
      const height = Math.min(SIDE, atLevel(this.facts.height, level) - row * SIDE);
      entry = { key, level, row, column, width, height, data: null, isHere: false, isOld: false, isComing: false, notBefore: 0, top: 0, bottom: 0, tile: null, used: 0 };
      this.entries.set(key, entry);
    }
    return entry;
  }

  /** What is loaded, coarse first. @param {number} level the finest that is of use @param {Box} box */
  here(level, box) {
    return [...this.entries.values()]
      .filter((entry) => entry.isHere && entry.level >= level && meets(boxOfTile(entry), box))
      .sort((a, b) => b.level - a.level);
  }

  /** Ask anew for the tiles that meet a box, of all levels above `from`; what is shown stays until the new ones come. @param {Box} box @param {number} from */
  renew(box, from = 0) {
    document.documentElement.dataset.settled = "false";
    for (const entry of this.entries.values()) {
      if (entry.level >= from && meets(boxOfTile(entry), box)) entry.isOld = true; // also one that is on its way
    }
    this.changed();
  }

  work() {
    while (this.running < AT_ONCE && this.waiting.length && !this.isClosed) {
      const entry = /** @type {Entry<A>} */ (this.waiting.shift());
      if (entry.used < this.clock - 30) { // it left the view long ago
        entry.isComing = false;
        continue;
      }
      this.running += 1;
      void this.fetch(entry).finally(() => {
        this.running -= 1;
        this.work();
        this.changed();
      });
    }
  }

  /** @param {Entry<A>} entry */
  async fetch(entry) {
    entry.isOld = false;
    const begun = this.begins();
    try {
      const reply = await call(`images/${this.facts.image}/${this.what}/${entry.key}`);
      const data = reply.status === 204 ? null : this.read(await reply.arrayBuffer());
      if (this.isClosed) return;
      this.painter().drop(entry.tile);
      entry.tile = null;
      entry.data = data;
      entry.isHere = true;
      this.came(entry, begun);
      this.changed();
    } catch (fault) {
      if (!(fault instanceof Away || fault instanceof Refusal)) throw fault;
      entry.isOld = true;
      entry.notBefore = performance.now() + 1000;
      setTimeout(() => this.changed(), 1050); // asked again if it is still in view
    } finally {
      entry.isComing = false;
    }
  }

  /** @param {Entry<A>} entry @param {number} planes @returns {import("./gl.js").Tile | null} its texture, with what was painted since */
  texture(entry, planes) {
    if (!entry.data) return null;
    if (!entry.tile) {
      entry.tile = this.painter().upload(entry.data, entry.width, entry.height, planes);
    } else if (entry.bottom > entry.top) {
      this.painter().uploadRows(entry.tile, /** @type {LabelArray} */ (entry.data), entry.top, entry.bottom);
    }
    entry.top = entry.bottom = 0;
    return entry.tile;
  }

  /** The value of a pixel of the image from the finest tile that is here. @param {number} column @param {number} row @param {number} plane */
  at(column, row, plane = 0) {
    for (let level = 0; level < this.facts.levels; level += 1) {
      const [x, y] = [column >> level, row >> level];
      const entry = this.entries.get(`${level}/${Math.floor(y / SIDE)}/${Math.floor(x / SIDE)}`);
      if (!entry?.isHere) continue;
      if (!entry.data) return null;
      return entry.data[(plane * entry.height + (y % SIDE)) * entry.width + (x % SIDE)];
    }
    return null;
  }

  /** The same as `at` for many pixels: it remembers the tile of the last one. @param {number} plane */
  reader(plane = 0) {
    /** @type {Entry<A> | undefined} */
    let last;
    return (/** @type {number} */ column, /** @type {number} */ row) => {
      const [c, r] = [column >> 9, row >> 9];
      if (!last || last.column !== c || last.row !== r) last = this.entries.get(`0/${r}/${c}`);
      if (!last?.isHere) return this.at(column, row, plane);
      return last.data ? last.data[(plane * last.height + (row & 511)) * last.width + (column & 511)] : null;
    };
  }

  /** Keep the memory bounded. */
  tidy() {
    if (this.entries.size <= this.most) return;
    const old = [...this.entries.values()].filter((one) => one.used < this.clock).sort((a, b) => a.used - b.used);
    for (const entry of old.slice(0, this.entries.size - this.most)) {
      this.painter().drop(entry.tile);
      this.entries.delete(entry.key);
    }
  }

  /** The context of the canvas was lost: every texture is gone. */
  forgetTextures() {
    for (const entry of this.entries.values()) entry.tile = null;
  }

  close() {
    this.isClosed = true;
    for (const entry of this.entries.values()) this.painter().drop(entry.tile);
    this.entries.clear();
  }
}

/** @param {{ level: number, row: number, column: number, width: number, height: number }} tile @returns {Box} in pixels of the image */
export function boxOfTile(tile) {
  const reach = 2 ** tile.level;
  const [left, top] = [tile.column * SIDE * reach, tile.row * SIDE * reach];
  return { left, top, right: left + tile.width * reach, bottom: top + tile.height * reach };
}
