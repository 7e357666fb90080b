// @ts-check
// A cursor that the arrow keys move: painting without a mouse.
import * as state from "./state.js";

export class Cursor {
  /** @param {import("./scene.js").Scene} scene @param {import("./tools.js").Tools} tools @param {import("./pointer.js").Pointers} pointers */
  constructor(scene, tools, pointers) {
    this.scene = scene;
    this.tools = tools;
    this.pointers = pointers;
    this.isOn = false;
    this.isPressed = false;
    this.at = { x: 0.5, y: 0.5 };
    pointers.over.addEventListener("pointermove", () => { if (!this.isPressed) this.isOn = false; });
  }

  /** @param {string} key @param {number} pixels of the image */
  move(key, pixels) {
    const facts = state.current.peek();
    if (!facts) return;
    if (!this.isOn) {
      const view = this.scene.camera.view();
      const at = this.pointers.place ? this.scene.camera.toImage(this.pointers.place.left, this.pointers.place.top)
        : { x: (view.left + view.right) / 2, y: (view.top + view.bottom) / 2 };
      this.at = { x: Math.floor(at.x) + 0.5, y: Math.floor(at.y) + 0.5 };
      this.isOn = true;
    }
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [0, 0];
    this.at = {
      x: Math.max(0.5, Math.min(facts.width - 0.5, this.at.x + dx * pixels)),
      y: Math.max(0.5, Math.min(facts.height - 0.5, this.at.y + dy * pixels)),
    };
    const { camera } = this.scene;
    const place = camera.toCanvas(this.at);
    if (place.x < 0 || place.y < 0 || place.x > camera.canvas.width || place.y > camera.canvas.height) {
      camera.centre(this.at);
      this.scene.tellMoved();
    }
    const now = camera.toCanvas(this.at);
    this.pointers.place = { left: now.x, top: now.y };
    this.pointers.tellPlace();
    if (this.isPressed) this.tools.move(this.at);
  }

  press() {
    if (this.isPressed) return;
    this.isPressed = true;
    this.scene.guess.hold(true);
    this.tools.down(this.at);
  }

  release() {
    if (!this.isPressed) return;
    this.isPressed = false;
    this.tools.up(this.at);
    this.scene.guess.hold(false);
  }
}
