// @ts-check
// How often each grey occurs in what was loaded of an image: one look, when its first tiles are here.
import { effect } from "./vendor/signals.js";
import { rangeOf } from "./panels/look.js";
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
