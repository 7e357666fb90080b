// @ts-check
// The canvas: one image with its strokes and its prediction, drawn when something changed and at no other time.
import { batch, effect } from "./vendor/signals.js";
import { Camera } from "./camera.js";
import { Painter } from "./gl.js";
import { Labels } from "./labels.js";
import { Guess } from "./guess.js";
import { get } from "./link.js";
import { palette, tints, around } from "./colours.js";
import { Tiles, boxOfTile } from "./tiles.js";
import * as state from "./state.js";

/** @typedef {import("./types.d.ts").PixelArray} PixelArray */

export class Scene {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.camera = new Camera();
    this.painter = new Painter(canvas);
    /** @type {Tiles<PixelArray> | null} */
    this.pixels = null;
    /** @type {Labels | null} */
    this.labels = null;
    this.guess = new Guess(() => this.painter, () => this.redraw());
    this.isAsked = false;
    this.isPointerDown = false;
    this.frames = 0;
    this.unsettled = 0; // undos under way
    /** @type {Array<() => void>} called after the view moved */
    this.moved = [];
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => this.begin());
    new ResizeObserver(() => this.resize()).observe(canvas);
    effect(() => {
      palette.value;
      this.painter.setPalette(palette.value);
      this.redraw();
    });
    effect(() => {
      for (const one of [state.contrast, state.hiddenChannels, state.showPrediction, state.showStrokes, state.predictionOpacity,
        state.strokesOpacity, state.hasPatterns, around]) void one.value;
      this.redraw();
    });
  }

  /** After a lost context: the same picture from what is kept in memory. */
  begin() {
    this.painter = new Painter(this.canvas);
    this.painter.setPalette(palette.peek());
    this.pixels?.forgetTextures();
    this.labels?.tiles.forgetTextures();
    this.guess.forgetTextures();
    this.redraw();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const centre = this.camera.toImage(this.camera.canvas.width / 2, this.camera.canvas.height / 2);
    const wasFitted = Math.abs(this.camera.scale - this.camera.fitting()) < 1e-9;
    this.camera.canvas = { width, height };
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
    if (wasFitted) this.camera.fit();
    else this.camera.centre(centre);
    this.isAsked = false;
    this.draw(); // in the same frame, or the canvas would be blank in it
    this.tellMoved();
  }

  /** Show another image. @param {number} number @param {import("./shapes.js").Box | null} box what to look at; the whole image if null */
  async open(number, box = null) {
    state.isOpening.value = true;
    document.documentElement.dataset.settled = "false";
    const facts = /** @type {import("./types.d.ts").ImageFacts} */ (await get(`images/${number}`));
    const project = state.project.peek();
    if (!project) return;
    this.close();
    const changed = () => this.redraw();
    /** @param {ArrayBuffer} bytes @returns {PixelArray} */
    const read = (bytes) => (facts.dtype === "uint16" ? new Uint16Array(bytes) : new Uint8Array(bytes));
    const most = Math.max(32, Math.floor(256 / facts.channels));
    this.pixels = new Tiles(facts, "tiles", read, most, () => this.painter, changed);
    this.labels = new Labels(facts, project.none, project.kind === "objects", () => this.painter, changed);
    this.guess.begin(number);
    this.camera.image = { width: facts.width, height: facts.height };
    if (box) this.camera.show(box);
    else this.camera.fit();
    batch(() => {
      state.contrast.value = facts.display.map(([low, high]) => [low, Math.max(high, low + 1)]);
      state.hiddenChannels.value = [];
      state.histogram.value = [];
      state.current.value = facts;
      state.isOpening.value = false;
    });
    document.documentElement.dataset.settled = "false"; // the image before may have been drawn once more meanwhile
    this.tellMoved();
    this.redraw();
  }

  close() {
    this.pixels?.close();
    this.labels?.tiles.close();
    this.guess.begin(null);
    this.pixels = this.labels = null;
  }

  tellMoved() {
    state.scaleOfView.value = this.camera.scale;
    this.moved.forEach((tell) => tell());
    this.redraw();
  }

  redraw() {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.draw();
    });
  }

  draw() {
    const { camera, painter, canvas } = this;
    painter.clear(canvas.width, canvas.height, around.peek());
    const facts = state.current.peek();
    if (!facts || !this.pixels || !this.labels || painter.gl.isContextLost()) return;
    this.frames += 1;
    const view = camera.view();
    const level = camera.level(facts.levels, devicePixelRatio);
    this.pixels.want(level, view);
    painter.useImage(state.contrast.peek(), tints(facts, state.hiddenChannels.peek()));
    for (const entry of this.pixels.here(level, view)) this.place(this.pixels, entry, painter.image, facts.channels);
    const stripe = state.hasPatterns.peek() ? 4 * devicePixelRatio : 0;
    if (state.showPrediction.peek()) {
      painter.usePaint(painter.prediction, state.predictionOpacity.peek(), stripe);
      this.guess.draw(camera, painter);
    }
    const labelled = this.labels.tiles.want(level, view);
    this.canvas.ownerDocument.documentElement.dataset.settled = String(this.isSettled(labelled));
    if (!state.showStrokes.peek()) return;
    painter.useLabels(state.strokesOpacity.peek(), stripe, this.labels.none, this.labels.isObjects);
    for (const entry of labelled) this.place(this.labels.tiles, entry, painter.labels, 1);
  }

  /** Whether all that is in view is on the canvas. @param {import("./tiles.js").Entry<any>[]} labelled */
  isSettled(labelled) {
    return this.unsettled === 0 && !this.pixels?.running && !this.pixels?.waiting.length && labelled.every((one) => one.isHere && !one.isOld && !one.isComing);
  }

  /**
   * @template {PixelArray | import("./types.d.ts").LabelArray} A
   * @param {Tiles<A>} tiles @param {import("./tiles.js").Entry<A>} entry @param {import("./gl.js").Program} program @param {number} planes
   */
  place(tiles, entry, program, planes) {
    const texture = entry.isHere ? tiles.texture(entry, planes) : null;
    if (!texture) return;
    const footprint = 1 / (this.camera.scale * devicePixelRatio * 2 ** entry.level);
    this.painter.draw(program, texture, this.camera.clip(boxOfTile(entry)), footprint);
  }
}
