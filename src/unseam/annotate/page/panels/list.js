// @ts-check
import { h } from "../vendor/preact.js";
import { useEffect } from "../vendor/hooks.js";
import { useSignal } from "../vendor/signals.js";
import { Away, Refusal, call } from "../link.js";
import { icon } from "./icons.js";
import * as state from "../state.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../types.d.ts").ListEntry} ListEntry */

/** @type {Record<string, string>} */
const SIGNS = { new: "dot", begun: "pencil", done: "check", "left out": "leave" };

/** @param {{ app: App }} props */
export function List({ app }) {
  const list = state.images.value ?? [];
  const done = list.filter((one) => one.status === "done").length;
  return h("nav", { class: "list", "aria-label": "Images" },
    h("h2", null, h("span", null, "Images"), h("small", null, list.length ? `${done} of ${list.length} done` : "")),
    h("ul", null, list.map((one) => h(Entry, { app, one, key: one.image }))),
    state.current.value ? h(Marks, { app }) : null);
}

/** @param {{ app: App, one: ListEntry }} props */
function Entry({ app, one }) {
  const isHere = state.current.value?.image === one.image;
  return h("li", null, h("button", {
    type: "button", class: isHere ? "chosen" : "", "aria-current": isHere ? "true" : undefined, disabled: one.problem !== null,
    title: one.problem ?? one.name, onClick: () => void app.open(one.image),
  },
  h(Thumbnail, { image: one.image, isThere: one.problem === null }),
  h("span", { class: "words" }, h("b", null, one.name),
    h("small", { class: `status ${one.status.replace(" ", "-")}` }, icon(SIGNS[one.status] ?? "dot"), one.problem ? "cannot be read" : wordOf(one)))));
}

/** @param {ListEntry} one */
function wordOf(one) {
  const strokes = one.strokes ? `, ${one.strokes} ${one.strokes === 1 ? "stroke" : "strokes"}` : "";
  return `${one.changed ? "mask changed" : one.status}${strokes}`;
}

/** @type {Map<number, string>} */
const urls = new Map();

/** @param {{ image: number, isThere: boolean }} props */
function Thumbnail({ image, isThere }) {
  const url = useSignal(urls.get(image) ?? "");
  useEffect(() => {
    if (!isThere || url.peek()) return;
    void call(`images/${image}/thumbnail`).then(async (reply) => {
      urls.set(image, URL.createObjectURL(await reply.blob()));
      url.value = urls.get(image) ?? "";
    }).catch((fault) => { if (!(fault instanceof Away || fault instanceof Refusal)) throw fault; });
  }, [image, isThere]);
  return h("span", { class: "thumb" }, url.value ? h("img", { src: url.value, alt: "" }) : null);
}

/** What the user says of the image on the canvas. @param {{ app: App }} props */
function Marks({ app }) {
  const facts = state.current.value;
  if (!facts) return null;
  const isDone = facts.status === "done";
  const isOut = facts.status === "left out";
  const back = facts.strokes ? "begun" : "new";
  return h("div", { class: "marks" },
    h("button", { type: "button", "aria-pressed": String(isDone), title: "Done, and on to the next (Enter)", disabled: state.isReadingOnly.value,
      onClick: () => void (isDone ? app.mark(back, facts.image) : app.done()) }, icon("check"), "Done"),
    h("button", { type: "button", "aria-pressed": String(isOut), title: "Keep this image out of training", disabled: state.isReadingOnly.value,
      onClick: () => void app.mark(isOut ? back : "left out", facts.image) }, icon("leave"), isOut ? "Left out" : "Leave out"));
}
