// @ts-check
// The prediction: one box of one state of the weights, swapped as a whole and never under a pointer that is down. So no seam is
// ever shown: two boxes of two states of the weights never lie side by side.
import { Away, Refusal, call } from "./link.js";
import * as state from "./state.js";

/** @typedef {import("./types.d.ts").Prediction} Prediction */
/** @typedef {import("./types.d.ts").PredictionBox} PredictionBox */

export class Guess {
  /** @param {() => import("./gl.js").Painter} painter @param {() => void} changed */
  constructor(painter, changed) {
    this.painter = painter;
    this.changed = changed;
    /** @type {number | null} */
    this.image = null;
    /** @type {Prediction | null} what is on the canvas */
    this.shown = null;
    /** @type {Prediction | null} what comes next, when the pointer is up */
    this.next = null;
    /** @type {import("./gl.js").Tile | null} */
    this.tile = null;
    this.isHeld = false;
    this.order = 0;
  }

  /** @param {number | null} image begin anew with another image */
  begin(image) {
    this.image = image;
    this.painter().drop(this.tile);
    this.shown = this.next = this.tile = null;
    this.order += 1;
    state.predictionShown.value = null;
  }

  /** A newer prediction is ready at the server. @param {PredictionBox} box */
  async offer(box) {
    if (box.image !== this.image) return;
    this.order += 1; // by the order in which they are offered: a trainer that began anew counts from 0
    const mine = this.order;
    try {
      const reply = await call(`images/${box.image}/prediction?step=${box.step}`);
      const bytes = await reply.arrayBuffer();
      if (mine !== this.order) return; // another image, or a newer one was offered meanwhile
      const [row, column, height, width] = new Uint32Array(bytes, 0, 4);
      const [classes, margins] = [new Uint8Array(bytes, 16, height * width), new Uint8Array(bytes, 16 + height * width)];
      this.next = { image: box.image, step: box.step, row, column, height, width, classes, margins };
      if (!this.isHeld) this.swap();
    } catch (fault) {
      if (!(fault instanceof Away || fault instanceof Refusal)) throw fault;
    }
  }

  /** While a pointer is down nothing moves under it. @param {boolean} isHeld */
  hold(isHeld) {
    this.isHeld = isHeld;
    if (!isHeld) this.swap();
  }

  swap() {
    if (!this.next) return;
    this.shown = this.next;
    this.next = null;
    this.painter().drop(this.tile);
    this.tile = null;
    state.predictionShown.value = { step: this.shown.step, at: Date.now() };
    this.changed();
  }

  /** @param {number} column @param {number} row @returns {number | null} the predicted class of a pixel of the image */
  at(column, row) {
    const shown = this.shown;
    if (!shown) return null;
    const [x, y] = [column - shown.column, row - shown.row];
    return x >= 0 && y >= 0 && x < shown.width && y < shown.height ? shown.classes[y * shown.width + x] : null;
  }

  /** @param {import("./camera.js").Camera} camera @param {import("./gl.js").Painter} painter whose program is prepared */
  draw(camera, painter) {
    const shown = this.shown;
    if (!shown) return;
    if (!this.tile) {
      const planes = new Uint8Array(shown.classes.buffer, 16, 2 * shown.height * shown.width);
      this.tile = painter.upload(planes, shown.width, shown.height, 2);
    }
    const box = { left: shown.column, top: shown.row, right: shown.column + shown.width, bottom: shown.row + shown.height };
    painter.draw(painter.prediction, this.tile, camera.clip(box), 1 / (camera.scale * devicePixelRatio));
  }

  forgetTextures() {
    this.tile = null;
  }
}
