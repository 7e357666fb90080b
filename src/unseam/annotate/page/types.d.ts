// What the server says and what the page keeps. Declarations only; nothing here runs.
export type Kind = "classes" | "objects";
export type Tool = "brush" | "eraser" | "fill" | "wand" | "polygon" | "accept" | "pan";
export type Mode = "all" | "empty" | "only";
export type LinkState = "connecting" | "ready" | "away" | "refused";
export interface ClassOf { value: number; name: string; colour: string; }
export interface Progress { done: number; total: number; sentence: string; }
export interface Trainer {
  state: "off" | "waiting" | "training" | "paused" | "restarting" | "finishing" | "finished" | "failed";
  step: number; message: string; progress: Progress | null; model: string | null; report: string | null;
}
export interface Found { masks: number; kind: Kind | null; classes: ClassOf[] | null; message: string; }
export interface Project {
  name: string; folder: string; kind: Kind | null; none: number; classes: ClassOf[]; found: Found | null; trainer: Trainer;
  epoch: string; n: number; version: string; can_learn: boolean;
}
export interface ListEntry {
  image: number; name: string; status: "new" | "begun" | "done" | "left out"; strokes: number; revision: number;
  problem: string | null; changed: boolean;
}
export interface StrokeName { stroke: string; tool: string; }
export interface ImageFacts extends ListEntry {
  height: number; width: number; channels: number; is_rgb: boolean; dtype: "uint8" | "uint16";
  scale: { low: number; high: number } | null; display: [number, number][]; levels: number; spacing_um: number | null;
  next_object: number; undo: StrokeName | null; redo: StrokeName | null; lease: string | null;
}
export interface PredictionBox { image: number; step: number; row: number; column: number; height: number; width: number; }
export interface Prediction extends PredictionBox { classes: Uint8Array; margins: Uint8Array; }
export interface Score {
  image: number; stroke: string; right: number; pixels: number; is_random: boolean; agreed: boolean; right_of_last: [number, number];
}
export interface ServerEvent { event: string; n?: number; [field: string]: any; }
export interface OpHeader {
  id: string; stroke: string; tab: string; tool: string; mode: Mode; only: number | null; is_end: boolean;
  jump: "random" | "ranked" | null;
}
export interface OpReply { revision: number; saved: string[]; box?: [number, number, number, number]; undo?: StrokeName | null; redo?: StrokeName | null; }
export type LabelArray = Uint8Array | Int32Array;
export type PixelArray = Uint8Array | Uint16Array;
