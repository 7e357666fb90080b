"""Curves, layers and thumbnails: what stands where, and that colour is not all that tells."""

import base64
import io
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from unseam.report.overlay import (
    INVENTED,
    LONGEST_SIDE,
    MISSED,
    OTHER,
    draw_layers,
    draw_overlay,
    error_kinds,
    error_layer,
    reduce_layer,
    to_display,
)
from unseam.report.thumbnails import MOST_SHOWN, wrong_objects
from unseam.training.curve import curve_svg

SVG = "{http://www.w3.org/2000/svg}"


def opened(uri: str) -> Image.Image:
    kind, data = uri.split(",")
    assert kind.startswith("data:image/")
    return Image.open(io.BytesIO(base64.b64decode(data)))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_curve_has_marks_of_two_shapes_and_rings_the_best():
    svg = curve_svg([10, 20, 40], [1.0, 0.5, 0.2], [0.1, 0.8, math.nan], "T <&>", "IoU", seconds=[30.0, 60.0, 120.0])
    root = ET.fromstring(svg)
    rings = [c for c in root.iter(f"{SVG}circle") if c.get("r") == "8"]
    squares = [r for r in root.iter(f"{SVG}rect") if r.get("width") == "6"]
    dots = [c for c in root.iter(f"{SVG}circle") if c.get("r") == "3"]
    assert (len(rings), len(squares), len(dots)) == (1, 2 + 1, 3 + 1)
    assert rings[0].get("cx") == f"{float(squares[1].get('x')) + 3:.1f}"
    assert "T <&>" in texts(svg)
    assert "2.0" in texts(svg)  # minutes at the last step
    assert "40" in texts(svg)


@pytest.mark.parametrize("energies", [[], [math.nan], [0.3], [1e-7, 1e6], [1.0, 1.0]])
def test_curve_of_little(energies):
    steps = list(range(1, len(energies) + 1))
    svg = curve_svg(steps, energies, [math.nan] * len(steps), "t", "none")
    assert "nan" not in svg
    assert "inf" not in svg
    ET.fromstring(svg)


def test_error_kinds_by_hand():
    truth = np.array([[0, 1, 1, 2, 255, 0]], np.uint8)
    predicted = np.array([[0, 1, 0, 1, 1, 2]], np.uint8)
    assert error_kinds(predicted, truth, instances=False).tolist() == [[0, 0, MISSED, OTHER, 0, INVENTED]]
    ids, guess = np.array([[1, 1, 1, 1, 0, -1, -1]]), np.array([[7, 7, 7, 0, 8, 8, 8]])
    assert error_kinds(guess, ids, instances=True).tolist() == [[0, 0, 0, MISSED, INVENTED, 0, 0]]
    assert error_kinds(np.array([[1, 1, 2, 2]]), np.ones((1, 4), int), instances=True).tolist() == [[OTHER] * 4]


def test_kinds_of_errors_differ_by_pattern_as_well_as_by_colour():
    patterns = []
    for kind in (MISSED, INVENTED, OTHER):
        layer = error_layer(np.full((12, 12), kind, np.uint8))
        assert len(np.unique(layer[..., :3].reshape(-1, 3), axis=0)) == 1
        patterns.append(layer[..., 3])
    assert len({pattern.tobytes() for pattern in patterns}) == 3
    assert not error_layer(np.zeros((3, 3), np.uint8)).any()


def test_large_images_are_shown_reduced(rng):
    side = 2 * LONGEST_SIDE + 1
    picture = rng.integers(0, 255, (side, 50)).astype(np.uint8)
    truth = np.zeros(picture.shape, np.int32)
    layers = draw_layers(picture, truth, truth, instances=True)
    assert layers.reduced == 3
    assert (layers.height, layers.width) == (-(-side // 3), 17)
    for uri in (layers.picture, layers.truth, layers.predicted, layers.errors):
        assert opened(uri).size == (layers.width, layers.height)


def test_reduction_is_a_mean():
    picture = np.array([[0, 10, 200], [20, 30, 100]], np.uint8)
    assert reduce_layer(picture, 2).tolist() == [[15, 150]]
    assert reduce_layer(picture, 1) is picture


def test_layers_are_see_through_where_nothing_is():
    truth = np.zeros((9, 9), np.int32)
    truth[2:7, 2:7] = 3
    alpha = np.array(opened(draw_layers(None, truth, truth, instances=True).truth).convert("RGBA"))[..., 3]
    assert alpha[0, 0] == 0
    assert alpha[2, 2] == 255  # the outline
    assert 0 < alpha[4, 4] < 255
    unknown = truth.copy()
    unknown[0] = -1
    alpha = np.array(opened(draw_layers(None, unknown, truth, instances=True).truth).convert("RGBA"))[0, :, 3]
    assert {0, 200} == set(alpha.tolist())  # stripes where nobody annotated


def test_thumbnails_are_bounded_and_the_largest_come_first(of_objects):
    groups = {group.kind: group for group in wrong_objects(of_objects.images * 6)}
    assert groups["missed"].num_objects == 12
    assert len(groups["missed"].shown) == MOST_SHOWN
    for group in groups.values():
        sizes = [thumb.num_pixels for thumb in group.shown]
        assert sizes == sorted(sizes, reverse=True)
        for thumb in group.shown:
            assert max(opened(thumb.picture).size) <= 2 * thumb.side


def test_pictures_of_any_type(rng):
    assert to_display(np.zeros((3, 4), np.float64)).tolist() == np.zeros((3, 4)).tolist()
    assert to_display(rng.random((3, 4, 2))).shape == (3, 4)
    assert to_display(rng.integers(0, 60000, (3, 4, 3)).astype(np.uint16)).shape == (3, 4, 3)
    assert draw_overlay(rng.random((3, 4)), np.eye(3, 4, dtype=np.int32)).shape == (3, 4, 3)
