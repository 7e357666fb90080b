// @ts-check
import { h } from "../vendor/preact.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { Away, Refusal, call } from "../link.js";
import { icon } from "./icons.js";
import * as state from "../state.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../vendor/preact.js").Child} Child */

/** A dialog of the browser: it holds the focus, and Escape closes it. @param {{ name: string, class?: string, mayClose?: boolean, children?: Child }} props */
export function Dialog(props) {
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => { box.current?.showModal(); }, []);
  return h("dialog", {
    ref: box, class: props.class ?? "", "aria-label": props.name,
    onClose: () => { state.dialog.value = null; },
    onCancel: (/** @type {Event} */ event) => { if (props.mayClose === false) event.preventDefault(); },
  }, props.children);
}

export const close = () => { state.dialog.value = null; };

/** @param {{ table: import("../keys.js").Command[] }} props */
export function Help({ table }) {
  const groups = [...new Set(table.map((one) => one.group))];
  return h(Dialog, { name: "Keys and help", class: "help" },
    h("h1", null, "Keys"),
    h("p", { class: "lead" }, "Paint a little of each class, look at the prediction, correct where it is wrong, and repeat. Every stroke is saved as it is drawn."),
    h("div", { class: "columns" }, groups.map((group) =>
      h("section", { key: group }, h("h2", null, group), h("dl", null, table.filter((one) => one.group === group).map((one) =>
        h("div", { key: one.text }, h("dt", null, one.keys.filter((key) => key !== "=").map((key) => h("kbd", { key }, key.length === 1 ? key.toUpperCase() : key))), h("dd", null, one.text))))))),
    h("p", { class: "hint" }, "Without a mouse: the arrow keys move a cursor by 1 px, with Shift by 10; hold Space to paint. After a pen was used, fingers only move the view."),
    h("p", { class: "actions" }, h("button", { type: "button", class: "main", onClick: close }, "Close")));
}

/** @param {{ app: App }} props */
export function Finish({ app }) {
  const trainer = state.trainer.value;
  const list = state.images.value ?? [];
  const begun = list.filter((one) => one.strokes > 0 && one.status !== "left out").length;
  if (trainer?.state === "finishing") return h(Dialog, { name: "Finishing", class: "finish" }, h(Progress, { app, trainer }));
  if (trainer?.state === "finished") return h(Dialog, { name: "Finished", class: "finish" }, h(Result, { trainer }));
  return h(Dialog, { name: "Finish", class: "finish" },
    h("h1", null, "Train the model to keep"),
    h("p", null, `The default recipe learns from the masks of ${begun} ${begun === 1 ? "image" : "images"}, as `, h("code", null, "unseam train"),
      " would, and judges itself on parts that it held out. It takes longer than the picture that you saw so far. You can go on painting meanwhile."),
    begun === 0 ? h("p", { class: "hint" }, "Nothing is painted yet.") : null,
    h("p", { class: "actions" },
      h("button", { type: "button", onClick: close }, "Not yet"),
      h("button", { type: "button", class: "main", disabled: begun === 0, onClick: () => void app.trainer("finish") }, icon("flag"), "Train")));
}

/** Files to take along. The masks need no export: they lie in the folder. */
export function Export() {
  const facts = state.current.value;
  const folder = state.project.value?.folder ?? "";
  const save = async (/** @type {string} */ what) => {
    if (!facts) return;
    try {
      const url = URL.createObjectURL(await (await call(`images/${facts.image}/export/${what}`)).blob());
      const anchor = Object.assign(document.createElement("a"), { href: url, download: `${facts.name.replace(/\.[^.]*$/, "")}-${what}` });
      anchor.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
      close();
    } catch (fault) {
      if (!(fault instanceof Away || fault instanceof Refusal)) throw fault;
      state.say(fault instanceof Refusal ? fault.message : "The server does not answer.");
    }
  };
  return h(Dialog, { name: "Take files along", class: "finish" },
    h("h1", null, "Take files along"),
    h("p", null, "The masks are ordinary image files already, in ", h("code", null, `${folder}/masks`), ", always up to date. For a talk or another program there are two more, of the image on the canvas:"),
    h("div", { class: "exports" },
      h("button", { type: "button", onClick: () => void save("overlay.png") }, icon("download"), "Picture with the annotation (PNG)"),
      h("button", { type: "button", onClick: () => void save("outlines.geojson") }, icon("download"), "Outlines (GeoJSON)")),
    h("p", { class: "actions" }, h("button", { type: "button", onClick: close }, "Close")));
}

/** @param {{ app: App, trainer: import("../types.d.ts").Trainer }} props */
function Progress({ app, trainer }) {
  const { progress } = trainer;
  return [
    h("h1", { key: "title" }, "Training the model to keep"),
    h("progress", { key: "bar", max: progress?.total || 1, value: progress ? progress.done : undefined, "aria-label": "Progress of training" }),
    h("p", { key: "text" }, progress?.sentence ?? trainer.message),
    h("p", { key: "hint", class: "hint" }, "This window may be closed; training goes on."),
    h("p", { key: "actions", class: "actions" },
      h("button", { type: "button", onClick: () => void app.trainer("cancel") }, "Stop"),
      h("button", { type: "button", class: "main", onClick: close }, "Paint on")),
  ];
}

/** @param {{ trainer: import("../types.d.ts").Trainer }} props */
function Result({ trainer }) {
  return [
    h("h1", { key: "title" }, icon("check"), "The model is ready"),
    h("p", { key: "text" }, trainer.message),
    h("dl", { key: "paths", class: "paths" },
      h("dt", null, "Model"), h("dd", null, h("code", null, trainer.model ?? "")),
      trainer.report ? [h("dt", { key: "t" }, "Report"), h("dd", { key: "d" }, h("code", null, trainer.report))] : null,
      h("dt", null, "Segment other images"), h("dd", null, h("code", null, `unseam predict ${trainer.model ?? "MODEL"} IMAGES --out RESULTS`))),
    h("p", { key: "actions", class: "actions" }, h("button", { type: "button", class: "main", onClick: close }, "Close")),
  ];
}
