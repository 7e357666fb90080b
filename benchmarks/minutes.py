"""How does the score grow with the minutes of training? Draws the results of arena and trials that are there; trains nothing.

    python benchmarks/minutes.py benchmarks/results --sets dsb2018,usiigaci-phase

Reads the JSON files in RESULTS/arena, RESULTS/trials and RESULTS/starts: runs of one thread with the usual training images,
the product by the default recipe from drawn weights (trials named ``base`` or ``nothing``). Writes RESULTS/minutes.md, a table
with the number of seeds, and RESULTS/pictures/minutes.svg, with the least and the most over seeds as bars.
"""

import argparse
import json
import math
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "arena"))

from judge import FIGURES, LOWER_IS_BETTER

from results import read_results, spread

FIGURE = {"objects": "f1", "classes": "iou"}
DEFAULTS = ("base", "nothing")
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
WIDTH, HEIGHT, LEFT, TOP, BETWEEN = 330, 210, 46, 34, 60
"""Pixels of a panel, of what stands left of it and above it, and between two."""

Points = dict[str, dict[float, list[float]]]


def scores_of(results: Path, name: str) -> tuple[str, Points]:
    """The figure of a set, and its values by tool and minutes."""
    points: Points = defaultdict(lambda: defaultdict(list))
    figure = ""
    for one in read_results(results / "arena"):
        if one["set"] == name and one["threads"] == 1:
            figure = FIGURE[one["kind"]]
            points[one["peer"]][one["minutes"]].append(one["scores"][figure])
    for file in sorted(file for part in ("trials", "starts") for file in (results / part).glob(f"*-{name}-*.json")):
        one = json.loads(file.read_text(encoding="utf-8"))
        if one["trial"] in DEFAULTS and not one["settings"] and one["threads"] == 1 and figure:
            points["unseam"][one["minutes"]].append(one["scores"][figure])
    return figure, points


def panel(name: str, figure: str, points: Points, left: int, colours: dict[str, str]) -> list[str]:
    """The lines of one set, as SVG."""
    minutes = sorted({at for of_tool in points.values() for at in of_tool})
    low, high = math.log(minutes[0]) - 0.2, math.log(minutes[-1]) + 0.2

    def x(at: float) -> float:
        return left + WIDTH * (math.log(at) - low) / (high - low)

    def y(value: float) -> float:
        return TOP + HEIGHT * (1 - value)

    title = f"{name}: {FIGURES['objects' if figure == 'f1' else 'classes'][figure]}"
    lines = [f'<text x="{left}" y="{TOP - 14}" font-weight="bold">{title}</text>']
    for value in (0, 0.25, 0.5, 0.75, 1):
        lines.append(f'<path d="M{left} {y(value):.1f}h{WIDTH}" stroke="#ddd"/>')
        lines.append(f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    lines += [f'<text x="{x(at):.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{at:g}</text>' for at in minutes]
    for tool, of_tool in points.items():
        means = [(x(at), y(sum(values) / len(values))) for at, values in sorted(of_tool.items())]
        path = "L".join(f"{px:.1f} {py:.1f}" for px, py in means)
        lines.append(f'<path d="M{path}" fill="none" stroke="{colours[tool]}" stroke-width="2"/>')
        lines += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{colours[tool]}"/>' for px, py in means]
        for at, values in of_tool.items():
            lines.append(f'<path d="M{x(at):.1f} {y(min(values)):.1f}V{y(max(values)):.1f}" stroke="{colours[tool]}"/>')
    return lines


def plot(sets: dict[str, tuple[str, Points]]) -> str:
    """All panels side by side, and the tools below."""
    tools = list(dict.fromkeys(tool for _, points in sets.values() for tool in sorted(points, key=lambda one: one != "unseam")))
    colours = dict(zip(tools, COLOURS, strict=False))
    width, height = len(sets) * (WIDTH + BETWEEN) + LEFT, TOP + HEIGHT + 62
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">']
    lines.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for number, (name, (figure, points)) in enumerate(sets.items()):
        lines += panel(name, figure, points, LEFT + number * (WIDTH + BETWEEN), colours)
    for number, tool in enumerate(tools):
        at = LEFT + 110 * number
        lines.append(f'<circle cx="{at + 4}" cy="{height - 14}" r="4" fill="{colours[tool]}"/>')
        lines.append(f'<text x="{at + 14}" y="{height - 10}">{tool}</text>')
    lines.append(f'<text x="{width - 10}" y="{height - 10}" text-anchor="end">minutes of training, one core</text></svg>')
    return "\n".join(lines) + "\n"


def table(sets: dict[str, tuple[str, Points]]) -> str:
    lines = [
        "# Score against minutes of training\n",
        f"    python benchmarks/minutes.py benchmarks/results --sets {','.join(sets)}\n",
        "One core; the files in arena, trials and starts name date, machine and commit. Mean, least and most over seeds.\n",
        "![score against minutes](pictures/minutes.svg)\n",
        "| set | figure | tool | minutes | score | seeds |",
        "|---|---|---|---:|---|---:|",
    ]
    for name, (figure, points) in sets.items():
        kind = "objects" if figure == "f1" else "classes"
        shown = FIGURES[kind][figure] + (" (lower is better)" if figure in LOWER_IS_BETTER else "")
        for tool, of_tool in points.items():
            for minutes, values in sorted(of_tool.items()):
                lines.append(f"| {name} | {shown} | {tool} | {minutes:g} | {spread(values)} | {len(values)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, metavar="RESULTS")
    parser.add_argument("--sets", default="dsb2018,usiigaci-phase")
    options = parser.parse_args()
    sets = {name: scores_of(options.results, name) for name in options.sets.split(",")}
    for name, (figure, _) in sets.items():
        if not figure:
            parser.error(f"{name}: no result of one thread in {options.results / 'arena'}")
    (options.results / "minutes.md").write_text(table(sets), encoding="utf-8")
    (options.results / "pictures/minutes.svg").write_text(plot(sets), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
