// @ts-check
import { h } from "../vendor/preact.js";
import { Panel } from "./parts.js";
import { icon } from "./icons.js";
import * as state from "../state.js";

/** @typedef {import("../app.js").App} App */

/** @type {Record<string, string>} */
const WORDS = {
  off: "Not learning", waiting: "Waiting for strokes", training: "Learning", paused: "Paused", restarting: "Starting again",
  finishing: "Finishing", finished: "Finished", failed: "Stopped",
};

/** @param {{ app: App }} props */
export function Learning({ app }) {
  const trainer = state.trainer.value;
  const word = trainer?.state ?? "off";
  const isRunning = word === "training" || word === "waiting";
  return h(Panel, { name: "Network", class: "learning" },
    h("p", { class: `state ${word}`, role: "status" }, h("span", { class: "lamp" }), h("b", null, WORDS[word] ?? word),
      trainer && trainer.step > 0 && word !== "finished" ? h("small", null, `step ${trainer.step.toLocaleString("en")}`) : null),
    h("p", { class: "sentence" }, sentenceOf(trainer)),
    h(Right, null),
    h("div", { class: "row" },
      h("button", { type: "button", class: "wide", onClick: () => void app.somewhere(), title: "A place that teaches much; one in three at random (N)", disabled: !state.isDeclared.value },
        icon("compass"), "Take me somewhere", h("kbd", null, "N"))),
    h("div", { class: "row" },
      word === "paused"
        ? h("button", { type: "button", onClick: () => void app.trainer("resume") }, icon("play"), "Go on")
        : word === "failed"
          ? h("button", { type: "button", onClick: () => void app.trainer("restart") }, icon("play"), "Start again")
          : h("button", { type: "button", onClick: () => void app.trainer("pause"), disabled: !isRunning }, icon("pause"), "Pause"),
      h("button", { type: "button", class: "main", onClick: () => { state.dialog.value = "finish"; }, disabled: !state.isDeclared.value || word === "off" || word === "failed" },
        icon("flag"), word === "finishing" ? "Progress" : word === "finished" ? "Result" : "Finish")));
}

/** @param {import("../types.d.ts").Trainer | null} trainer */
function sentenceOf(trainer) {
  if (!trainer) return "";
  if (trainer.state === "off") return state.project.value?.can_learn ? "Learning begins when the classes have names." : "This session only paints; the strokes are kept.";
  if (trainer.state === "finishing" && trainer.progress) return trainer.progress.sentence;
  if (trainer.message) return trainer.message;
  if (trainer.state === "waiting") return "Paint a little of each class. Two classes are enough to begin.";
  if (trainer.state === "training") return state.predictionShown.value ? "Correct what is wrong in the picture." : "The first prediction comes within seconds.";
  return "";
}

/** How right the picture was where the user painted next: a test before each stroke is learnt. */
function Right() {
  const score = state.score.value;
  if (!score || !score.right_of_last[1]) return h("p", { class: "right none" }, "Each stroke first tests the picture, then teaches it.");
  const [right, of] = score.right_of_last;
  return h("div", { class: "right" },
    h("meter", { min: 0, max: of, value: right, "aria-label": "Strokes where the picture was right" }),
    h("p", null, "Right in ", h("b", null, String(right)), ` of the last ${of} ${of === 1 ? "stroke" : "strokes"}`));
}
