// @ts-check
import { h } from "../vendor/preact.js";
import * as state from "../state.js";

export function Status() {
  const at = state.pointerAt.value;
  const facts = state.current.value;
  const shown = state.predictionShown.value;
  return h("footer", { class: "status" },
    h("p", { class: `saved ${stateOfSaving()}`, role: "status", "data-state": stateOfSaving() }, h("span", { class: "lamp" }), savedText()),
    h("p", { class: "notice", role: "status", "aria-live": "polite" }, state.notice.value ?? ""),
    h("p", { class: "shown" }, shown ? `prediction of step ${shown.step.toLocaleString("en")}` : ""),
    h("p", { class: "size" }, facts ? `${facts.width.toLocaleString("en")} × ${facts.height.toLocaleString("en")} px` : ""),
    h("p", { class: "place" }, at ? `x ${at.column}, y ${at.row}${at.value ? `: ${at.value}` : ""}` : ""));
}

function stateOfSaving() {
  if (state.trouble.value || state.maskTrouble.value) return "trouble";
  if (state.link.value === "away") return "away";
  return state.unsaved.value ? "waiting" : "saved";
}

function savedText() {
  const left = state.unsaved.value;
  if (state.trouble.value) return `Not saved: ${state.trouble.value}`;
  if (state.maskTrouble.value) return `Strokes are saved, masks are not written: ${state.maskTrouble.value}`;
  if (state.link.value === "away") return left ? `${left} not saved yet: waiting for the server` : "Waiting for the server";
  if (left) return `${left} not saved yet`;
  return state.project.value ? "All saved" : "";
}
