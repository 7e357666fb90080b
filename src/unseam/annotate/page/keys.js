// @ts-check
// Every command with its key. The help shows this table; each command is a button somewhere too.
import { changeSize } from "./pointer.js";
import { line } from "./tools.js";
import * as state from "./state.js";

/** @typedef {{ group: string, keys: string[], text: string, run: () => void, isFor?: () => boolean }} Command */
/** @typedef {import("./app.js").App} App */

const MODES = /** @type {const} */ (["all", "empty", "only"]);

/** @param {App} app @returns {Command[]} */
export function commands(app) {
  const { scene, tools } = app;
  /** @param {import("./types.d.ts").Tool} name */
  const take = (name) => () => { state.tool.value = name; };
  /** @param {number} factor */
  const zoom = (factor) => () => app.zoom(factor);
  return [
    { group: "Tools", keys: ["b"], text: "Brush", run: take("brush") },
    { group: "Tools", keys: ["e"], text: "Eraser: back to “not annotated” (also while Alt is held)", run: take("eraser") },
    { group: "Tools", keys: ["g"], text: "Fill what an outline encloses, or a piece of the prediction", run: take("fill") },
    { group: "Tools", keys: ["w"], text: "Wand: similar grey within the circle", run: take("wand") },
    { group: "Tools", keys: ["p"], text: "Polygon: click points or drag a line", run: take("polygon") },
    { group: "Tools", keys: ["a"], text: "Accept: what is predicted inside a line becomes annotation", run: take("accept") },
    { group: "Tools", keys: ["Shift+A"], text: "Accept all that is predicted in view", run: () => tools.acceptInside(null) },
    { group: "Tools", keys: ["h"], text: "Hand: move the view (also Space and drag, or the middle button)", run: take("pan") },
    { group: "Tools", keys: ["[", "]"], text: "Smaller, larger circle (also Shift and wheel)", run: () => {} },
    { group: "Tools", keys: ["o"], text: "Paint over all, only where empty, only over what lies under the start", run: () => {
      state.mode.value = MODES[(MODES.indexOf(state.mode.peek()) + 1) % 3];
    } },
    { group: "Tools", keys: ["Enter"], text: "Close the polygon", run: () => tools.closeLine(), isFor: () => line.peek() !== null },
    { group: "Tools", keys: ["Backspace"], text: "Take back the last point of the polygon", run: () => tools.dropPoint(), isFor: () => line.peek() !== null },
    { group: "Tools", keys: ["Escape"], text: "Drop the line", run: () => tools.cancel() },
    { group: "Classes", keys: ["0", "1–9"], text: "Class in hand; 0 is background", run: () => {} },
    { group: "Classes", keys: ["i"], text: "Take the class under the pointer (also the right button)", run: () => app.pick() },
    { group: "Classes", keys: ["m"], text: "The next stroke begins a new object", run: () => {
      state.activeClass.value = 1;
      state.isNewObject.value = true;
      state.say("The next stroke begins a new object.");
    }, isFor: () => state.isObjects.peek() },
    { group: "Classes", keys: ["Double click"], text: "Close an object: fill it, with a ring of background round it", run: () => {} },
    { group: "View", keys: ["+", "="], text: "Zoom in (also the wheel)", run: zoom(1.5) },
    { group: "View", keys: ["-"], text: "Zoom out", run: zoom(1 / 1.5) },
    { group: "View", keys: ["f"], text: "Fit the image", run: () => { scene.camera.fit(); scene.tellMoved(); } },
    { group: "View", keys: ["Home"], text: "One pixel to one pixel", run: () => app.zoom(1 / scene.camera.scale) },
    { group: "View", keys: ["x"], text: "Prediction on and off; hold to peek", run: () => {} },
    { group: "View", keys: ["s"], text: "Strokes on and off; hold to peek", run: () => {} },
    { group: "View", keys: ["t"], text: "Hold and drag: contrast", run: () => {} },
    { group: "View", keys: ["k"], text: "Patterns: tell classes apart without their colours", run: () => {
      state.hasPatterns.value = !state.hasPatterns.peek();
    } },
    { group: "View", keys: [",", "."], text: "Prediction weaker, stronger", run: () => {} },
    { group: "Undo", keys: ["Ctrl+Z"], text: "Undo a stroke", run: () => void tools.strokes.back("undo") },
    { group: "Undo", keys: ["Ctrl+Shift+Z", "Ctrl+Y"], text: "Do it again", run: () => void tools.strokes.back("redo") },
    { group: "Undo", keys: ["Ctrl+S"], text: "Is all saved?", run: () => {
      const left = state.unsaved.peek();
      state.say(left ? `${left} not saved yet; they are sent as soon as the server answers.` : "All is saved. There is no need to press this.");
    } },
    { group: "Images", keys: ["PageDown"], text: "Next image", run: () => app.step(1) },
    { group: "Images", keys: ["PageUp"], text: "Image before", run: () => app.step(-1) },
    { group: "Images", keys: ["n"], text: "Take me somewhere useful", run: () => void app.somewhere() },
    { group: "Images", keys: ["Enter"], text: "This image is done: next one", run: () => void app.done(), isFor: () => line.peek() === null },
    { group: "Images", keys: ["?"], text: "These keys", run: () => { state.dialog.value = "help"; } },
  ];
}

/** Listen on the window. @param {App} app @param {Command[]} table */
export function listen(app, table) {
  const { pointers } = app;
  /** @type {Map<string, number>} */
  const heldSince = new Map();
  // The frame round the canvas is for those who came by keyboard; it would be in the way of the others.
  addEventListener("pointerdown", () => { delete document.documentElement.dataset.keys; }, true);
  addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.key.startsWith("Arrow")) document.documentElement.dataset.keys = "";
    if (event.defaultPrevented || isTyping(event) || state.dialog.peek() || document.querySelector("dialog[open]")) return;
    if (event.key === "Alt") { state.isErasing.value = true; event.preventDefault(); return; }
    if (event.key === " ") {
      if (isButton(event)) return;
      event.preventDefault();
      if (app.cursor.isOn) app.cursor.press();
      else pointers.isSpace = true;
      return;
    }
    if (event.key.startsWith("Arrow") && !event.ctrlKey && event.target === pointers.over) {
      event.preventDefault();
      return app.cursor.move(event.key, event.shiftKey ? 10 : 1);
    }
    if (held(event, app, heldSince)) return;
    const name = nameOf(event);
    const command = table.find((one) => one.keys.includes(name) && (one.isFor?.() ?? true));
    if (!command || (isButton(event) && name === "Enter")) return;
    event.preventDefault();
    command.run();
  });
  addEventListener("keyup", (event) => {
    if (event.key === "Alt") state.isErasing.value = false;
    if (event.key === " ") { pointers.isSpace = false; app.cursor.release(); }
    if (event.key === "t") pointers.isContrast = false;
    const since = heldSince.get(event.key);
    heldSince.delete(event.key);
    if (since !== undefined && performance.now() - since > 350) toggle(event.key); // held to peek: back to what it was
  });
  addEventListener("blur", () => { state.isErasing.value = pointers.isSpace = pointers.isContrast = false; });
}

/** Keys that repeat, or act while they are held. @param {KeyboardEvent} event @param {App} app @param {Map<string, number>} heldSince */
function held(event, app, heldSince) {
  if (event.ctrlKey || event.metaKey) return false;
  if (event.key === "[" || event.key === "]") changeSize(event.key === "]" ? 1 : -1);
  else if (event.key === "," || event.key === ".") {
    const next = state.predictionOpacity.peek() + (event.key === "." ? 0.1 : -0.1);
    state.predictionOpacity.value = Math.max(0, Math.min(1, Math.round(next * 10) / 10));
  } else if (/^[0-9]$/.test(event.key)) app.takeClass(Number(event.key));
  else if (event.key === "t") app.pointers.isContrast = true;
  else if (event.key === "x" || event.key === "s") {
    if (!event.repeat) {
      heldSince.set(event.key, performance.now());
      toggle(event.key);
    }
  } else return false;
  event.preventDefault();
  return true;
}

/** @param {string} key */
function toggle(key) {
  const one = key === "x" ? state.showPrediction : key === "s" ? state.showStrokes : null;
  if (one) one.value = !one.peek();
}

/** @param {KeyboardEvent} event @returns {string} as the table names it */
function nameOf(event) {
  if (event.ctrlKey || event.metaKey) return `Ctrl+${event.shiftKey ? "Shift+" : ""}${event.key.toUpperCase()}`;
  if (event.key === "A") return "Shift+A";
  return event.key.length === 1 && event.key !== "?" ? event.key.toLowerCase() : event.key;
}

/** @param {KeyboardEvent} event */
const isTyping = (event) => event.target instanceof HTMLInputElement && !["range", "checkbox", "radio"].includes(event.target.type);
/** @param {KeyboardEvent} event */
const isButton = (event) => event.target instanceof HTMLElement && event.target.closest("button, summary, select") !== null;
