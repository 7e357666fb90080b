// @ts-check
import { h, render } from "./vendor/preact.js";
import { effect } from "./vendor/signals.js";
import { App } from "./app.js";
import { around } from "./colours.js";
import { countInto } from "./histogram.js";
import { commands, listen } from "./keys.js";
import { Refusal, follow, takeToken } from "./link.js";
import { Declare } from "./panels/declare.js";
import { Export, Finish, Help } from "./panels/dialogs.js";
import { Learning } from "./panels/learning.js";
import { List } from "./panels/list.js";
import { Look } from "./panels/look.js";
import { overlay } from "./panels/overlay.js";
import { Rail } from "./panels/rail.js";
import { Classes, Options } from "./panels/side.js";
import { Stage } from "./panels/stage.js";
import { Status } from "./panels/status.js";
import { Top } from "./panels/top.js";
import * as state from "./state.js";

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

/** The theme, and with it the surround of the image. */
function followTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = () => {
    const isDark = state.theme.value === "dark" || (state.theme.value === "auto" && dark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    around.value = isDark ? [0.063, 0.071, 0.082] : [0.878, 0.894, 0.91];
  };
  effect(set);
  dark.addEventListener("change", set);
}

/** @param {App} app @param {import("./keys.js").Command[]} table */
function Dialogs(app, table) {
  return () => {
    if (state.link.value === "refused" || !state.project.value) return null;
    if (!state.isDeclared.value && (state.images.value ?? []).length) return h(Declare, { app, key: "new" });
    if (state.dialog.value === "help") return h(Help, { table, key: "help" });
    if (state.dialog.value === "classes") return h(Declare, { app, key: "classes" });
    if (state.dialog.value === "export") return h(Export, { key: "export" });
    if (state.dialog.value === "finish") return h(Finish, { app, key: "finish" });
    return null;
  };
}

function begin() {
  followTheme();
  /** @type {App} */
  let app;
  try {
    app = new App(byId("canvas"), byId("over"));
  } catch (fault) {
    byId("stage").textContent = "This page draws with WebGL2, which this browser does not offer. A newer Firefox, Chrome, Edge or Safari does.";
    throw fault;
  }
  const table = commands(app);
  listen(app, table);
  overlay(byId("lines"), app);
  countInto(app.scene);
  render(h(Top, { app }), byId("top"));
  render(h(List, { app }), byId("list"));
  render(h(Rail, null), byId("rail"));
  render(h(Stage, { app }), byId("stage"));
  render([h(Classes, { app, key: 1 }), h(Options, { app, key: 2 }), h(Learning, { app, key: 3 }), h(Look, { app, key: 4 })], byId("side"));
  render(h(Status, null), byId("status"));
  render(h(Dialogs(app, table), {}), byId("dialogs"));
  effect(() => { document.documentElement.dataset.link = state.link.value; });
  effect(() => {
    const { image, revision } = state.current.value ?? {};
    if (image !== undefined) Object.assign(document.documentElement.dataset, { image, revision });
  });
  effect(() => { byId("over").dataset.tool = state.isErasing.value ? "eraser" : state.tool.value; });
  if (!takeToken()) {
    state.link.value = "refused";
    return;
  }
  void follow();
  void app.load().catch((fault) => { if (!(fault instanceof Refusal)) throw fault; });
  Object.assign(globalThis, { unseam: { app, state } }); // for the tests, and for the curious in the console
}

begin();
