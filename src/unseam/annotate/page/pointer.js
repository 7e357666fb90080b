// @ts-check
// Mouse, pen and fingers on the canvas: which gesture goes to the tool, and which moves the view.
import * as state from "./state.js";

/** @typedef {{ id: number, left: number, top: number }} Finger */

export class Pointers {
  /** @param {import("./scene.js").Scene} scene @param {import("./tools.js").Tools} tools @param {HTMLElement} over the element that takes the events */
  constructor(scene, tools, over) {
    this.scene = scene;
    this.tools = tools;
    this.over = over;
    /** @type {Map<number, Finger>} */
    this.fingers = new Map();
    this.painting = -1; // the pointer that paints
    this.panning = -1;
    this.contrasting = -1;
    this.sawPen = false; // from then on touch only moves the view: the palm rests on the screen
    this.isSpace = false; // held: drag moves the view
    this.isContrast = false; // `t` held: drag changes the contrast
    over.addEventListener("pointerdown", (event) => this.down(event));
    over.addEventListener("pointermove", (event) => this.move(event));
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) over.addEventListener(name, (event) => this.up(event));
    over.addEventListener("pointerleave", () => { state.pointerAt.value = null; this.place = null; this.tellPlace(); });
    over.addEventListener("contextmenu", (event) => event.preventDefault());
    over.addEventListener("dblclick", (event) => this.tools.doubleClick(this.pointOf(event)));
    over.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    /** @type {{ left: number, top: number } | null} the cursor, CSS pixels of the canvas */
    this.place = null;
    /** @type {Array<() => void>} */
    this.placed = [];
  }

  /** @param {MouseEvent} event */
  pointOf(event) {
    const corner = this.over.getBoundingClientRect();
    return this.scene.camera.toImage(event.clientX - corner.left, event.clientY - corner.top);
  }

  /** @param {PointerEvent} event @returns {Finger} */
  fingerOf(event) {
    const corner = this.over.getBoundingClientRect();
    return { id: event.pointerId, left: event.clientX - corner.left, top: event.clientY - corner.top };
  }

  /** @param {PointerEvent} event */
  down(event) {
    this.over.focus({ preventScroll: true });
    if (event.isTrusted) this.over.setPointerCapture(event.pointerId);
    if (event.pointerType === "pen") this.sawPen = true;
    this.fingers.set(event.pointerId, this.fingerOf(event));
    const isTouch = event.pointerType === "touch";
    if (this.fingers.size === 2 && isTouch) {
      if (this.painting >= 0) this.tools.abort();
      this.painting = -1;
      this.scene.guess.hold(false);
    } else if (event.button === 2) this.tools.pick(this.pointOf(event));
    else if (this.isContrast) this.contrasting = event.pointerId;
    else if (event.button === 1 || this.isSpace || state.tool.peek() === "pan" || (isTouch && this.sawPen)) this.panning = event.pointerId;
    else if (event.button === 0) {
      event.preventDefault();
      this.painting = event.pointerId;
      this.scene.guess.hold(true);
      this.scene.isPointerDown = true;
      this.tools.down(this.pointOf(event));
      this.scene.moved.forEach((tell) => tell());
    }
    this.over.dataset.gesture = this.panning >= 0 ? "pan" : "";
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.fingers.get(event.pointerId);
    const now = this.fingerOf(event);
    this.place = { left: now.left, top: now.top };
    this.tellPlace();
    if (!before) return;
    this.fingers.set(event.pointerId, now);
    if (this.fingers.size === 2 && this.painting < 0) this.pinch(before, now);
    else if (this.painting === event.pointerId) {
      const events = event.getCoalescedEvents?.() ?? [];
      for (const one of events.length ? events : [event]) this.tools.move(this.pointOf(one));
    } else if (this.panning === event.pointerId) {
      this.scene.camera.pan(now.left - before.left, now.top - before.top);
      this.scene.tellMoved();
    } else if (this.contrasting === event.pointerId) turnContrast(now.left - before.left, now.top - before.top);
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.fingers.delete(event.pointerId);
    if (this.painting === event.pointerId) {
      this.tools.up(this.pointOf(event));
      this.painting = -1;
      this.scene.isPointerDown = false;
      this.scene.guess.hold(false);
      this.scene.moved.forEach((tell) => tell());
    }
    if (this.panning === event.pointerId) this.panning = -1;
    if (this.contrasting === event.pointerId) this.contrasting = -1;
    this.over.dataset.gesture = "";
  }

  /** @param {Finger} before @param {Finger} now */
  pinch(before, now) {
    const other = [...this.fingers.values()].find((one) => one.id !== now.id);
    if (!other) return;
    /** @param {Finger} a */
    const apart = (a) => Math.max(1, Math.hypot(a.left - other.left, a.top - other.top));
    this.scene.camera.pan((now.left - before.left) / 2, (now.top - before.top) / 2);
    this.scene.camera.zoom(apart(now) / apart(before), (now.left + other.left) / 2, (now.top + other.top) / 2);
    this.scene.tellMoved();
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const turned = event.deltaY || event.deltaX; // a browser may turn Shift and wheel sideways
    if (event.shiftKey) return changeSize(turned < 0 ? 1 : -1);
    const { left, top } = this.over.getBoundingClientRect();
    const steps = event.deltaMode === 0 ? turned / 100 : turned / 3;
    this.scene.camera.zoom(Math.exp(-0.2 * Math.max(-3, Math.min(3, steps))), event.clientX - left, event.clientY - top);
    this.scene.tellMoved();
    this.tellPlace();
  }

  tellPlace() {
    const facts = state.current.peek();
    this.placed.forEach((tell) => tell());
    if (!this.place || !facts) return;
    const at = this.scene.camera.toImage(this.place.left, this.place.top);
    const [column, row] = [Math.floor(at.x), Math.floor(at.y)];
    const isInside = column >= 0 && row >= 0 && column < facts.width && row < facts.height;
    state.pointerAt.value = isInside ? { column, row, value: valueText(this.scene, facts, column, row) } : null;
  }
}

/** @param {import("./scene.js").Scene} scene @param {import("./types.d.ts").ImageFacts} facts @param {number} column @param {number} row */
function valueText(scene, facts, column, row) {
  const values = Array.from({ length: facts.channels }, (_, c) => scene.pixels?.at(column, row, c));
  return values.every((one) => one !== null && one !== undefined) ? values.map((one) => inOwnValues(facts, Number(one))).join(" ") : "";
}

/** @param {import("./types.d.ts").ImageFacts} facts @param {number} sent @returns {string} the value as the file has it */
export function inOwnValues(facts, sent) {
  if (!facts.scale) return String(Math.round(sent));
  const most = facts.dtype === "uint16" ? 65535 : 255;
  return Number((facts.scale.low + (sent * (facts.scale.high - facts.scale.low)) / most).toPrecision(4)).toString();
}

/** @param {number} steps larger or smaller, by about an eighth each */
export function changeSize(steps) {
  const size = state.size.peek();
  const now = size.value;
  const next = steps > 0 ? Math.max(now + 1, Math.round(now * 1.15)) : Math.min(now - 1, Math.round(now / 1.15));
  size.value = Math.max(1, Math.min(400, next));
}

/** Right and left: brighter and darker. Up and down: more and less contrast. @param {number} dx @param {number} dy CSS pixels */
function turnContrast(dx, dy) {
  const most = state.current.peek()?.dtype === "uint16" ? 65535 : 255;
  state.contrast.value = state.contrast.peek().map(([low, high]) => {
    const width = Math.max(1, (high - low) * Math.exp(dy / 200));
    const middle = (low + high) / 2 - (dx / 300) * (high - low);
    const from = Math.max(0, Math.min(most - 1, middle - width / 2));
    return [from, Math.max(from + 1, Math.min(most, middle + width / 2))];
  });
}
