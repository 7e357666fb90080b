// @ts-check
// How often each grey occurs in what was loaded of an image: one look, when its first tiles are here.
import { effect } from "./vendor/signals.js";
import * as state from "./state.js";

const BINS = 64;
const MOST = 40_000; // pixels looked at

/** @param {import("./scene.js").Scene} scene */
export function countInto(scene) {
  effect(() => {
    const facts = state.current.value;
    if (!facts || state.histogram.peek().length) return;
    const look = () => {
      if (state.current.peek()?.image !== facts.image || state.histogram.peek().length) return;
      const tiles = [...(scene.pixels?.entries.values() ?? [])].filter((one) => one.isHere && one.data);
      if (!tiles.length || scene.pixels?.running) return void setTimeout(look, 60);
      state.histogram.value = count(tiles.map((one) => /** @type {import("./types.d.ts").PixelArray} */ (one.data)), facts);
    };
    look();
  });
}

/** The part of the scale that the handles reach: three times what is displayed at first. @param {import("./types.d.ts").ImageFacts} facts @param {number} most @returns {[number, number]} */
export function rangeOf(facts, most) {
  const low = Math.min(...facts.display.map(([from]) => from));
  const high = Math.max(...facts.display.map(([, to]) => to));
  const wide = Math.max(8, high - low);
  return [Math.max(0, Math.floor(low - 0.5 * wide)), Math.min(most, Math.ceil(high + wide))];
}

/** @param {import("./types.d.ts").PixelArray[]} tiles @param {import("./types.d.ts").ImageFacts} facts @returns {number[]} */
function count(tiles, facts) {
  const [low, high] = rangeOf(facts, facts.dtype === "uint16" ? 65535 : 255);
  const counts = new Array(BINS).fill(0);
  const step = Math.max(1, Math.floor(tiles.reduce((sum, one) => sum + one.length, 0) / MOST));
  for (const tile of tiles) {
    for (let i = 0; i < tile.length; i += step) {
      const bin = Math.floor((BINS * (tile[i] - low)) / (high - low));
      if (bin >= 0 && bin < BINS) counts[bin] += 1;
    }
  }
  return counts;
}

/**
 * Black and white points from what is loaded of an image: the darkest hundredth is black, the brightest five hundredth white. The
 * channels of a colour picture share theirs, or its colours would change.
 * @param {import("./scene.js").Scene} scene @param {import("./types.d.ts").ImageFacts} facts
 */
export function fitContrast(scene, facts) {
  const tiles = [...(scene.pixels?.entries.values() ?? [])].filter((one) => one.isHere && one.data);
  /** @param {number[]} planes @returns {[number, number]} */
  const windowOf = (planes) => {
    /** @type {number[]} */
    const values = [];
    for (const tile of tiles) {
      const area = tile.width * tile.height;
      const step = Math.max(1, Math.floor((area * planes.length * tiles.length) / MOST));
      const data = /** @type {import("./types.d.ts").PixelArray} */ (tile.data);
      for (const plane of planes) for (let i = 0; i < area; i += step) values.push(data[plane * area + i]);
    }
    values.sort((a, b) => a - b);
    const low = values[Math.floor(0.01 * values.length)] ?? 0;
    return [low, Math.max(low + 1, values[Math.floor(0.998 * (values.length - 1))] ?? 1)];
  };
  const all = Array.from({ length: facts.channels }, (_, c) => c);
  if (tiles.length) state.contrast.value = facts.is_rgb ? all.map(() => windowOf(all)) : all.map((c) => windowOf([c]));
}
