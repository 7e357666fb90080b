"""Outlines enclose exactly the pixels; the overlay is the image with colours."""

import itertools
import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage

from annotate.folders import HEIGHT, WIDTH, paint, project_in, raw_folder, stroke
from unseam.annotate.project import outlines_geojson, overlay_png
from unseam.annotate.project.outlines import outlines_of_pieces


def area(ring: list[tuple[int, int]]) -> float:
    x, y = np.array(ring, float).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def inside(rings: list[list[tuple[int, int]]], shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose centre lies inside, by the number of edges to the left of it."""
    found = np.zeros(shape, bool)
    for ring in rings:
        for (x0, y0), (x1, y1) in itertools.pairwise(ring):
            assert (x0 == x1) != (y0 == y1), "an edge runs along rows or columns and is no point"
            if x0 == x1:
                found[min(y0, y1) : max(y0, y1), x0:] ^= True
    return found


@given(hnp.arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8))))
def test_the_inside_of_the_rings_is_the_piece(mask: np.ndarray) -> None:
    pieces, num = ndimage.label(mask)
    found = outlines_of_pieces(mask)
    assert len(found) == num
    for number, rings in enumerate(found, 1):
        piece = pieces == number
        assert (inside(rings, mask.shape) == piece).all()
        assert all(ring[0] == ring[-1] for ring in rings)
        assert area(rings[0]) > 0
        assert all(area(ring) < 0 for ring in rings[1:])
        assert sum(area(ring) for ring in rings) == piece.sum()
        for ring in rings:  # no corner in the middle of a side
            for (x0, y0), (x1, y1), (x2, y2) in zip(ring, ring[1:], [*ring[2:], ring[1]], strict=False):
                assert (x1 - x0) * (y2 - y1) != (y1 - y0) * (x2 - x1)


@pytest.mark.parametrize("kind", ["classes", "objects"])
def test_geojson_for_qupath(tmp_path: Path, kind: str) -> None:
    with project_in(raw_folder(tmp_path), kind, "background", "cell") as project:
        paint(project.opened(0), stroke(3, value=1))
        paint(project.opened(0), stroke(8, value=0))
        found = json.loads(outlines_geojson(project, 0))
    (feature,) = found["features"]
    assert feature["geometry"] == {"type": "Polygon", "coordinates": [[[2, 3], [11, 3], [11, 4], [2, 4], [2, 3]]]}
    assert feature["properties"]["classification"]["name"] == "cell"
    assert feature["properties"].get("name") == ("1" if kind == "objects" else None)


def test_the_overlay_shows_what_is_annotated(tmp_path: Path) -> None:
    with project_in(raw_folder(tmp_path)) as project:
        plain = np.asarray(Image.open(BytesIO(overlay_png(project, 0)))).astype(int)
        paint(project.opened(0), stroke(3))
        shown = np.asarray(Image.open(BytesIO(overlay_png(project, 0)))).astype(int)
    assert shown.shape == (HEIGHT, WIDTH, 3)
    assert (plain[..., 0] == plain[..., 2]).all()
    changed = (shown != plain).any(axis=2)
    assert changed.sum() == 9
    assert changed[3, 2:11].all()
    assert (np.abs(shown[3, 2:11] - np.rint(0.55 * plain[3, 2:11] + 0.45 * np.array([0, 114, 178]))) <= 1).all()
