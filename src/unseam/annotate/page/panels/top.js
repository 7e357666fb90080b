// @ts-check
import { h } from "../vendor/preact.js";
import { IconButton } from "./parts.js";
import * as state from "../state.js";

/** @typedef {import("../app.js").App} App */

const THEMES = ["auto", "light", "dark"];

/** @param {{ app: App }} props */
export function Top({ app }) {
  const facts = state.current.value;
  const list = state.images.value ?? [];
  const number = facts ? list.findIndex((one) => one.image === facts.image) + 1 : 0;
  const isFree = !state.isReadingOnly.value && state.link.value !== "refused";
  return h("header", { class: "top" },
    h("p", { class: "mark" }, h("b", null, "unseam"), " annotate"),
    h("p", { class: "folder", title: state.project.value?.folder }, state.project.value?.name ?? ""),
    h("p", { class: "image-name" }, facts ? h("b", null, facts.name) : "", facts ? h("small", null, ` ${number} of ${list.length}`) : ""),
    h("div", { class: "buttons" },
      h(IconButton, { icon: "undo", name: "Undo", keys: "Ctrl+Z", run: () => void app.tools.strokes.back("undo"), disabled: !isFree || !facts?.undo }),
      h(IconButton, { icon: "redo", name: "Do again", keys: "Ctrl+Y", run: () => void app.tools.strokes.back("redo"), disabled: !isFree || !facts?.redo }),
      h("span", { class: "gap" }),
      h(IconButton, { icon: "minus", name: "Zoom out", keys: "−", run: () => app.zoom(1 / 1.5), disabled: !facts }),
      h("span", { class: "zoom" }, facts ? `${percent(state.scaleOfView.value)}` : ""),
      h(IconButton, { icon: "plus", name: "Zoom in", keys: "+", run: () => app.zoom(1.5), disabled: !facts }),
      h(IconButton, { icon: "fit", name: "Fit the image", keys: "F", run: () => { app.scene.camera.fit(); app.scene.tellMoved(); }, disabled: !facts }),
      h("span", { class: "gap" }),
      h(IconButton, { icon: "download", name: "Take files along", run: () => { state.dialog.value = "export"; }, disabled: !facts }),
      h(IconButton, {
        icon: state.theme.value === "dark" ? "dark" : "light", name: `Light or dark: ${state.theme.value}`,
        run: () => { state.theme.value = THEMES[(THEMES.indexOf(state.theme.peek()) + 1) % 3]; },
      }),
      h(IconButton, { icon: "help", name: "Keys and help", keys: "?", run: () => { state.dialog.value = "help"; } })));
}

/** @param {number} scale */
const percent = (scale) => `${scale < 0.1 ? (100 * scale).toFixed(1) : Math.round(100 * scale)} %`;
