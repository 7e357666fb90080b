"""The page's own algorithms against slow ones, and its types."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from annotate.page.programs import PAGE, node, tsc
from reference import page_shapes

FILES = sorted(path for path in PAGE.rglob("*.js") if path.parent.name != "vendor")
HEIGHT, WIDTH = 40, 60
BANNED = (
    *("innerHTML", "outerHTML", "insertAdjacentHTML", "dangerouslySetInnerHTML", "document.write", "eval("),
    *("http://", "WebSocket", "document.cookie"),
)


def ask(questions: list[list]) -> list:
    program = node()
    if program is None:
        pytest.skip("needs node: install nodejs or playwright")
    command = [program, str(Path(__file__).with_name("answer.mjs")), str(PAGE)]
    done = subprocess.run(command, input=json.dumps(questions), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def painted(spans: list[dict], height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    drawn = np.zeros((height, width), int)
    for span in spans:
        assert 0 <= span["left"] < span["right"] <= width
        drawn[span["row"], span["left"] : span["right"]] += 1
    assert drawn.max(initial=0) <= 1, "a pixel is in two spans"
    return drawn.astype(bool)


def test_a_piece_of_a_stroke_is_what_lies_within_the_radius(rng):
    size = {"width": WIDTH, "height": HEIGHT}
    cases = [(rng.uniform(-8, 60, 2), rng.uniform(-8, 60, 2), float(radius)) for radius in rng.uniform(0.5, 12, 60)]
    cases += [(at, at, radius) for at in ((20.0, 20.0), (0.5, 0.5)) for radius in (0.5, 1.0, 4.5)]
    cases += [((5.0, 9.5), (50.0, 9.5), 3.0), ((9.5, 5.0), (9.5, 35.0), 3.0)]
    told = ask([["capsule", *({"x": float(p[0]), "y": float(p[1])} for p in (a, b)), r, size] for a, b, r in cases])
    for (a, b, r), spans in zip(cases, told, strict=True):
        wrong = painted(spans) != page_shapes.capsule(a, b, r, HEIGHT, WIDTH)
        assert not wrong.any(), f"{a} to {b}, radius {r}: {np.argwhere(wrong)[:5]}"


def test_the_scale_bar_is_as_long_as_it_says(rng):
    units = {"nm": 0.001, "µm": 1.0, "mm": 1000.0}
    cases = [(float(um), float(scale)) for um, scale in 10 ** rng.uniform([-3, -2], [2, 1.8], (200, 2))]
    for (um, scale), bar in zip(cases, ask([["scaleBar", um, scale, 140] for um, scale in cases]), strict=True):
        number, unit = bar["text"].split(" ")
        length = float(number) * units[unit]
        assert bar["width"] == pytest.approx(length / um * scale)
        assert 140 / 2.5 - 0.01 <= bar["width"] <= 140.01
        assert f"{length:.0e}"[0] in "125"
    told = ask([["scaleBar", 0.5, 1.0, 140], ["scaleBar", 0.01, 4.0, 140], ["scaleBar", 50.0, 1.0, 140]])
    assert [bar["text"] for bar in told] == ["50 µm", "200 nm", "5 mm"]


def test_a_polygon_is_filled_by_the_even_odd_rule(rng):
    size = {"width": WIDTH, "height": HEIGHT}
    cases = [rng.uniform(-5, 62, (number, 2)).tolist() for number in rng.integers(3, 12, 40)]
    cases += [[[5, 5], [15, 5], [15, 15], [5, 15]], [[5, 5], [9, 5]]]
    told = ask([["polygon", [{"x": x, "y": y} for x, y in points], size] for points in cases])
    for points, spans in zip(cases, told, strict=True):
        expected = page_shapes.polygon(points, HEIGHT, WIDTH) if len(points) > 2 else np.zeros((HEIGHT, WIDTH), bool)
        assert (painted(spans) == expected).all()


def test_a_piece_is_what_hangs_together_by_its_sides(rng):
    grids = [(rng.random((20, 25)) < share).astype(int) for share in (0.3, 0.5, 0.6, 0.7, 0.9, 1.0) for _ in range(4)]
    told = ask([["connected", grid.tolist(), 12, 10, 1000] for grid in grids] + [["connected", grids[-1].tolist(), 3, 3, 400]])
    for grid, spans in zip(grids, told, strict=False):
        assert (painted(spans, 20, 25) == page_shapes.connected(grid.astype(bool), 12, 10)).all()
    assert told[-1] is None, "a piece that is too large"


def test_a_closed_object_has_no_hole_and_a_ring(rng):
    grids = []
    for _ in range(12):
        noise = rng.random((20, 25)) < 0.62
        noise[10, 12] = True
        grids.append(page_shapes.connected(noise, 12, 10).astype(int))
    for grid, told in zip(grids, ask([["closed", grid.tolist(), 2] for grid in grids]), strict=True):
        inside, ring = page_shapes.closed(grid.astype(bool), 2)
        assert (painted(told["inside"], 20, 25) == inside).all()
        assert (painted(told["ring"], 20, 25) == ring).all()


def test_runs_are_counted_from_the_first_pixel():
    spans = [{"row": 2, "left": 4, "right": 6}, {"row": 0, "left": 1, "right": 3}, {"row": 2, "left": 6, "right": 9}]
    assert ask([["runs", spans, 10]]) == [[1, 2, 24, 5]]


def test_zooming_keeps_the_point_under_the_pointer(rng):
    canvas, image = {"width": 800, "height": 600}, {"width": 3000, "height": 2000}
    factors, across, down = rng.uniform(1.1, 1.6, 9), rng.uniform(150, 700, 9), rng.uniform(150, 450, 9)
    zooms = [[float(f), float(x), float(y), 0, 0] for f, x, y in zip(factors, across, down, strict=True)]
    for step in ask([["camera", {"canvas": canvas, "image": image, "zooms": zooms}]])[0]:
        assert step["before"] == pytest.approx(step["after"])
        assert step["zoomed"] > step["scale"]
    far = ask([["camera", {"canvas": canvas, "image": image, "zooms": [[1, 0, 0, 9e9, 9e9]]}]])[0][0]["view"]
    assert far["right"] > far["left"], "the image cannot be lost"
    assert far["bottom"] > far["top"]


def test_the_types_are_right():
    compiler = tsc()
    if compiler is None:
        pytest.skip("needs TypeScript: npm install --prefix .venv/typescript typescript")
    done = subprocess.run([compiler, "-p", str(PAGE)], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_are_small_and_checked(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("// @ts-check\n")
    assert len(text.splitlines()) <= 300
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "eval(",
        "document.write",
        "dangerouslySetInnerHTML",
        "http://",
        "WebSocket",
    ):
        allowed = word == "http://" and path.name == "overlay.js"  # the name of SVG, which nothing fetches
        assert word not in text or allowed, f"{path.name} has {word}"


def test_the_page_loads_nothing_from_elsewhere():
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="([^"]*)"', html) == ["/static/icon.svg", "/static/style.css", "/static/main.js"]
    assert "style=" not in html
    assert "<script>" not in html
    for path in (*FILES, *(PAGE / "vendor").glob("*.js")):
        for name in re.findall(r'(?:from|import)\s?\(?"([^"]+)"', path.read_text(encoding="utf-8")):
            if not name.endswith(".d.ts"):
                assert (path.parent / name).resolve().is_file(), f"{path.name} imports {name}"


def test_what_is_vendored_has_its_licence_and_its_source():
    vendor = PAGE / "vendor"
    told = (vendor / "SOURCE.md").read_text(encoding="utf-8")
    assert {path.name for path in vendor.glob("*.js")} == set(re.findall(r"^\| `([\w-]+\.js)`", told, re.M))
    for name in ("LICENSE-preact.txt", "LICENSE-signals.txt"):
        assert (vendor / name).read_text(encoding="utf-8").startswith("The MIT License")
        assert name in told
