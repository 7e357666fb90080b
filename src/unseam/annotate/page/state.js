// @ts-check
// What the page knows, as signals: a panel that reads one is drawn again when it changes. The pixels are not here.
import { computed, signal } from "./vendor/signals.js";

/** @typedef {import("./types.d.ts").Tool} Tool */

/** @param {string} name @param {number | string | boolean} otherwise a setting that this browser keeps */
function kept(name, otherwise) {
  const found = localStorage.getItem(`unseam.${name}`);
  const one = signal(found === null ? otherwise : JSON.parse(found));
  one.subscribe((value) => localStorage.setItem(`unseam.${name}`, JSON.stringify(value)));
  return /** @type {import("./vendor/signals.js").Signal<any>} */ (one);
}

export const link = signal(/** @type {import("./types.d.ts").LinkState} */ ("connecting"));
export const project = signal(/** @type {import("./types.d.ts").Project | null} */ (null));
export const images = signal(/** @type {import("./types.d.ts").ListEntry[] | null} */ (null));
export const trainer = signal(/** @type {import("./types.d.ts").Trainer | null} */ (null));
export const score = signal(/** @type {import("./types.d.ts").Score | null} */ (null));

/** The image on the canvas, with its facts. */
export const current = signal(/** @type {import("./types.d.ts").ImageFacts | null} */ (null));
export const isOpening = signal(false);
/** Another tab holds this image: this one reads. */
export const isReadingOnly = signal(false);

export const tool = signal(/** @type {Tool} */ ("brush"));
export const isErasing = signal(false); // Alt is held
export const activeClass = signal(1);
/** The object that the next stroke goes on with, if it begins on none: always null but after `i`. */
export const activeObject = signal(/** @type {number | null} */ (null));
export const isNewObject = signal(false); // `m`: the next stroke opens an object wherever it begins
export const mode = signal(/** @type {import("./types.d.ts").Mode} */ ("all"));
export const brushSize = kept("brush", 9); // diameter, px of the image
export const eraserSize = kept("eraser", 15);
export const wandTolerance = kept("tolerance", 12); // per cent of the contrast window

export const showPrediction = signal(true);
export const showStrokes = signal(true);
export const predictionOpacity = kept("prediction opacity", 0.4);
export const strokesOpacity = kept("strokes opacity", 0.75);
/** Whether classes and objects have stripes as well as colours, for people who cannot tell the colours apart. */
export const hasPatterns = kept("patterns", false);
/** Per channel: what is black and what is white, in sent values. */
export const contrast = signal(/** @type {[number, number][]} */ ([]));
export const hiddenChannels = signal(/** @type {number[]} */ ([]));
export const histogram = signal(/** @type {number[]} */ ([]));

export const unsaved = signal(0);
export const trouble = signal(/** @type {string | null} */ (null)); // "not saved", with the reason
export const maskTrouble = signal(/** @type {string | null} */ (null)); // strokes are saved, the masks are not written
export const notice = signal(/** @type {string | null} */ (null)); // a sentence that goes by itself
export const predictionShown = signal(/** @type {{ step: number, at: number } | null} */ (null));
export const jump = signal(/** @type {"random" | "ranked" | null} */ (null));
export const dialog = signal(/** @type {"help" | "classes" | "finish" | "export" | null} */ (null));
export const question = signal(/** @type {string | null} */ (null)); // the mask was changed by another program

export const scaleOfView = signal(1);
export const pointerAt = signal(/** @type {{ column: number, row: number, value: string } | null} */ (null));

export const theme = kept("theme", "auto");

export const classes = computed(() => project.value?.classes ?? []);
export const isObjects = computed(() => project.value?.kind === "objects");
export const isDeclared = computed(() => project.value !== null && project.value.kind !== null);
export const size = computed(() => (tool.value === "eraser" || isErasing.value ? eraserSize : brushSize));
export const mayPaint = computed(() => isDeclared.value && current.value !== null && !isReadingOnly.value && !isOpening.value);
export const paintedClass = computed(() => classes.value.find((one) => one.value === activeClass.value) ?? null);

/** @param {string} text a sentence shown for a few seconds and spoken by a screen reader */
export function say(text) {
  notice.value = text;
  setTimeout(() => { if (notice.peek() === text) notice.value = null; }, 4000);
}
