// @ts-check
// What stands on the canvas when there is no picture to show, and the sentences that cover a part of it.
import { h } from "../vendor/preact.js";
import { picture } from "./icons.js";
import * as state from "../state.js";
import { scaleBar } from "../camera.js";

/** @typedef {import("../app.js").App} App */

/** @param {{ app: App }} props */
export function Stage({ app }) {
  return h("div", { class: "over-stage" }, h(Banner, { app }), h(Empty, null), h(ScaleBar, null));
}

/** @param {{ app: App }} props */
function Banner({ app }) {
  if (state.link.value === "away") {
    return h("div", { class: "banner", role: "alert" }, h("p", null, h("b", null, "The server does not answer. "),
      "Paint on: strokes wait here and are saved when it is back. Keep this tab open, and start the command again if it has ended."));
  }
  if (state.question.value) {
    return h("div", { class: "banner question", role: "alertdialog", "aria-label": "The mask was changed" },
      h("p", null, h("b", null, "Which mask counts? "), state.question.value, " The other one is kept in .annotate/before."),
      h("p", { class: "answers" },
        h("button", { type: "button", onClick: () => void app.answer("theirs") }, "The changed file"),
        h("button", { type: "button", onClick: () => void app.answer("ours") }, "What is painted here"),
        h("button", { type: "button", onClick: () => void app.answer("both") }, "The file where this is empty")));
  }
  if (state.isReadingOnly.value) {
    return h("div", { class: "banner", role: "status" }, h("p", null, h("b", null, "Reading only. "), "This image is being painted in another tab."),
      h("p", { class: "answers" }, h("button", { type: "button", onClick: () => void app.takeOver() }, "Paint here instead")));
  }
  return null;
}

/** How long things are, where the file says how large a pixel is. */
function ScaleBar() {
  const um = state.current.value?.spacing_um;
  if (!um) return null;
  const { width, text } = scaleBar(um, state.scaleOfView.value, 140);
  return h("p", { class: "scale-bar", "aria-label": `The bar is ${text} long` }, h("span", { style: { width: `${width}px` } }), text);
}

function Empty() {
  const [title, text] = emptyText();
  if (!title) return null;
  return h("div", { class: "empty" }, picture(), h("h1", null, title), h("p", null, text));
}

function emptyText() {
  if (state.link.value === "refused") return ["Open the printed address", "The command printed an address that ends in a long key. This tab does not have it, or the key has changed. Open that address."];
  const list = state.images.value;
  if (list === null) return ["", ""];
  if (!list.length) return ["No images yet", `Put images into ${state.project.value?.folder ?? "the folder"}/images (PNG, TIFF, OME-Zarr and others), and start the command again.`];
  if (list.every((one) => one.problem !== null)) return ["No image can be read", list[0].problem ?? ""];
  return ["", ""];
}
