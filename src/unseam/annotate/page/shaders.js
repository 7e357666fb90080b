// @ts-check
// The three programs of the canvas. Textures hold integers, as the files do: contrast, colour and opacity are made here, so a
// slider costs one frame and no copy of any pixel.

/** A rectangle of the screen, and which texels of its tile lie under it. */
export const RECTANGLE = `#version 300 es
uniform vec4 u_place;   // left, top, right, bottom in clip coordinates
uniform vec2 u_texels;  // width and height of the tile
out vec2 texel;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  texel = corner * u_texels;
  gl_Position = vec4(mix(u_place.xy, u_place.zw, corner), 0.0, 1.0);
}`;

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2DArray;
uniform usampler2DArray u_tile;
uniform vec2 u_texels;
uniform float u_footprint;  // texels under one pixel of the screen
in vec2 texel;
out vec4 colour;
uint fetch(vec2 where, int layer) {
  return texelFetch(u_tile, ivec3(clamp(where, vec2(0.0), u_texels - 1.0), layer), 0).r;
}
`;

/** Nearest above 1:1, the mean of four texels below. */
const MEAN = `
void main() {
  if (u_footprint <= 1.0) { colour = look(texel); return; }
  float step = 0.25 * u_footprint;
  colour = 0.25 * (look(texel + vec2(-step, -step)) + look(texel + vec2(step, -step))
                 + look(texel + vec2(-step, step)) + look(texel + vec2(step, step)));
}`;

export const IMAGE = `${HEAD}
uniform int u_channels;
uniform vec2 u_window[8];  // black and white, in sent values
uniform vec3 u_tint[8];
vec4 look(vec2 where) {
  vec3 light = vec3(0.0);
  for (int c = 0; c < u_channels; c += 1) {
    float value = float(fetch(where, c));
    light += u_tint[c] * clamp((value - u_window[c].x) / (u_window[c].y - u_window[c].x), 0.0, 1.0);
  }
  return vec4(min(light, 1.0), 1.0);
}
${MEAN}`;

const PAINT = `${HEAD}
uniform sampler2D u_palette;  // 256 by 1; transparent where a class is hidden
uniform float u_opacity;
uniform float u_stripe;  // width of a stripe in pixels of the screen; 0: no patterns
/** How much of the fill shows here: whole and weak stripes tell the classes apart without their colours. The first is plain. */
float pattern(uint value) {
  uint kind = (value + 5u) % 6u;
  if (u_stripe == 0.0 || kind == 0u) return 1.0;
  vec2 at = mod(gl_FragCoord.xy / u_stripe, 2.0);
  float across = mod(at.x + at.y, 2.0);
  bool isWeak = kind == 1u ? across < 1.0
              : kind == 2u ? mod(at.x - at.y + 2.0, 2.0) < 1.0
              : kind == 3u ? at.y < 1.0
              : kind == 4u ? at.x < 1.0
              : (at.x < 1.0) != (at.y < 1.0);
  return isWeak ? 0.35 : 1.0;
}
vec4 paint(uint value) { return texelFetch(u_palette, ivec2(int(value), 0), 0); }
/** How many of the four places at a distance (in texels) hold the same value. */
int alike(uint here, vec2 where, float far) {
  return int(here == fetch(where + vec2(far, 0.0), 0)) + int(here == fetch(where - vec2(far, 0.0), 0))
       + int(here == fetch(where + vec2(0.0, far), 0)) + int(here == fetch(where - vec2(0.0, far), 0));
}
/** Whether a line runs here, 1.5 pixels of the screen wide. A single texel has none: it would be all line. */
bool isEdge(uint here, vec2 where) {
  return alike(here, where, 1.5 * u_footprint) < 4 && alike(here, where, max(1.0, 1.5 * u_footprint)) > 1;
}
`;

/** Strokes: solid, with a thin dark rim, so they stand out from a prediction of the same colour. */
export const LABELS = `${PAINT}
uniform uint u_none;
uniform bool u_objects;
uint shade(uint label) { return u_objects && label > 0u ? 1u + (label - 1u) % 8u : label; }
vec4 look(vec2 where) {
  uint here = fetch(where, 0);
  if (here == u_none) return vec4(0.0);
  vec4 fill = paint(shade(here));
  bool rim = isEdge(here, where);
  float alpha = fill.a * (rim ? min(1.0, u_opacity + 0.2) : u_opacity * pattern(shade(here)));
  return vec4(fill.rgb * (rim ? 0.45 : 1.0) * alpha, alpha);
}
${MEAN}`;

/** The prediction: a fill that grows weak where the network is not sure, and an outline. Background stays plain. */
export const PREDICTION = `${PAINT}
vec4 look(vec2 where) {
  uint here = fetch(where, 0);
  float sure = float(fetch(where, 1)) / 255.0;
  if (here == 0u) return vec4(0.0);
  vec4 fill = paint(here);
  float alpha = fill.a * (isEdge(here, where) ? min(1.0, u_opacity * 2.2) : u_opacity * (0.3 + 0.7 * sure) * pattern(here));
  return vec4(fill.rgb * alpha, alpha);
}
${MEAN}`;
