// Answers questions of the tests with the functions of the page: JSON in, JSON out, all in one process.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const shapes = await import(new URL("shapes.js", folder));
const regions = await import(new URL("regions.js", folder));
const { Camera, scaleBar } = await import(new URL("camera.js", folder));

const belongs = (grid) => (x, y) => grid[y][x] === 1;
const spansOf = (grid) => grid.flatMap((line, row) =>
  line.flatMap((one, left) => (one ? [{ row, left, right: left + 1 }] : [])));
const camera = ({ canvas, image, zooms }) => {
  const one = Object.assign(new Camera(), { canvas, image });
  one.fit();
  return zooms.map(([factor, left, top, dx, dy]) => {
    const before = one.toImage(left, top);
    const scale = one.scale;
    one.zoom(factor, left, top);
    const after = one.toImage(left, top);
    const back = one.toCanvas(after);
    one.pan(dx, dy);
    return { before, after, back, scale, zoomed: one.scale, view: one.view() };
  });
};

const answers = {
  capsule: (from, to, radius, size) => shapes.merged(shapes.capsule(from, to, radius, size)),
  polygon: (points, size) => shapes.polygon(points, size),
  runs: (spans, width) => [...shapes.runsOf(shapes.merged(spans), width)],
  connected: (grid, column, row, most) =>
    regions.connected(column, row, belongs(grid), { width: grid[0].length, height: grid.length }, most),
  closed: (grid, ring) => regions.closedShape(shapes.merged(spansOf(grid)), ring, { width: grid[0].length, height: grid.length }),
  camera,
  scaleBar,
};

const questions = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(questions.map(([name, ...given]) => answers[name](...given))));
