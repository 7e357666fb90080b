// @ts-check
// Colours that colour-blind people tell apart: Okabe and Ito's, without black, which a micrograph hides.
// Source: M. Okabe, K. Ito, "Color Universal Design", 2008, https://jfly.uni-koeln.de/color/
import { computed, signal } from "./vendor/signals.js";
import * as state from "./state.js";

/** What new classes are offered, background first. */
export const OFFERED = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#0072b2", "#f0e442", "#999999"];
/** Objects take eight of these in turn, without that of the background; so two that follow each other differ. */
const HUES = ["#e69f00", "#009e73", "#d55e00", "#0072b2", "#cc79a7", "#f0e442", "#8ad1b5", "#b07d62", "#56b4e9"];
/** Light of the channels of an image that is not RGB, the first one grey if it is alone. */
const CHANNEL_HUES = ["#d55e00", "#009e73", "#0072b2", "#f0e442", "#cc79a7", "#56b4e9", "#e69f00", "#ffffff"];

/** Classes that the user switched off, by value. */
export const hiddenClasses = signal(/** @type {number[]} */ ([]));

/** @param {string} colour `#rrggbb` @returns {[number, number, number]} 0 to 255 */
export function rgb(colour) {
  const number = parseInt(colour.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** 256 rows of red, green, blue, alpha: what the shaders look up. */
export const palette = computed(() => {
  const rows = Array.from({ length: 256 }, () => [0, 0, 0, 0]);
  /** @param {number} value @param {string} colour @param {number} owner the class that switches it off */
  const set = (value, colour, owner) => { rows[value] = [...rgb(colour), hiddenClasses.value.includes(owner) ? 0 : 255]; };
  for (const one of state.classes.value) set(one.value, one.colour, one.value);
  if (state.isObjects.value) huesOfObjects().forEach((hue, i) => set(i + 1, hue, 1));
  return rows;
});

const huesOfObjects = () => HUES.filter((hue) => hue !== state.classes.value[0]?.colour).slice(0, 8);

/** @param {number} label of an object, from 1 @returns {string} */
export const hueOf = (label) => huesOfObjects()[(label - 1) % 8];

/**
 * @param {{ channels: number, is_rgb: boolean }} facts @param {number[]} hidden
 * @returns {number[][]} red, green, blue of the light of each channel, 0 to 1
 */
export function tints(facts, hidden) {
  const hues = facts.is_rgb ? ["#ff0000", "#00ff00", "#0000ff"] : facts.channels === 1 ? ["#ffffff"] : CHANNEL_HUES;
  return Array.from({ length: facts.channels }, (_, c) =>
    hidden.includes(c) ? [0, 0, 0] : rgb(hues[c % hues.length]).map((one) => one / 255));
}

/** @param {number} channel @returns {string} */
export const hueOfChannel = (channel) => CHANNEL_HUES[channel % CHANNEL_HUES.length];

/** The surround of the image, by the theme. */
export const around = signal([0.9, 0.91, 0.92]);
