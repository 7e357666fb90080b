// @ts-check
import { h } from "../vendor/preact.js";
import { IconButton } from "./parts.js";
import * as state from "../state.js";

/** @type {{ tool: import("../types.d.ts").Tool, name: string, keys: string }[]} */
const TOOLS = [
  { tool: "brush", name: "Brush", keys: "B" },
  { tool: "eraser", name: "Eraser", keys: "E, or hold Alt" },
  { tool: "polygon", name: "Polygon: click points, or drag", keys: "P" },
  { tool: "fill", name: "Fill an outline, or a piece of the prediction", keys: "G" },
  { tool: "wand", name: "Wand: similar grey within the circle", keys: "W" },
  { tool: "accept", name: "Accept the prediction inside a line", keys: "A" },
  { tool: "pan", name: "Move the view", keys: "H, or hold Space" },
];

/** The tools, on the left edge of the canvas. */
export function Rail() {
  const inHand = state.isErasing.value && state.tool.value !== "pan" ? "eraser" : state.tool.value;
  return h("div", { class: "rail", role: "toolbar", "aria-label": "Tools", "aria-orientation": "vertical" }, TOOLS.map((one) =>
    h(IconButton, {
      icon: one.tool, name: one.name, keys: one.keys, pressed: one.tool === inHand, run: () => { state.tool.value = one.tool; },
      disabled: !state.isDeclared.value, class: one.tool === "accept" || one.tool === "pan" ? "apart" : "",
    })));
}
