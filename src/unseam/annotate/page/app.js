// @ts-check
// The page as a whole: opens images, hears events, and does what buttons and keys ask for.
import { Cursor } from "./cursor.js";
import { get, onEvent, post, tab, Away, Refusal } from "./link.js";
import { resume } from "./outbox.js";
import { Pointers } from "./pointer.js";
import { Scene } from "./scene.js";
import { settle, wholeOf } from "./strokes.js";
import { Tools } from "./tools.js";
import * as state from "./state.js";

/** @typedef {import("./types.d.ts").ServerEvent} ServerEvent */

export class App {
  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} over the element above it that takes pointers and keys */
  constructor(canvas, over) {
    this.scene = new Scene(canvas);
    this.tools = new Tools(this.scene);
    this.pointers = new Pointers(this.scene, this.tools, over);
    this.cursor = new Cursor(this.scene, this.tools, this.pointers);
    this.viewTimer = 0;
    this.scene.moved.push(() => this.tellView());
    onEvent((event) => void this.hear(event).catch(quiet));
  }

  /** The project and the list; then the first image, or the one that was open. */
  async load() {
    const [project, list] = await Promise.all([get("project"), get("images")]);
    state.project.value = project;
    state.trainer.value = project.trainer;
    state.images.value = list.images;
    const names = list.images.filter((/** @type {any} */ one) => one.problem === null);
    const before = sessionStorage.getItem("image");
    const first = names.find((/** @type {any} */ one) => one.name === before) ?? names[0];
    if (project.kind !== null && first) await this.open(first.image);
  }

  /** @param {number} image @param {import("./shapes.js").Box | null} box */
  async open(image, box = null) {
    try {
      await this.scene.open(image, box);
    } catch (fault) {
      state.isOpening.value = false;
      if (fault instanceof Refusal) state.say(fault.message);
      else quiet(fault);
      return;
    }
    const facts = state.current.peek();
    if (!facts) return;
    if (document.activeElement === document.body) this.pointers.over.focus({ preventScroll: true });
    sessionStorage.setItem("image", facts.name);
    state.jump.value = null;
    state.question.value = facts.changed ? `Another program changed the mask of ${facts.name}.` : null;
    state.isReadingOnly.value = facts.lease !== null && facts.lease !== tab;
  }

  /** @param {number} by */
  step(by) {
    const list = (state.images.peek() ?? []).filter((one) => one.problem === null);
    const at = list.findIndex((one) => one.image === state.current.peek()?.image);
    const next = list[at + by];
    if (next) void this.open(next.image);
  }

  /** @param {number} value */
  takeClass(value) {
    if (state.classes.peek().some((one) => one.value === value)) state.activeClass.value = value;
    if (state.tool.peek() === "eraser" || state.tool.peek() === "pan") state.tool.value = "brush";
  }

  pick() {
    const { place } = this.pointers;
    if (place) this.tools.pick(this.scene.camera.toImage(place.left, place.top));
  }

  /** @param {number} factor */
  zoom(factor) {
    const { canvas } = this.scene.camera;
    const at = this.pointers.place ?? { left: canvas.width / 2, top: canvas.height / 2 };
    this.scene.camera.zoom(factor, at.left, at.top);
    this.scene.tellMoved();
  }

  async somewhere() {
    try {
      const place = await post("somewhere", { tab });
      const box = { left: place.column, top: place.row, right: place.column + place.width, bottom: place.row + place.height };
      if (place.image === state.current.peek()?.image) {
        this.scene.camera.show(box);
        this.scene.tellMoved();
      } else await this.open(place.image, box);
      state.jump.value = place.is_random ? "random" : "ranked";
    } catch (fault) {
      tell(fault);
    }
  }

  /** @param {"done" | "begun" | "left out" | "new"} status @param {number} image */
  async mark(status, image) {
    try {
      await post(`images/${image}/status`, { tab, status });
    } catch (fault) {
      tell(fault);
    }
  }

  async done() {
    const facts = state.current.peek();
    if (!facts) return;
    await this.mark("done", facts.image);
    state.say(`${facts.name} is done.`);
    this.step(1);
  }

  /** @param {"pause" | "resume" | "finish" | "cancel" | "restart"} what */
  async trainer(what) {
    try {
      await post("trainer", { do: what });
    } catch (fault) {
      tell(fault);
    }
  }

  async takeOver() {
    const facts = state.current.peek();
    if (!facts) return;
    try {
      await post(`images/${facts.image}/lease`, { tab, take: true });
      await this.open(facts.image, this.scene.camera.view());
    } catch (fault) {
      tell(fault);
    }
  }

  /** @param {"theirs" | "ours" | "both"} keep the answer to "the mask was changed" */
  async answer(keep) {
    const facts = state.current.peek();
    if (!facts) return;
    try {
      await post(`images/${facts.image}/changed`, { tab, keep });
      state.question.value = null;
      resume();
      await settle(this.scene, facts.image, null);
    } catch (fault) {
      tell(fault);
    }
  }

  /** @param {ServerEvent} event */
  async hear(event) {
    const facts = state.current.peek();
    const isHere = facts !== null && event.image === facts.image;
    if (event.event === "again") return this.reload();
    if (event.event === "project") state.project.value = await get("project");
    else if (event.event === "trainer") this.hearTrainer(/** @type {any} */ (event));
    else if (event.event === "hello") this.tellView();
    else if (event.event === "score") state.score.value = /** @type {any} */ (event);
    else if (event.event === "prediction") await this.scene.guess.offer(/** @type {any} */ (event));
    else if (event.event === "disk") state.maskTrouble.value = event.message;
    else if (event.event === "image") this.hearImage(event);
    else if (event.event === "op" && isHere && event.tab !== tab) {
      await settle(this.scene, event.image, { revision: event.revision, saved: [], box: event.box });
    } else if (event.event === "lease" && isHere) state.isReadingOnly.value = event.lease !== null && event.lease !== tab;
    else if (event.event === "changed" && isHere) state.question.value = event.message;
  }

  /** A trainer that was started again does not know what is looked at. @param {import("./types.d.ts").Trainer} told */
  hearTrainer(told) {
    const before = state.trainer.peek()?.state ?? "off";
    state.trainer.value = told;
    if (["off", "restarting", "failed"].includes(before)) this.tellView();
  }

  /** @param {ServerEvent} event */
  hearImage(event) {
    state.images.value = (state.images.peek() ?? []).map((one) => (one.image === event.image ? { ...one, ...event } : one));
    const facts = state.current.peek();
    if (facts && facts.image === event.image) state.current.value = { ...facts, status: event.status, strokes: event.strokes };
  }

  /** The server was restarted: numbers of images may be others now. */
  async reload() {
    const name = state.current.peek()?.name;
    const [project, list] = await Promise.all([get("project"), get("images")]);
    state.project.value = project;
    state.trainer.value = project.trainer;
    state.images.value = list.images;
    const again = list.images.find((/** @type {any} */ one) => one.name === name);
    const facts = state.current.peek();
    if (again && facts && again.image === facts.image) await settle(this.scene, facts.image, null);
    else if (again) await this.open(again.image);
    this.scene.labels?.tiles.renew(facts ? wholeOf(facts) : { left: 0, top: 0, right: 0, bottom: 0 });
  }

  /** What is predicted first is what is looked at. At most four times a second. */
  tellView() {
    if (this.viewTimer) return;
    this.viewTimer = window.setTimeout(() => {
      this.viewTimer = 0;
      const facts = state.current.peek();
      if (!facts || state.link.peek() !== "ready" || !state.isDeclared.peek()) return;
      const { left, top, right, bottom } = this.scene.camera.view();
      const level = this.scene.camera.level(facts.levels, devicePixelRatio);
      const box = { row: top, column: left, height: bottom - top, width: right - left };
      void post("view", { tab, image: facts.image, ...box, level, is_down: this.scene.isPointerDown }).catch(quiet);
    }, 250);
  }
}

/** Say what was refused; a server that is away is said elsewhere. @param {unknown} fault */
export function tell(fault) {
  if (fault instanceof Refusal) state.say(fault.message);
  else quiet(fault);
}

/** @param {unknown} fault */
function quiet(fault) {
  if (!(fault instanceof Away || fault instanceof Refusal)) throw fault;
}
