// @ts-check
// WebGL2 and nothing else: programs, textures of integers, rectangles.
import { IMAGE, LABELS, PREDICTION, RECTANGLE } from "./shaders.js";

/** @typedef {import("./types.d.ts").LabelArray} LabelArray */
/** @typedef {import("./types.d.ts").PixelArray} PixelArray */
/** @typedef {{ left: number, top: number, right: number, bottom: number }} Rectangle  in clip coordinates */
/** @typedef {{ texture: WebGLTexture, width: number, height: number }} Tile */

/** @typedef {{ program: WebGLProgram, at: (name: string) => WebGLUniformLocation | null }} Program */

/** What the canvas draws with; made again after a lost context. */
export class Painter {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, preserveDrawingBuffer: false });
    if (!gl) throw new Error("no WebGL2");
    this.gl = gl;
    this.image = makeProgram(gl, IMAGE);
    this.labels = makeProgram(gl, LABELS);
    this.prediction = makeProgram(gl, PREDICTION);
    this.palette = /** @type {WebGLTexture} */ (gl.createTexture());
    this.uploaded = 0; // pixels, counted for the tests
    gl.bindVertexArray(gl.createVertexArray());
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  }

  /** @param {number[][]} colours 256 rows of red, green, blue, alpha, 0 to 255 */
  setPalette(colours) {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(colours.flat()));
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.activeTexture(gl.TEXTURE0);
  }

  /**
   * A texture with one layer a plane. Integers cannot be filtered: the shaders fetch.
   * @param {LabelArray | PixelArray} data planes one after the other @param {number} width @param {number} height @param {number} planes
   * @returns {Tile}
   */
  upload(data, width, height, planes) {
    const { gl } = this;
    const texture = /** @type {WebGLTexture} */ (gl.createTexture());
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, texture);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D_ARRAY, name, gl.NEAREST);
    const [inside, type, view] = formatOf(gl, data);
    gl.texImage3D(gl.TEXTURE_2D_ARRAY, 0, inside, width, height, planes, 0, gl.RED_INTEGER, type, view);
    this.uploaded += width * height * planes;
    return { texture, width, height };
  }

  /** @param {Tile} tile @param {LabelArray} data of the whole tile @param {number} top @param {number} bottom rows that changed */
  uploadRows(tile, data, top, bottom) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, tile.texture);
    const [, type, view] = formatOf(gl, data.subarray(top * tile.width, bottom * tile.width));
    gl.texSubImage3D(gl.TEXTURE_2D_ARRAY, 0, 0, top, 0, tile.width, bottom - top, 1, gl.RED_INTEGER, type, view);
    this.uploaded += (bottom - top) * tile.width;
  }

  /** @param {Tile | null} tile */
  drop(tile) {
    if (tile) this.gl.deleteTexture(tile.texture);
  }

  /** @param {number} width @param {number} height in device pixels @param {number[]} around red, green, blue, 0 to 1 */
  clear(width, height, around) {
    const { gl } = this;
    gl.viewport(0, 0, width, height);
    gl.clearColor(around[0], around[1], around[2], 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  /**
   * @param {Program} program that `set` prepares @param {Tile} tile @param {Rectangle} place
   * @param {number} footprint texels under one pixel of the screen
   */
  draw(program, tile, place, footprint) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, tile.texture);
    gl.uniform4f(program.at("u_place"), place.left, place.top, place.right, place.bottom);
    gl.uniform2f(program.at("u_texels"), tile.width, tile.height);
    gl.uniform1f(program.at("u_footprint"), footprint);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** @param {Program} program @param {number} opacity @param {number} stripe width of the stripes of a pattern, device pixels; 0: none */
  usePaint(program, opacity, stripe) {
    const { gl } = this;
    gl.useProgram(program.program);
    gl.uniform1i(program.at("u_palette"), 1);
    gl.uniform1f(program.at("u_opacity"), opacity);
    gl.uniform1f(program.at("u_stripe"), stripe);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    gl.activeTexture(gl.TEXTURE0);
  }

  /** @param {[number, number][]} windows @param {number[][]} tints red, green, blue of each channel */
  useImage(windows, tints) {
    const { gl, image } = this;
    gl.useProgram(image.program);
    gl.uniform1i(image.at("u_channels"), windows.length);
    gl.uniform2fv(image.at("u_window"), windows.flat());
    gl.uniform3fv(image.at("u_tint"), tints.flat());
  }

  /** @param {number} opacity @param {number} stripe @param {number} none @param {boolean} isObjects */
  useLabels(opacity, stripe, none, isObjects) {
    this.usePaint(this.labels, opacity, stripe);
    this.gl.uniform1ui(this.labels.at("u_none"), none >>> 0);
    this.gl.uniform1i(this.labels.at("u_objects"), isObjects ? 1 : 0);
  }
}

/**
 * @param {WebGL2RenderingContext} gl @param {LabelArray | PixelArray} data
 * @returns {[number, number, ArrayBufferView]} format inside, type, and the data as that type; -1 becomes the largest number
 */
function formatOf(gl, data) {
  if (data instanceof Uint8Array) return [gl.R8UI, gl.UNSIGNED_BYTE, data];
  if (data instanceof Uint16Array) return [gl.R16UI, gl.UNSIGNED_SHORT, data];
  return [gl.R32UI, gl.UNSIGNED_INT, new Uint32Array(data.buffer, data.byteOffset, data.length)];
}

/** @param {WebGL2RenderingContext} gl @param {string} fragment @returns {Program} */
function makeProgram(gl, fragment) {
  const program = gl.createProgram();
  for (const [type, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, RECTANGLE], [gl.FRAGMENT_SHADER, fragment]])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(type));
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(String(gl.getShaderInfoLog(shader)));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  /** @type {Map<string, WebGLUniformLocation | null>} */
  const places = new Map();
  return {
    program,
    at(name) {
      if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
      return places.get(name) ?? null;
    },
  };
}
