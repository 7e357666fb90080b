// @ts-check
// What a pointer does with the tool in hand. Points are in pixels of the image; who moved them (mouse, pen, finger, keyboard)
// is not known here.
import { accepted, closed, filled, similar } from "./actions.js";
import { merged, polygon, thinned } from "./shapes.js";
import { strokesOn } from "./strokes.js";
import * as state from "./state.js";
import { signal } from "./vendor/signals.js";

/** @typedef {import("./shapes.js").Point} Point */

/** The line being drawn by the polygon or the lasso, for the overlay; null if none is. */
export const line = signal(/** @type {Point[] | null} */ (null));

export class Tools {
  /** @param {import("./scene.js").Scene} scene */
  constructor(scene) {
    this.scene = scene;
    /** @type {number | undefined} */
    this.image = undefined;
    this.strokes = strokesOn(scene);
    /** @type {import("./strokes.js").Stroke | null} */
    this.stroke = null;
    this.isDrawing = false; // a line is being dragged
    state.tool.subscribe(() => this.cancel());
    state.current.subscribe((facts) => { if (facts?.image !== this.image) this.cancel(); this.image = facts?.image; });
  }

  /** @param {Point} at */
  down(at) {
    if (!state.mayPaint.peek()) return;
    const tool = state.tool.peek();
    const [column, row] = [Math.floor(at.x), Math.floor(at.y)];
    if (tool === "brush" || tool === "eraser" || tool === "wand") this.beginStroke(at);
    else if (tool === "polygon" || tool === "accept") this.beginLine(at);
    else if (tool === "fill") {
      const spans = filled(this.scene, column, row);
      if (typeof spans === "string") state.say(spans);
      else this.paintOnce("fill", spans);
    }
  }

  /** @param {Point} at */
  move(at) {
    if (this.stroke) this.continueStroke(at);
    else if (this.isDrawing && line.value) line.value = [...line.value, at];
  }

  /** @param {Point} at */
  up(at) {
    if (this.stroke) {
      this.stroke.end();
      this.stroke = null;
    }
    if (!this.isDrawing || !line.value) return;
    this.isDrawing = false;
    const drawn = line.value;
    const far = drawn.some((point) => Math.hypot(point.x - at.x, point.y - at.y) * this.scene.camera.scale > 8);
    const added = drawn.length - this.pointsBefore;
    if (state.tool.peek() === "accept") {
      line.value = null;
      if (far) this.acceptInside(drawn);
      else state.say("Draw a line round what is right; it becomes annotation.");
    } else if (added > 3 && far) this.closeLine();
    else if (this.isNearFirst(at) && this.pointsBefore > 2) this.closeLine();
    else line.value = [...drawn.slice(0, this.pointsBefore), at];
  }

  /** The gesture became another one, a pinch: what it painted is taken back. */
  abort() {
    const wasPainting = this.stroke !== null;
    this.cancel();
    if (wasPainting) void this.strokes.back("undo");
  }

  /** @param {Point} at */
  doubleClick(at) {
    if (!state.isObjects.peek() || !state.mayPaint.peek() || state.tool.peek() === "polygon") return;
    const spans = closed(this.scene, Math.floor(at.x), Math.floor(at.y));
    this.strokes.once("close", spans, "empty");
  }

  /** @param {Point} at */
  pick(at) {
    const label = this.scene.labels?.at(Math.floor(at.x), Math.floor(at.y));
    const found = label === this.scene.labels?.none ? this.scene.guess.at(Math.floor(at.x), Math.floor(at.y)) : label;
    if (found === null || found === undefined) return;
    state.activeClass.value = state.isObjects.peek() ? Math.min(1, found) : found;
    state.activeObject.value = state.isObjects.peek() && label === found && found > 0 ? found : null;
  }

  /** @param {Point} at */
  beginStroke(at) {
    const isEraser = state.tool.peek() === "eraser" || state.isErasing.peek();
    const tool = isEraser ? "eraser" : state.tool.peek();
    const none = this.scene.labels?.none ?? 255;
    const under = this.scene.labels?.at(Math.floor(at.x), Math.floor(at.y)) ?? none;
    const value = isEraser ? none : this.valueAt(under);
    const [mode, only] = isEraser ? /** @type {const} */ (["all", null]) : [state.mode.peek(), state.mode.peek() === "only" ? under : null];
    this.stroke = this.strokes.begin({ tool, value, mode, only, radius: state.size.peek().value / 2 });
    this.continueStroke(at);
  }

  /** @param {Point} at */
  continueStroke(at) {
    if (this.stroke?.how.tool === "wand") this.stroke.add(similar(this.scene, at, this.stroke.how.radius));
    else this.stroke?.to(at);
  }

  /** The class in hand; of objects, that under the pointer, or a new one. @param {number} under */
  valueAt(under) {
    if (!state.isObjects.peek() || state.activeClass.peek() === 0) return state.activeClass.peek();
    const isOn = under > 0 && under !== this.scene.labels?.none;
    if (isOn && !state.isNewObject.peek()) return under;
    const kept = state.activeObject.peek();
    state.isNewObject.value = false;
    state.activeObject.value = null;
    return kept ?? this.newObject();
  }

  newObject() {
    const facts = /** @type {import("./types.d.ts").ImageFacts} */ (state.current.peek());
    facts.next_object += 1; // kept in the same object, which later copies take over
    return facts.next_object - 1;
  }

  /** @param {string} tool @param {import("./shapes.js").Span[]} spans */
  paintOnce(tool, spans) {
    const isEraser = state.isErasing.peek();
    const value = isEraser ? this.scene.labels?.none ?? 255 : this.valueAt(0);
    const mode = isEraser || state.mode.peek() !== "empty" ? "all" : "empty";
    this.strokes.once(isEraser ? "eraser" : tool, merged(spans).map((span) => ({ ...span, value })), mode);
  }

  /** @param {Point} at */
  beginLine(at) {
    this.pointsBefore = line.value?.length ?? 0;
    line.value = [...(line.value ?? []), at];
    this.isDrawing = true;
  }

  /** @type {number} */
  pointsBefore = 0;

  /** @param {Point} at */
  isNearFirst(at) {
    const first = line.value?.[0];
    return first !== undefined && Math.hypot(first.x - at.x, first.y - at.y) * this.scene.camera.scale < 10;
  }

  /** Enter, a click on the first point, or the end of a drag: the polygon is filled. */
  closeLine() {
    const facts = state.current.peek();
    const points = line.value;
    line.value = null;
    if (facts && points && points.length > 2) this.paintOnce("polygon", polygon(thinned(points, 0.3), facts));
  }

  /** @param {Point[] | null} drawn null: all in view */
  acceptInside(drawn) {
    const facts = state.current.peek();
    if (!facts || !state.mayPaint.peek()) return;
    if (!this.scene.guess.shown) return state.say("There is no prediction to accept yet.");
    const spans = accepted(this.scene, drawn, () => this.newObject());
    if (!spans.length) return state.say("No prediction lies there yet: it covers what was in view when it was made.");
    this.strokes.once("accept", spans, "empty");
  }

  /** Backspace: the last point of the polygon goes. */
  dropPoint() {
    if (line.value) line.value = line.value.length > 1 ? line.value.slice(0, -1) : null;
  }

  cancel() {
    line.value = null;
    this.isDrawing = false;
    this.stroke?.end();
    this.stroke = null;
  }
}
