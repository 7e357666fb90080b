// @ts-check
// Operations on their way to the journal. Nothing is forgotten until the server says that it is saved.
import { Away, Refusal, call, hex, onEvent, tab } from "./link.js";
import * as state from "./state.js";

/** @typedef {import("./types.d.ts").OpHeader} OpHeader */
/** @typedef {import("./types.d.ts").OpReply} OpReply */
/** @typedef {{ image: number, header: OpHeader, runs: Int32Array, done: (reply: OpReply | null) => void }} Waiting */

/** @type {Waiting[]} in the order they were made; the first may be under way */
const queue = [];
let isSending = false;

/** @param {number} image @param {string} tool @param {string} stroke @param {Partial<OpHeader>} more @returns {OpHeader} */
export function header(image, tool, stroke, more) {
  const jump = state.jump.peek();
  return { id: hex(16), stroke, tab, tool, mode: "all", only: null, is_end: true, jump, ...more };
}

/**
 * Queue an operation. The promise ends when it is saved, with the reply, or with null if the server refused it.
 * @param {number} image @param {OpHeader} head @param {Int32Array} runs triples of start, length and value
 * @returns {Promise<OpReply | null>}
 */
export function send(image, head, runs) {
  return new Promise((done) => {
    queue.push({ image, header: head, runs, done });
    state.unsaved.value = queue.length;
    void work();
  });
}

/** One request at a time, in order: the server may rely on it, and so may undo. */
async function work() {
  if (isSending) return;
  isSending = true;
  while (queue.length) {
    const first = queue[0];
    try {
      const reply = await (await call(`images/${first.image}/ops`, { method: "POST", body: packed(first) })).json();
      state.trouble.value = null;
      finish(first, reply);
    } catch (fault) {
      if (fault instanceof Away) break; // "back" begins again
      if (!(fault instanceof Refusal)) throw fault;
      if (fault.word === "disk" || fault.status >= 500) {
        state.trouble.value = fault.message;
        await new Promise((later) => setTimeout(later, 2000));
      } else if (fault.word === "changed") {
        state.question.value = fault.message; // the answer goes on with `resume`
        break;
      } else if (fault.status === 401) break;
      else refuse(first, fault);
    }
  }
  isSending = false;
}

/** @param {Waiting} one @param {OpReply | null} reply */
function finish(one, reply) {
  queue.splice(queue.indexOf(one), 1);
  state.unsaved.value = queue.length;
  one.done(reply);
}

/** @param {Waiting} one @param {Refusal} fault */
function refuse(one, fault) {
  if (fault.word === "lease") state.isReadingOnly.value = true;
  state.say(`Not saved: ${fault.message}`);
  finish(one, null);
}

/** @param {Waiting} one @returns {ArrayBuffer} length of the header, the header, the runs; little-endian as every browser is */
function packed(one) {
  const head = new TextEncoder().encode(JSON.stringify(one.header));
  const body = new ArrayBuffer(4 + head.length + one.runs.byteLength);
  new DataView(body).setUint32(0, head.length, true);
  const bytes = new Uint8Array(body);
  bytes.set(head, 4);
  bytes.set(new Uint8Array(one.runs.buffer, one.runs.byteOffset, one.runs.byteLength), 4 + head.length);
  return body;
}

/** Send what waits. */
export const resume = () => void work();

onEvent((event) => { if (event.event === "back") void work(); });

addEventListener("beforeunload", (event) => { if (queue.length) event.preventDefault(); });
