// @ts-check
// Shapes on the pixel grid. Pure functions: no page, no server.
//
// A shape is a list of spans, one or more a row: from `left` up to and without `right`, in pixels of the image. The centre of
// pixel (column, row) lies at (column + 0.5, row + 0.5); a pixel belongs to a shape if its centre does.

/** @typedef {{ row: number, left: number, right: number }} Span */
/** @typedef {{ x: number, y: number }} Point  in pixels of the image; (0, 0) is the corner of the first pixel */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ left: number, top: number, right: number, bottom: number }} Box  `right` and `bottom` are outside */

/**
 * All pixels whose centre is at most `radius` from the line between two points: one piece of a brush stroke.
 *
 * A brush narrower than a pixel still paints the pixel under it. The shape is convex, so each row has one span.
 * @param {Point} from @param {Point} to @param {number} radius @param {Size} size
 * @returns {Span[]}
 */
export function capsule(from, to, radius, size) {
  /** @type {Span[]} */
  const spans = [];
  const first = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
  const last = Math.min(size.height - 1, Math.floor(Math.max(from.y, to.y) + radius));
  for (let row = first; row <= last; row += 1) {
    const across = acrossCapsule(from, to, radius, row + 0.5);
    if (across) pushSpan(spans, row, Math.ceil(across[0] - 0.5), Math.floor(across[1] - 0.5) + 1, size.width);
  }
  for (const point of [from, to]) {
    const [column, row] = [Math.floor(point.x), Math.floor(point.y)];
    if (radius < 1 && row >= 0 && row < size.height) pushSpan(spans, row, column, column + 1, size.width);
  }
  return spans;
}

/**
 * Where a capsule meets the line `y`: the smallest and the largest x, or null.
 * @param {Point} from @param {Point} to @param {number} radius @param {number} y
 * @returns {[number, number] | null}
 */
function acrossCapsule(from, to, radius, y) {
  let [low, high] = [Infinity, -Infinity];
  /** @param {number} a @param {number} b */
  const take = (a, b) => { low = Math.min(low, a, b); high = Math.max(high, a, b); };
  for (const end of [from, to]) {
    const half = radius * radius - (y - end.y) ** 2;
    if (half >= 0) take(end.x - Math.sqrt(half), end.x + Math.sqrt(half));
  }
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const long = Math.hypot(dx, dy);
  if (long > 0) {
    // The straight flanks: the two sides of the rectangle between the discs, where they cross y.
    for (const side of [-1, 1]) {
      const [ox, oy] = [(-dy / long) * radius * side, (dx / long) * radius * side];
      const along = dy === 0 ? NaN : (y - from.y - oy) / dy;
      if (along >= 0 && along <= 1) take(from.x + ox + along * dx, from.x + ox + along * dx);
    }
    // A row inside a level capsule is already bounded by the discs at both ends.
  }
  return low <= high ? [low, high] : null;
}

/**
 * The pixels inside a closed line, by the even-odd rule.
 * @param {Point[]} points @param {Size} size
 * @returns {Span[]}
 */
export function polygon(points, size) {
  /** @type {Span[]} */
  const spans = [];
  if (points.length < 3) return spans;
  const ys = points.map((point) => point.y);
  const first = Math.max(0, Math.floor(least(ys)));
  const last = Math.min(size.height - 1, Math.ceil(most(ys)));
  for (let row = first; row <= last; row += 1) {
    const y = row + 0.5;
    const cuts = [];
    for (let i = 0, j = points.length - 1; i < points.length; j = i, i += 1) {
      const [a, b] = [points[i], points[j]];
      if (a.y <= y !== b.y <= y) cuts.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
    }
    cuts.sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i += 2) {
      pushSpan(spans, row, Math.ceil(cuts[i] - 0.5), Math.ceil(cuts[i + 1] - 0.5), size.width);
    }
  }
  return spans;
}

/**
 * @param {Span[]} spans @param {number} row @param {number} left @param {number} right @param {number} width
 */
function pushSpan(spans, row, left, right, width) {
  const [from, to] = [Math.max(0, left), Math.min(width, right)];
  if (from < to) spans.push({ row, left: from, right: to });
}

/** @param {Span[]} spans @returns {Box} the smallest box round them; empty if there are none */
export function boxOf(spans) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const span of spans) {
    box.left = Math.min(box.left, span.left);
    box.right = Math.max(box.right, span.right);
    box.top = Math.min(box.top, span.row);
    box.bottom = Math.max(box.bottom, span.row + 1);
  }
  return spans.length ? box : { left: 0, top: 0, right: 0, bottom: 0 };
}

/** @param {Box} a @param {Box} b @returns {boolean} */
export function meets(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/**
 * The same pixels as spans that neither touch nor overlap in a row, in the order of reading.
 * @param {Span[]} spans @returns {Span[]}
 */
export function merged(spans) {
  const sorted = [...spans].sort((a, b) => a.row - b.row || a.left - b.left);
  /** @type {Span[]} */
  const out = [];
  for (const span of sorted) {
    const before = out[out.length - 1];
    if (before && before.row === span.row && span.left <= before.right) before.right = Math.max(before.right, span.right);
    else out.push({ ...span });
  }
  return out;
}

/**
 * What is sent: pairs of the first pixel, counted row by row from the top left, and the number of pixels.
 * @param {Span[]} spans @param {number} width of the image
 * @returns {Uint32Array}
 */
export function runsOf(spans, width) {
  const runs = new Uint32Array(spans.length * 2);
  spans.forEach((span, i) => {
    runs[2 * i] = span.row * width + span.left;
    runs[2 * i + 1] = span.right - span.left;
  });
  return runs;
}

/**
 * A drawn line without the points that lie nearer than `gap` to the last one that was kept.
 * @param {Point[]} points @param {number} gap @returns {Point[]}
 */
export function thinned(points, gap) {
  /** @type {Point[]} */
  const kept = [];
  for (const point of points) {
    const last = kept[kept.length - 1];
    if (!last || Math.hypot(point.x - last.x, point.y - last.y) >= gap) kept.push(point);
  }
  return kept;
}

/** @param {number[]} numbers */
const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b), Infinity);
/** @param {number[]} numbers */
const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b), -Infinity);
