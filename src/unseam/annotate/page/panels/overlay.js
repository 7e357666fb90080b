// @ts-check
// What lies over the canvas and is no pixel of it: the circle of the brush, and lines that are being drawn.
import { line } from "../tools.js";
import { effect } from "../vendor/signals.js";
import * as state from "../state.js";

const SVG = "http://www.w3.org/2000/svg";

/** @param {SVGSVGElement} svg @param {import("../app.js").App} app */
export function overlay(svg, app) {
  /** @param {string} name @param {string} kind */
  const make = (name, kind) => {
    const one = document.createElementNS(SVG, name);
    one.setAttribute("class", kind);
    svg.append(one);
    return one;
  };
  const [dark, light] = [make("circle", "ring dark"), make("circle", "ring")];
  const cross = make("path", "cross");
  const [under, over] = [make("path", "line dark"), make("path", "line")];
  const first = make("circle", "first");

  const ring = () => {
    const { place } = app.pointers;
    const tool = state.isErasing.peek() ? "eraser" : state.tool.peek();
    const hasRing = place !== null && ["brush", "eraser", "wand"].includes(tool) && state.mayPaint.peek();
    const radius = Math.max(1.5, (state.size.peek().value / 2) * app.scene.camera.scale);
    for (const [circle, more] of /** @type {[SVGElement, number][]} */ ([[dark, 1], [light, 0]])) {
      circle.toggleAttribute("hidden", !hasRing);
      circle.setAttribute("cx", String(place?.left ?? 0));
      circle.setAttribute("cy", String(place?.top ?? 0));
      circle.setAttribute("r", String(radius + more));
    }
    light.setAttribute("class", `ring ${tool === "eraser" ? "erasing" : ""}`);
    const { left, top } = place ?? { left: 0, top: 0 };
    cross.toggleAttribute("hidden", !(place && (app.cursor.isOn || (hasRing && radius > 12))));
    cross.setAttribute("d", `M${left - 5} ${top}h10M${left} ${top - 5}v10`);
  };
  const lines = () => {
    const points = (line.peek() ?? []).map((point) => app.scene.camera.toCanvas(point));
    const { place } = app.pointers;
    const ahead = points.length && place && !app.tools.isDrawing ? `L${place.left} ${place.top}` : "";
    const d = points.map((point, i) => `${i ? "L" : "M"}${point.x.toFixed(1)} ${point.y.toFixed(1)}`).join("") + ahead;
    for (const one of [under, over]) one.setAttribute("d", d);
    first.toggleAttribute("hidden", !points.length || state.tool.peek() !== "polygon");
    first.setAttribute("cx", String(points[0]?.x ?? 0));
    first.setAttribute("cy", String(points[0]?.y ?? 0));
    first.setAttribute("r", "5");
  };
  effect(() => { line.value; lines(); });
  effect(() => { state.size.value.value; state.tool.value; state.isErasing.value; state.mayPaint.value; ring(); });
  app.pointers.placed.push(ring, lines);
  app.scene.moved.push(ring, lines);
}
