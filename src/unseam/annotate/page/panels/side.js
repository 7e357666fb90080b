// @ts-check
import { h } from "../vendor/preact.js";
import { Choice, IconButton, Panel, Slider } from "./parts.js";
import { hiddenClasses, hueOf } from "../colours.js";
import * as state from "../state.js";

/** @typedef {import("../app.js").App} App */

/** @param {{ app: App }} props */
export function Classes({ app }) {
  const editing = h(IconButton, { icon: "pencil", name: "Names and colours", run: () => { state.dialog.value = "classes"; }, class: "small" });
  return h(Panel, { name: state.isObjects.value ? "Objects" : "Classes", class: "classes", more: editing },
    h("ul", { role: "radiogroup", "aria-label": "Class in hand" }, state.classes.value.map((one) => h(Row, { app, one, key: one.value }))));
}

/** @param {{ app: App, one: import("../types.d.ts").ClassOf }} props */
function Row({ app, one }) {
  const isHidden = hiddenClasses.value.includes(one.value);
  const isObject = state.isObjects.value && one.value === 1;
  const next = state.activeObject.value;
  return h("li", { class: state.activeClass.value === one.value ? "chosen" : "" },
    h("button", {
      type: "button", role: "radio", "aria-checked": String(state.activeClass.value === one.value), onClick: () => app.takeClass(one.value),
    },
    h("span", { class: `swatch ${isObject ? "many" : state.hasPatterns.value ? `pattern${(one.value + 5) % 6}` : ""}`, style: { backgroundColor: isObject && next ? hueOf(next) : one.colour } }),
    h("span", { class: "name" }, one.name, isObject ? h("small", null, next ? ` goes on with ${next}` : " new each stroke") : null),
    one.value <= 9 ? h("kbd", null, String(one.value)) : null),
    h(IconButton, {
      icon: isHidden ? "closedEye" : "eye", name: isHidden ? `Show ${one.name}` : `Hide ${one.name}`, class: "small", pressed: isHidden,
      run: () => { hiddenClasses.value = isHidden ? hiddenClasses.value.filter((v) => v !== one.value) : [...hiddenClasses.value, one.value]; },
    }));
}

const MODES = [
  { value: /** @type {const} */ ("all"), text: "Over all", title: "Paint over whatever lies there (O)" },
  { value: /** @type {const} */ ("empty"), text: "Only empty", title: "Paint only where nothing is annotated (O)" },
  { value: /** @type {const} */ ("only"), text: "Only this", title: "Paint only over what lies under the start of the stroke (O)" },
];

/** @type {Record<string, string>} */
const HINTS = {
  brush: "Thin strokes teach most, and most of all where two classes meet.",
  eraser: "Back to “not annotated”. Background is a class of its own.",
  polygon: "Click points and press Enter, or drag round it.",
  fill: "Click inside an outline that you drew, or on a piece of the prediction.",
  wand: "Paints similar grey inside the circle.",
  accept: "Draw a line round what is predicted right. It becomes annotation where nothing is annotated.",
  pan: "Drag to move, turn the wheel to zoom.",
};

/** What the tool in hand can be told. Each tool keeps the same height, so nothing below moves. @param {{ app: App }} props */
export function Options({ app }) {
  const inHand = state.isErasing.value ? "eraser" : state.tool.value;
  const size = state.size.value;
  const hasSize = ["brush", "eraser", "wand"].includes(inHand);
  const hasMode = ["brush", "wand", "fill", "polygon"].includes(inHand);
  const name = { brush: "Brush", eraser: "Eraser", polygon: "Polygon", fill: "Fill", wand: "Wand", accept: "Accept", pan: "Move" }[inHand] ?? "";
  return h(Panel, { name, class: "options" },
    hasSize ? h(Slider, {
      name: "Size", title: "Diameter, in pixels of the image: [ and ]", least: 0, most: 100, step: 1, value: toSlider(size.value),
      text: `${size.value} px`, set: (value) => { size.value = fromSlider(value); },
    }) : null,
    inHand === "wand" ? h(Slider, {
      name: "Reach", title: "How far the grey may differ, in per cent of the contrast", least: 1, most: 50, value: state.wandTolerance.value,
      text: `${state.wandTolerance.value} %`, set: (value) => { state.wandTolerance.value = value; },
    }) : null,
    hasMode && inHand !== "wand" ? h(Choice, { name: "Paint", of: inHand === "brush" ? MODES : MODES.slice(0, 2), value: state.mode.value, choose: (/** @type {import("../types.d.ts").Mode} */ value) => { state.mode.value = value; } }) : null,
    h("p", { class: "hint" }, HINTS[inHand] ?? ""),
    inHand === "accept" ? h("p", { class: "row" }, h("button", {
      type: "button", onClick: () => app.tools.acceptInside(null), disabled: !state.predictionShown.value || !state.mayPaint.value, title: "Shift+A",
    }, "Accept all in view")) : null);
}

/** Sizes from 1 to 400 px, even on a logarithmic slider of 0 to 100. @param {number} px */
const toSlider = (px) => Math.round((100 * Math.log(px)) / Math.log(400));
/** @param {number} value */
const fromSlider = (value) => Math.max(1, Math.round(Math.exp((value / 100) * Math.log(400))));
