// @ts-check
// Small parts that the panels share.
import { h } from "../vendor/preact.js";
import { icon } from "./icons.js";

/** @typedef {import("../vendor/preact.js").Child} Child */

/**
 * A button with a picture; its name is its tooltip and what a screen reader says.
 * @param {{ icon: string, name: string, keys?: string, run: () => void, pressed?: boolean, disabled?: boolean, class?: string }} props
 */
export function IconButton(props) {
  const { icon: which, name, keys, run, pressed, disabled } = props;
  return h("button", {
    type: "button", class: `icon-button ${props.class ?? ""}`, title: keys ? `${name} (${keys})` : name, "aria-label": name, onClick: run, disabled,
    "aria-pressed": pressed === undefined ? undefined : String(pressed),
  }, icon(which));
}

/** @param {{ name: string, class?: string, more?: Child, children?: Child }} props */
export function Panel(props) {
  return h("section", { class: `panel ${props.class ?? ""}`, "aria-label": props.name },
    h("h2", null, h("span", null, props.name), props.more), props.children);
}

/**
 * One of several, as a row of buttons.
 * @template V
 * @param {{ name: string, of: { value: V, text: string, title: string }[], value: V, choose: (value: V) => void, disabled?: boolean }} props
 */
export function Choice(props) {
  return h("div", { class: "choice", role: "radiogroup", "aria-label": props.name }, props.of.map((one) =>
    h("button", {
      type: "button", role: "radio", "aria-checked": String(one.value === props.value), title: one.title, disabled: props.disabled,
      onClick: () => props.choose(one.value),
    }, one.text)));
}

/**
 * A slider with its value beside it.
 * @param {{ name: string, title?: string, value: number, least: number, most: number, step?: number, text: string, set: (value: number) => void, disabled?: boolean }} props
 */
export function Slider(props) {
  return h("label", { class: "slider", title: props.title },
    h("span", null, props.name),
    h("input", {
      type: "range", min: props.least, max: props.most, step: props.step ?? 1, value: props.value, disabled: props.disabled,
      "aria-valuetext": props.text,
      onInput: (/** @type {any} */ event) => props.set(Number(event.target.value)),
    }),
    h("output", null, props.text));
}
