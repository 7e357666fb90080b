// @ts-check
// A stroke: painted here at once, sent in parts while it lasts, undone as one.
import { Away, Refusal, get, hex } from "./link.js";
import { triples } from "./labels.js";
import { header, send } from "./outbox.js";
import { capsule, merged } from "./shapes.js";
import * as state from "./state.js";

/** @typedef {import("./shapes.js").Point} Point */
/** @typedef {import("./shapes.js").Span} Span */
/** @typedef {import("./labels.js").PaintedSpan} PaintedSpan */
/** @typedef {import("./types.d.ts").Mode} Mode */
/** @typedef {import("./types.d.ts").OpReply} OpReply */

const PART_MS = 250;
const MOST_RUNS = 500_000; // 6 MB a body; the server takes 8

/** @param {import("./scene.js").Scene} scene whose labels are painted */
export function strokesOn(scene) {
  /** An operation of one go. @param {string} tool @param {PaintedSpan[]} spans sorted @param {Mode} mode */
  function once(tool, spans, mode) {
    const image = state.current.peek();
    if (!image || !spans.length) return;
    scene.labels?.paint(spans, mode, null);
    const stroke = hex(16);
    for (let i = 0; i < spans.length; i += MOST_RUNS) {
      const isEnd = i + MOST_RUNS >= spans.length;
      const head = header(image.image, tool, stroke, { mode, is_end: isEnd });
      void send(image.image, head, triples(spans.slice(i, i + MOST_RUNS), image.width)).then(saved(scene, image.image));
    }
    onTop(image.image, stroke, tool);
  }

  /** One after the other, so that no press of the key is lost while the server answers. */
  let before = Promise.resolve();

  /** Undo the newest stroke, or do the last undone one again. @param {"undo" | "redo"} what */
  function back(what) {
    scene.unsettled += 1;
    document.documentElement.dataset.settled = "false";
    before = before.then(() => backOnce(what)).catch((fault) => {
      if (!(fault instanceof Away || fault instanceof Refusal)) throw fault;
    }).finally(() => {
      scene.unsettled -= 1;
      scene.redraw();
    });
    return before;
  }

  /** @param {"undo" | "redo"} what */
  async function backOnce(what) {
    const image = state.current.peek();
    const top = image?.[what];
    if (!image || !top || state.isReadingOnly.peek()) return;
    const reply = await send(image.image, header(image.image, what, top.stroke, {}), new Int32Array(0));
    await settle(scene, image.image, reply);
  }

  return { once, back, begin: (/** @type {BeginStroke} */ how) => new Stroke(scene, how) };
}

/** @typedef {{ tool: string, value: number, mode: Mode, only: number | null, radius: number }} BeginStroke */

export class Stroke {
  /** @param {import("./scene.js").Scene} scene @param {BeginStroke} how */
  constructor(scene, how) {
    this.scene = scene;
    this.how = how;
    this.image = /** @type {import("./types.d.ts").ImageFacts} */ (state.current.peek());
    this.name = hex(16);
    /** @type {Point | null} */
    this.last = null;
    /** @type {Span[]} painted and not sent yet */
    this.pending = [];
    /** @type {Span[]} of the last part */
    this.again = [];
    this.timer = setInterval(() => this.sendPart(false), PART_MS);
  }

  /** @param {Point} point of the image */
  to(point) {
    this.add(capsule(this.last ?? point, point, this.how.radius, this.image));
    this.last = point;
  }

  /** @param {Span[]} spans */
  add(spans) {
    const { value, mode, only } = this.how;
    this.pending.push(...spans);
    this.scene.labels?.paint(spans.map((span) => ({ ...span, value })), mode, only);
  }

  /** @param {boolean} isEnd */
  sendPart(isEnd) {
    if (isEnd && !this.pending.length) this.pending = this.again; // "it ends here" needs a run: one that is painted already
    if (!this.pending.length) return;
    this.again = this.pending.slice(-1);
    const { value, mode, only, tool } = this.how;
    const spans = merged(this.pending).map((span) => ({ ...span, value }));
    this.pending = [];
    const head = header(this.image.image, tool, this.name, { mode, only, is_end: isEnd });
    void send(this.image.image, head, triples(spans, this.image.width)).then(saved(this.scene, this.image.image));
    onTop(this.image.image, this.name, tool);
  }

  end() {
    clearInterval(this.timer);
    this.sendPart(true);
  }
}

/** Operations keep their order, so a stroke may be undone before it is saved. @param {number} image @param {string} stroke @param {string} tool */
function onTop(image, stroke, tool) {
  const now = state.current.peek();
  if (now?.image === image) state.current.value = { ...now, undo: { stroke, tool }, redo: null };
}

/** @param {import("./scene.js").Scene} scene @param {number} image */
function saved(scene, image) {
  return (/** @type {OpReply | null} */ reply) => {
    const now = state.current.peek();
    if (now?.image !== image) return;
    if (!reply) return void scene.labels?.tiles.renew(wholeOf(now)); // refused: show the truth
    state.current.value = { ...now, revision: reply.revision };
    if (state.unsaved.peek()) return;
    scene.labels?.allSaved();
    if (now.levels > 1) scene.labels?.tiles.renew(wholeOf(now), 1); // a coarse level holds the highest label of a block: the server knows
  };
}

/** After undo, redo or a question: the stacks and the labels as the server has them. @param {import("./scene.js").Scene} scene @param {number} image @param {OpReply | null} reply */
export async function settle(scene, image, reply) {
  const facts = /** @type {import("./types.d.ts").ImageFacts} */ (await get(`images/${image}`));
  const now = state.current.peek();
  if (now?.image !== image) return;
  const isAhead = state.unsaved.peek() > 0; // strokes of this tab lie on top of what the server knows
  const next_object = Math.max(facts.next_object, now.next_object);
  state.current.value = isAhead ? { ...facts, next_object, undo: now.undo, redo: now.redo } : { ...facts, next_object };
  if (!isAhead) scene.labels?.allSaved();
  const box = reply?.box;
  scene.labels?.tiles.renew(box ? { left: box[1], top: box[0], right: box[1] + box[3], bottom: box[0] + box[2] } : wholeOf(facts));
}

/** @param {{ width: number, height: number }} size @returns {import("./shapes.js").Box} */
export const wholeOf = (size) => ({ left: 0, top: 0, right: size.width, bottom: size.height });
