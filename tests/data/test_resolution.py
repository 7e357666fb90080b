"""Half resolution is for large objects, and for classes that are nowhere thin."""

import numpy as np
import pytest

from unseam.data.resolution import LARGE_PX, choose_resolution
from unseam.data.sample import Sample
from unseam.shapes import IGNORE


def sample(classes: np.ndarray, instances: np.ndarray | None = None) -> Sample:
    image = np.zeros((1, *classes.shape), np.float32)
    return Sample("a", image, classes.astype(np.uint8), np.ones(classes.shape, np.float32), instances)


def discs(diameter: float, number: int = 3) -> np.ndarray:
    side = int(diameter) + 4
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    disc = np.hypot(rows, columns) < diameter / 2
    return np.concatenate([disc * (index + 1) for index in range(number)], axis=1).astype(np.int32)


@pytest.mark.parametrize(("diameter", "chosen"), [(LARGE_PX - 3, "full"), (LARGE_PX + 3, "half")])
def test_the_median_diameter_decides(diameter, chosen):
    objects = discs(diameter)
    found, reason = choose_resolution([sample(objects > 0, objects)])
    assert found == chosen
    assert f"{chosen} resolution: the annotated objects measure {diameter:.0f} px" == reason


def test_objects_that_are_not_annotated_do_not_count():
    objects = discs(60)
    objects[objects == 2] = -1
    assert choose_resolution([sample(objects > 0, objects)])[0] == "half"


def test_a_thin_class_needs_all_pixels():
    classes = np.zeros((80, 80), np.uint8)
    classes[:, 40:] = 2
    assert choose_resolution([sample(classes)])[0] == "half"
    classes[:, 39:41] = 1
    found, reason = choose_resolution([sample(classes)])
    assert found == "full"
    assert "100% of class 1 lies within 1.5 px of another class" in reason


def test_the_border_of_the_image_makes_nothing_thin():
    classes = np.zeros((80, 8), np.uint8)
    classes[40:] = 1
    assert choose_resolution([sample(classes)])[0] == "half"


def test_strokes_need_all_pixels_since_beyond_them_may_lie_anything():
    classes = np.full((80, 80), IGNORE, np.uint8)
    classes[20:23], classes[60:63] = 0, 1
    assert choose_resolution([sample(classes)])[0] == "full"
