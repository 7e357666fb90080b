// @ts-check
import { h } from "../vendor/preact.js";
import { IconButton, Panel, Slider } from "./parts.js";
import { hueOfChannel } from "../colours.js";
import { fitContrast, rangeOf } from "../histogram.js";
import { inOwnValues } from "../pointer.js";
import * as state from "../state.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../types.d.ts").ImageFacts} ImageFacts */

/** @param {{ app: App }} props */
export function Look({ app }) {
  const facts = state.current.value;
  const patterns = h("button", {
    type: "button", class: "link", title: "Stripes tell classes apart without their colours (K)", "aria-pressed": String(state.hasPatterns.value),
    onClick: () => { state.hasPatterns.value = !state.hasPatterns.peek(); },
  }, "Patterns");
  return h(Panel, { name: "View", class: "look", more: patterns },
    facts ? h(Contrast, { app, facts }) : null,
    h(Layer, { name: "Prediction", keys: "X", isOn: state.showPrediction, opacity: state.predictionOpacity }),
    h(Layer, { name: "Strokes", keys: "S", isOn: state.showStrokes, opacity: state.strokesOpacity }));
}

/**
 * @param {{ name: string, keys: string, isOn: import("../vendor/signals.js").Signal<boolean>, opacity: import("../vendor/signals.js").Signal<number> }} props
 */
function Layer({ name, keys, isOn, opacity }) {
  return h("div", { class: "layer" },
    h(IconButton, {
      icon: isOn.value ? "eye" : "closedEye", name: `${isOn.value ? "Hide" : "Show"} ${name.toLowerCase()}`, keys, class: "small", pressed: isOn.value,
      run: () => { isOn.value = !isOn.value; },
    }),
    h(Slider, {
      name, least: 0, most: 100, value: Math.round(100 * opacity.value), text: `${Math.round(100 * opacity.value)} %`, disabled: !isOn.value,
      set: (value) => { opacity.value = value / 100; },
    }));
}

/** Black and white point over the histogram, in the image's own values. @param {{ app: App, facts: ImageFacts }} props */
function Contrast({ app, facts }) {
  const most = facts.dtype === "uint16" ? 65535 : 255;
  const windows = state.contrast.value;
  const [low, high] = windows[0] ?? [0, most];
  const [first, last] = rangeOf(facts, most);
  /** @param {(window: [number, number]) => [number, number]} change */
  const all = (change) => { state.contrast.value = windows.map(change); };
  const share = (/** @type {number} */ value) => Math.max(0, Math.min(1, (value - first) / (last - first)));
  // Channels that are not of one picture have windows of their own; the handles move all of them by the same share.
  return h("div", { class: "contrast", role: "group", "aria-label": "Contrast" },
    h("svg", { viewBox: "0 0 256 48", preserveAspectRatio: "none", "aria-hidden": "true" },
      h("path", { class: "bars", d: barsOf(state.histogram.value) }),
      h("path", { class: "ramp", d: `M${256 * share(low)} 48 L${256 * share(high)} 0` }),
      h("path", { class: "edge", d: `M${256 * share(low)} 0V48M${256 * share(high)} 0V48` })),
    h("div", { class: "two" },
      h("input", {
        type: "range", min: 0, max: 1000, value: Math.round(1000 * share(low)), "aria-label": "Black point", "aria-valuetext": inOwnValues(facts, low),
        onInput: (/** @type {any} */ event) => {
          const by = first + (Number(event.target.value) / 1000) * (last - first) - low;
          all(([from, to]) => [Math.min(to - 1, from + by), to]);
        },
      }),
      h("input", {
        type: "range", min: 0, max: 1000, value: Math.round(1000 * share(high)), "aria-label": "White point", "aria-valuetext": inOwnValues(facts, high),
        onInput: (/** @type {any} */ event) => {
          const by = first + (Number(event.target.value) / 1000) * (last - first) - high;
          all(([from, to]) => [from, Math.max(from + 1, to + by)]);
        },
      })),
    h("p", { class: "values" },
      h("output", { title: "Black: this grey value and less" }, inOwnValues(facts, low)),
      h("button", { type: "button", class: "link", title: "From the part of the image that was looked at", onClick: () => fitContrast(app.scene, facts) }, "Auto"),
      h("button", { type: "button", class: "link", onClick: () => all(() => [first, last]) }, "Full"),
      h("output", { title: "White: this grey value and more" }, inOwnValues(facts, high))),
    facts.channels > 1 && !facts.is_rgb ? h(Channels, { facts }) : null);
}

/** @param {{ facts: ImageFacts }} props */
function Channels({ facts }) {
  const hidden = state.hiddenChannels.value;
  return h("p", { class: "channels", role: "group", "aria-label": "Channels" }, Array.from({ length: facts.channels }, (_, c) =>
    h("button", {
      type: "button", "aria-pressed": String(!hidden.includes(c)), title: `Channel ${c + 1} on and off`,
      onClick: () => { state.hiddenChannels.value = hidden.includes(c) ? hidden.filter((one) => one !== c) : [...hidden, c]; },
    }, h("span", { class: "swatch", style: { backgroundColor: hueOfChannel(c) } }), String(c + 1))));
}

/** @param {number[]} counts */
function barsOf(counts) {
  if (!counts.length) return "";
  const most = Math.max(...counts, 1);
  const step = 256 / counts.length;
  return `M0 48${counts.map((count, i) => `V${(48 - 46 * Math.sqrt(count / most)).toFixed(1)}H${((i + 1) * step).toFixed(1)}`).join("")}V48Z`;
}
