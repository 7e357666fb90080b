"""Numbers that nobody painted are found by file and pixel; thin things that were painted are not."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.segmentation import watershed

from data.test_label_sets import cells, kinds_of_cells, nucleus, touching, white
from unseam.data.label_rims import find_rims
from unseam.data.labels import judge_labels
from unseam.errors import LabelError

Change = Callable[[np.ndarray], np.ndarray]


def resized(scale: float, how: Image.Resampling) -> Change:
    def change(labels: np.ndarray) -> np.ndarray:
        size = int(labels.shape[1] * scale), int(labels.shape[0] * scale)
        return np.asarray(Image.fromarray(labels.astype(np.float32)).resize(size, how)).round().clip(0).astype(np.int32)

    return change


def through_jpeg(quality: int) -> Change:
    def change(labels: np.ndarray) -> np.ndarray:
        stream = io.BytesIO()
        Image.fromarray(labels.astype(np.uint8)).save(stream, "jpeg", quality=quality)
        return np.asarray(Image.open(stream))

    return change


def turned(labels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(labels.astype(np.float32)).rotate(10, Image.Resampling.BILINEAR)).round().astype(np.int32)


CELLS = cells(0)
MASKS = {
    "cells": CELLS,
    "cells that touch": touching(0),
    "0, 100, 200": 100 * kinds_of_cells(CELLS, 2),
    "0, 127, 255": np.array([0, 127, 255])[kinds_of_cells(CELLS, 2)],
    "0 and 255": white(CELLS),
    "types 1 to 4": kinds_of_cells(CELLS, 4),
    "squares": np.kron(np.array([[0, 0, 0, 0], [0, 3, 0, 9], [0, 0, 0, 0], [5, 0, 2, 0]]), np.ones((20, 20), int)),
}
CHANGES: dict[str, Change] = {
    "enlarged": resized(2, Image.Resampling.BILINEAR),
    "enlarged a little": resized(1.3, Image.Resampling.BICUBIC),
    "enlarged fourfold": resized(4, Image.Resampling.BILINEAR),
    "halved": resized(0.5, Image.Resampling.BILINEAR),
    "turned": turned,
    "smoothed": lambda labels: ndimage.gaussian_filter(labels.astype(float), 0.7).round().astype(np.int32),
    "JPEG 75": through_jpeg(75),
    "JPEG 95": through_jpeg(95),
    "moved by half a pixel": lambda labels: ndimage.shift(labels.astype(float), 0.5, order=1).round().astype(np.int32),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mask", MASKS)
def test_numbers_that_nobody_painted_are_refused(mask: str, change: str) -> None:
    good, bad = MASKS[mask], CHANGES[change](MASKS[mask])
    for kind in (None, "instances"):
        with pytest.raises(LabelError, match=r"b\.png: .*row \d+, column \d+") as caught:
            judge_labels([good, bad], names=["a.png", "b.png"], kind=kind)
        assert caught.value.where == "b.png"


@pytest.mark.parametrize("mask", ["cells that touch", "0, 100, 200", "0, 127, 255"])
def test_a_mask_in_jpeg_of_the_best_quality_is_refused(mask: str) -> None:
    with pytest.raises(LabelError, match="nobody painted"):
        judge_labels([through_jpeg(100)(MASKS[mask])])


def test_the_message_names_the_pixel_and_both_sides() -> None:
    labels = np.zeros((30, 30), np.uint8)
    labels[10:20, 10:20], labels[9, 10:20], labels[20, 10:20] = 200, 50, 150
    (found,) = find_rims([labels], None)
    assert (found.index, found.value, found.row, found.column, found.between) == (0, 50, 9, 10, (0, 200))
    assert found.num_pixels == 20
    assert not found.are_lines
    with pytest.raises(LabelError, match="50 at row 9, column 10 lies between 0 and 200, as do 20 px"):
        judge_labels([labels])


def membranes(labels: np.ndarray) -> np.ndarray:
    return np.where(ndimage.morphological_gradient(touching(1), 3) > 0, 1, np.where(touching(1) % 2, 0, 2))


def outlines(labels: np.ndarray) -> np.ndarray:
    return np.where((labels > 0) & ~ndimage.binary_erosion(labels > 0), 1, 2 * (labels > 0))


def specks(labels: np.ndarray) -> np.ndarray:
    small = np.zeros_like(labels)
    small[::9, ::9] = np.arange(1, small[::9, ::9].size + 1).reshape(small[::9, ::9].shape)
    return small


def layers(labels: np.ndarray) -> np.ndarray:
    """As those of the retina: thick and thin ones by turns."""
    ends = 30 + 8 * np.sin(np.arange(200) / 30) + np.cumsum([0, 9, 2, 8, 2, 9])[:, None]
    below = np.arange(128)[None, :, None] >= ends[:, None, :].round()
    return np.where(below[-1], 0, below.sum(axis=0))


def tiles(labels: np.ndarray) -> np.ndarray:
    return np.kron(np.random.default_rng(0).permutation(1600).reshape(40, 40) + 1, np.ones((2, 2), int))


def lines_between(labels: np.ndarray) -> np.ndarray:
    return watershed(ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(128, 128)), 2), watershed_line=True)


def classified(labels: np.ndarray) -> np.ndarray:
    """As a pixel classifier leaves it, with noise."""
    fields = np.random.default_rng(0).normal(size=(2, 4, 128, 128))
    smooth, noise = ndimage.gaussian_filter(fields[0], (0, 6, 6)), ndimage.gaussian_filter(fields[1], (0, 0.7, 0.7))
    return (smooth / smooth.std() + noise).argmax(axis=0)


def levels(labels: np.ndarray) -> np.ndarray:
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(128, 128)), 5)
    return np.digitize(smooth, np.quantile(smooth, [0.2, 0.4, 0.6, 0.8]))


# name: (mask, whether lines of one number are noted)
PAINTED: dict[str, tuple[Change, bool]] = {
    **{f"as painted: {name}": (lambda _, labels=labels: labels, False) for name, labels in MASKS.items()},
    "nearest neighbour": (resized(0.6, Image.Resampling.NEAREST), False),
    "outlines": (outlines, True),
    "membranes between two kinds of cells": (membranes, True),
    "thin cytoplasm": (lambda labels: nucleus(labels)[::2, ::2], True),
    "nuclei in cells": (nucleus, False),
    "objects of one pixel": (specks, False),
    "levels of a smooth quantity": (levels, False),
    "membranes of 255 around numbered cells": (lambda labels: np.where(outlines(labels) == 1, 255, labels), False),
    "thin layers": (layers, True),
    "thin layers of greys": (lambda labels: 30 * layers(labels), True),
    "objects of 2 px that touch": (tiles, False),
    "lines of 0 between small objects": (lines_between, False),
    "thin sheaths, at the edge of sight": (lambda labels: nucleus(np.kron(labels, np.ones((3, 3), int)))[::5, ::5], True),
    "classes of a noisy pixel classifier": (classified, False),
    "lines not annotated": (lambda labels: np.where(outlines(labels) == 1, -1, labels), False),
}


@pytest.mark.parametrize("name", PAINTED)
def test_thin_things_that_were_painted_are_left_alone(name: str) -> None:
    change, are_lines = PAINTED[name]
    labels = change(CELLS)
    found = find_rims([labels], None)
    assert all(one.are_lines for one in found)
    assert bool(found) == are_lines


def test_lines_of_one_number_are_noted_where_many_masks_have_them() -> None:
    maps = [outlines(cells(seed)) for seed in range(5)]
    reading = judge_labels(maps)
    assert (reading.kind, reading.values) == ("classes", (0, 1, 2))
    assert "mask 1: 1 at row" in reading.notes[0]
    assert "outlines" in reading.notes[0]
    assert judge_labels([maps[0], *[nucleus(cells(seed)) for seed in range(6)]]).notes == ()
