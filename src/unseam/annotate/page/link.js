// @ts-check
// The connection: the token, calls, and the stream of events that comes back after a break.
import * as state from "./state.js";

/** The name of this tab for the lease of an image. It outlives a reload, and is never there to be copied into a second tab. */
export const tab = sessionStorage.getItem("tab") ?? hex(16);
sessionStorage.removeItem("tab");
addEventListener("pagehide", () => sessionStorage.setItem("tab", tab));

/** @param {number} bytes @returns {string} random hexadecimal digits, two a byte */
export function hex(bytes) {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

/** The server said no, with a word that a program reads and a sentence for the user. */
export class Refusal extends Error {
  /** @param {number} status @param {string} word @param {string} message @param {any} told */
  constructor(status, word, message, told) {
    super(message);
    this.status = status;
    this.word = word;
    this.told = told;
  }
}

/** Nothing answered: the command was ended, or it is starting again. */
export class Away extends Error {}

/** The token comes in the fragment, which no request ever carries; it leaves the address bar at once. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem("token") !== null;
}

const token = () => sessionStorage.getItem("token") ?? "";

/**
 * One call. Throws `Away` if nothing answers and `Refusal` if the answer is no.
 * @param {string} path after `/api/` @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
export async function call(path, options = {}) {
  let reply;
  try {
    reply = await fetch(`/api/${path}`, { ...options, headers: { Authorization: `Bearer ${token()}`, ...options.headers } });
  } catch (fault) {
    if (fault instanceof DOMException && fault.name === "AbortError") throw fault;
    lost();
    throw new Away(String(fault));
  }
  if (reply.ok) return reply;
  const told = await reply.json().catch(() => ({}));
  if (reply.status === 401) state.link.value = "refused";
  throw new Refusal(reply.status, told.error ?? "unknown", told.message ?? `The server answered ${reply.status}.`, told);
}

/** @param {string} path @returns {Promise<any>} */
export const get = async (path) => (await call(path)).json();

/** @param {string} path @param {unknown} body @returns {Promise<any>} */
export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return (await call(path, { method: "POST", body: JSON.stringify(body), headers })).json();
}

let isLooking = false;

/** The server is gone: painting goes on; look for it each second, and let it prove that it is ours before the token goes out. */
export function lost() {
  if (state.link.peek() !== "refused") state.link.value = "away";
  if (isLooking) return;
  isLooking = true;
  const look = async () => {
    if (!(await isOurs())) {
      setTimeout(look, 1000);
      return;
    }
    isLooking = false;
    state.link.value = "connecting";
    stream?.abort();
    followers.forEach((follow) => follow({ event: "back" }));
    void follow();
  };
  setTimeout(look, 1000);
}

/** Whoever answers on this port now must know our token: another user's program may have taken the port. */
async function isOurs() {
  const nonce = hex(16);
  const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);
  try {
    const { proof } = await (await fetch(`/hello?nonce=${nonce}`)).json();
    const key = await crypto.subtle.importKey("raw", bytes(token()), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    const given = Uint8Array.from(String(proof).match(/../g) ?? [], (pair) => parseInt(pair, 16));
    return await crypto.subtle.verify("HMAC", key, given, bytes(`unseam annotate ${nonce}`));
  } catch {
    return false;
  }
}

/** @type {Array<(event: import("./types.d.ts").ServerEvent) => void>} */
const followers = [];
/** @type {AbortController | null} */
let stream = null;
let [epoch, last] = ["", 0];

/** @param {(event: import("./types.d.ts").ServerEvent) => void} follower called with each event, and with "back" and "again" */
export const onEvent = (follower) => followers.push(follower);

/** Read events without end. Returns when the stream breaks; `lost` then looks for the server. */
export async function follow() {
  stream = new AbortController();
  const mine = stream;
  try {
    const reply = await call(`events?tab=${tab}&after=${last}`, { signal: mine.signal });
    if (state.link.peek() !== "ready") state.link.value = "ready";
    const reader = /** @type {ReadableStream<Uint8Array>} */ (reply.body).getReader();
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      lines.filter(Boolean).forEach((line) => take(JSON.parse(line)));
    }
  } catch (fault) {
    if (fault instanceof Refusal) return;
  }
  if (!mine.signal.aborted) lost();
}

/** @param {import("./types.d.ts").ServerEvent} event */
function take(event) {
  if (event.n !== undefined) last = event.n;
  if (event.event === "hello") {
    const isOther = epoch !== "" && (epoch !== event.epoch || event.missed);
    epoch = event.epoch;
    if (isOther) followers.forEach((follow) => follow({ event: "again" }));
  }
  followers.forEach((follow) => follow(event));
}
