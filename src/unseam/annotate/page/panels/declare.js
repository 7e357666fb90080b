// @ts-check
// What is painted: the first question to a new folder, and the same dialog to rename, recolour and add later.
import { h } from "../vendor/preact.js";
import { useSignal } from "../vendor/signals.js";
import { OFFERED } from "../colours.js";
import { Away, Refusal, post } from "../link.js";
import { Dialog, close } from "./dialogs.js";
import { icon, picture } from "./icons.js";
import { Choice, IconButton } from "./parts.js";
import * as state from "../state.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../types.d.ts").ClassOf} ClassOf */
/** @typedef {import("../types.d.ts").Kind} Kind */

const KINDS = [
  { value: /** @type {Kind} */ ("classes"), text: "Classes", title: "Each pixel has a class: tissue and vessel, healthy and sick" },
  { value: /** @type {Kind} */ ("objects"), text: "Objects", title: "Things that are counted one by one, and may touch: cells, nuclei" },
];

/** @param {{ app: App }} props */
export function Declare({ app }) {
  const project = state.project.value;
  const isNew = project?.kind === null;
  const found = project?.found ?? null;
  const kind = useSignal(/** @type {Kind} */ (project?.kind ?? found?.kind ?? "classes"));
  const rows = useSignal(/** @type {ClassOf[]} */ (project?.classes.length ? project.classes : found?.classes ?? offered()));
  const fault = useSignal("");
  const isBusy = useSignal(false);
  const isObjects = kind.value === "objects";
  const shown = isObjects ? rows.value.slice(0, 2) : rows.value;
  const declare = async (/** @type {Event} */ event) => {
    event.preventDefault();
    isBusy.value = true;
    try {
      state.project.value = await post("project", { kind: kind.value, classes: shown });
      close();
      if (isNew) await app.load();
    } catch (wrong) {
      if (!(wrong instanceof Refusal || wrong instanceof Away)) throw wrong;
      fault.value = wrong instanceof Refusal ? wrong.message : "The server does not answer. Try again in a moment.";
    }
    isBusy.value = false;
  };
  return h(Dialog, { name: isNew ? "What do you want to find?" : "Names and colours", class: "declare", mayClose: !isNew },
    h("form", { onSubmit: declare },
      isNew ? picture() : null,
      h("h1", null, isNew ? "What do you want to find?" : "Names and colours"),
      isNew ? h("p", { class: "lead" }, "You paint a little of each, and a network learns from it while you go on. Names and colours can be changed later.") : null,
      found ? h("p", { class: "found" }, found.message) : null,
      isNew ? h(Choice, { name: "Kind", of: KINDS, value: kind.value, choose: (/** @type {Kind} */ value) => { kind.value = value; }, disabled: found?.kind != null }) : null,
      isNew ? h("p", { class: "hint" }, KINDS.find((one) => one.value === kind.value)?.title ?? "") : null,
      h("ul", { class: "rows" }, shown.map((one, i) => h(Row, { one, key: one.value, label: isObjects && i === 1 ? "Objects" : `Class ${one.value}`,
        mayGo: isNew && i > 1 && i === shown.length - 1 && !found,
        set: (changed) => { rows.value = rows.value.map((row) => (row.value === one.value ? changed : row)); },
        drop: () => { rows.value = rows.value.slice(0, -1); } }))),
      h("button", { type: "button", class: "link add", disabled: isObjects, onClick: () => { rows.value = [...rows.value, another(rows.value)]; } }, icon("plus"), "Another class"),
      h("p", { class: "fault", role: "alert" }, fault.value),
      h("p", { class: "actions" },
        isNew ? null : h("button", { type: "button", onClick: close }, "Leave as it was"),
        h("button", { type: "submit", class: "main", disabled: isBusy.value || shown.some((one) => !one.name.trim()) }, isNew ? "Begin to paint" : "Keep"))));
}

/** @param {{ one: ClassOf, label: string, mayGo: boolean, set: (one: ClassOf) => void, drop: () => void }} props */
function Row({ one, label, mayGo, set, drop }) {
  return h("li", null,
    h("input", { type: "color", value: one.colour, "aria-label": `Colour of ${one.name}`, onInput: (/** @type {any} */ event) => set({ ...one, colour: event.target.value }) }),
    h("input", { type: "text", value: one.name, maxlength: 60, "aria-label": `Name: ${label}`, placeholder: "Name", required: true,
      onInput: (/** @type {any} */ event) => set({ ...one, name: event.target.value }) }),
    h("small", null, one.value === 0 ? "all the rest" : ""),
    mayGo ? h(IconButton, { icon: "leave", name: `Drop ${one.name}`, class: "small", run: drop }) : h("span", { class: "icon-button small" }));
}

/** @returns {ClassOf[]} */
const offered = () => [{ value: 0, name: "background", colour: OFFERED[0] }, { value: 1, name: "cell", colour: OFFERED[1] }];

/** @param {ClassOf[]} rows @returns {ClassOf} */
function another(rows) {
  return { value: rows.length, name: `class ${rows.length}`, colour: OFFERED[rows.length % OFFERED.length] };
}
