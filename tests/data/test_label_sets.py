"""Whole sets of masks, as programs write them: what they hold, how sure that is, or why they are refused."""

import re

import numpy as np
import pytest
from scipy import ndimage
from skimage.segmentation import find_boundaries, watershed

from unseam.data.kinds import LayoutKind
from unseam.data.labels import judge_labels
from unseam.data.prepare import Annotated, understand
from unseam.errors import LabelError
from unseam.shapes import IGNORE

Maps = list[np.ndarray]


def cells(seed: int, number: int = 99, radii: tuple[int, int] = (6, 9)) -> np.ndarray:
    """Numbered discs that do not touch."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:120, :130]
    labels = np.zeros((120, 130), np.int32)
    for row in range(16, 108, 26):
        for column in range(16, 118, 26):
            r, c, radius = row + rng.integers(-3, 4), column + rng.integers(-3, 4), rng.integers(*radii)
            labels[(rows - r) ** 2 + (columns - c) ** 2 < radius**2] = labels.max() + 1
    return np.where(labels <= number, labels, 0)


def like(change, number: int = 3, count: int = 99) -> Maps:
    return [change(cells(seed, count)) for seed in range(number)]


def on(background: int, dtype: type = np.int32):
    return lambda labels: np.where(labels == 0, background, labels + (labels >= background) * (background > 0)).astype(dtype)


def white(labels: np.ndarray) -> np.ndarray:
    return ((labels > 0) * 255).astype(np.uint8)


def sprinkled(maps: Maps, value: int, places: dict[int, int]) -> Maps:
    """The masks with ``value`` at so many of their first pixels."""
    chosen = [np.arange(labels.size).reshape(labels.shape) < places.get(i, 0) for i, labels in enumerate(maps)]
    return [np.where(here, value, labels).astype(labels.dtype) for here, labels in zip(chosen, maps, strict=True)]


def open_edge(labels: np.ndarray) -> np.ndarray:
    return np.where(np.arange(labels.shape[1]) < 20, IGNORE, labels > 0).astype(np.uint8)


def kinds_of_cells(labels: np.ndarray, number: int) -> np.ndarray:
    return np.where(labels > 0, 1 + labels % number, 0)


def nucleus(labels: np.ndarray) -> np.ndarray:
    return np.where(ndimage.binary_erosion(labels > 0, iterations=4), 2, labels > 0).astype(np.uint8)


def sheds(labels: np.ndarray) -> np.ndarray:
    """The watershed of MATLAB and scikit-image: 0 is the line around each object, 1 the background."""
    return np.where(find_boundaries(labels, mode="outer"), 0, np.where(labels > 0, labels + 1, 1)).astype(np.uint16)


def touching(seed: int) -> np.ndarray:
    seeds = np.zeros((96, 96), int)
    rng = np.random.default_rng(seed)
    seeds[tuple(rng.integers(0, 96, (2, 30)))] = np.arange(1, 31)
    return watershed(ndimage.distance_transform_edt(seeds == 0), seeds)


TRACKED = [np.roll(cells(3, 5), 2 * t, axis=1) for t in range(6)]
ERASED = [np.where((cells(i, 4) == 2) & (i in (3, 7)), 0, cells(i, 4)) for i in range(12)]
DISC = cells(0, 1) > 0

# name: (masks, kind, certainty)
HELD: dict[str, tuple[Maps, str, str]] = {
    "0 and 255": (like(white), "binary", "sure"),
    "bool": (like(lambda m: m > 0), "binary", "sure"),
    "1 and 2": (like(lambda m: 1 + (m > 0)), "binary", "sure"),
    "7 and 9": (like(lambda m: np.where(m > 0, 9, 7)), "binary", "sure"),
    "-1 beside 0 and 1": (like(lambda m: np.where(np.arange(130) < 40, -1, m > 0)), "binary", "sure"),
    "0, 1 and 255 where nobody annotated": (like(open_edge), "binary", "likely"),
    "255 around each object": (like(lambda m: np.where(find_boundaries(m, mode="outer"), 255, m > 0)), "binary", "likely"),
    "cells": (like(lambda m: m), "instances", "likely"),
    "signed cells": (like(lambda m: m.astype(np.int16)), "instances", "likely"),
    "float cells": (like(lambda m: m.astype(np.float32)), "instances", "likely"),
    "cells and empty masks": ([cells(0), cells(0) * 0, cells(1)], "instances", "likely"),
    "cells that touch": ([touching(i) for i in range(3)], "instances", "likely"),
    "cells that touch, partly annotated": (
        [np.where(np.arange(96) < 60, -1, touching(i)) for i in range(3)], "instances", "likely",
    ),
    "cells on a little 0, most not annotated": (
        like(lambda m: np.where(ndimage.binary_dilation(m > 0, iterations=3), m, -1)), "instances", "likely",
    ),
    "tracked cells": (TRACKED, "instances", "a guess"),
    "four cells, one erased": (ERASED, "instances", "a guess"),
    "four cells in each of five": ([cells(i, 4) for i in range(5)], "instances", "a guess"),
    "another number of one cell in each": ([DISC * i for i in range(1, 6)], "instances", "likely"),
    "one cell in each, of three types": ([np.roll(DISC, i) * (1 + i % 3) for i in range(12)], "classes", "likely"),
    "one nucleus in its cell": ([np.roll(nucleus(cells(0, 1)), i, 1) for i in range(5)], "classes", "likely"),
    "a large and a small organ": (
        [np.roll(np.where(DISC[::-1], 2, ndimage.binary_dilation(DISC, iterations=14)), i, 1) for i in range(5)],
        "classes",
        "likely",
    ),
    "types of cells": (like(lambda m: kinds_of_cells(m, 3)), "classes", "likely"),
    "types of cells without 0": (like(lambda m: kinds_of_cells(m, 3) + 1), "classes", "likely"),
    "three greys": (like(lambda m: np.array([0, 127, 255])[nucleus(m)]), "classes", "likely"),
    "nuclei in cells": (like(nucleus), "classes", "likely"),
}  # fmt: skip


@pytest.mark.parametrize("name", HELD)
def test_what_a_set_holds(name: str) -> None:
    maps, kind, certainty = HELD[name]
    reading = judge_labels(maps)
    assert (reading.kind, reading.certainty) == (kind, certainty), reading.reason
    assert bool(reading.doubt) == (certainty == "a guess")
    background = 0 if any((m == 0).any() for m in maps) else None
    if kind == "instances":
        assert ("besides 0" if background == 0 else "no background (0)") in reading.reason


# name: (masks, words of the message)
REFUSED: dict[str, tuple[Maps, str]] = {
    "-1 for background": (like(on(-1)), r"mask 1: -1 \(first at row 0, column 0\) covers 8\d % .*== -1\] = 0"),
    "1 for background": (like(on(1)), r"mask 1: 1 .*== 1\] = 0.*'instances'"),
    "7 for background": (like(on(7)), r"mask 1: 7 .*would count as an object"),
    "255 for background": (like(on(255, np.uint8)), r"mask 1: 255 .*== 255\] = 0"),
    "1 for background of one cell": ([np.where(cells(i, 1), i + 2, 1) for i in range(6)], r"1 \(first .*== 1\] = 0"),
    "watershed lines": (like(sheds), r"mask 1: 1 .*== 1\] = 0"),
    "1 for background in one mask": ([cells(0), cells(1), on(1)(cells(2))], r"mask 3: 1 "),
    "-1 for background, 0 for the first cell": (like(lambda m: m - 1), r"-1 .*has 0 another number first"),
    "-1 for background of black and white": (like(lambda m: np.where(m > 0, 1, -1)), r"value 1\b.*-1 means.*with 0 there"),
    "-1 for background of types": (like(lambda m: np.where(m > 0, kinds_of_cells(m, 2), -1)), r"-1 .*no pixel is 0.*1 would"),
    "7 for background of types": (like(lambda m: np.where(m > 0, kinds_of_cells(m, 2), 7)), r"7 .*no pixel is 0.*1 would"),
    "255 for background, 1 for cells": (like(lambda m: np.where(m > 0, 1, 255)), r"255 .*1 would count.*'binary'"),
    "a stray 1 among 255": (
        sprinkled(like(white), 1, {0: 1}), r"mask 1: .*here 1.*in 1 of 3 mask\(s\) and 1 px.*row 0, column 0",
    ),
    "stray 1s in two masks": (sprinkled(like(white), 1, {0: 4, 1: 3}), r"here 1.*in 2 of 3 .*--ignore 255"),
    "1s in one mask only": (sprinkled(like(white), 1, {2: 900}), r"mask 3: .*here 1.*in 1 of 3"),
    "a stray 255 among 1": (sprinkled(like(lambda m: (m > 0).astype(np.uint8)), 255, {1: 5}), r"mask 2: 255 is in 1 of 3"),
    "one mask of 0, 1 and 255": ([open_edge(cells(0))], r"in 1 of 1 mask"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_set_that_is_refused(name: str) -> None:
    maps, words = REFUSED[name]
    with pytest.raises(LabelError, match=words.replace(" % ", "% ")) as caught:
        judge_labels(maps)
    assert len(str(caught.value)) < 600


MENDED = [
    "-1 for background",
    "1 for background",
    "7 for background",
    "255 for background",
    "watershed lines",
    "1 for background in one mask",
    "-1 for background of types",
    "255 for background, 1 for cells",
]


@pytest.mark.parametrize("name", MENDED)
def test_the_mend_that_is_printed_works(name: str) -> None:
    maps, _ = REFUSED[name]
    with pytest.raises(LabelError) as caught:
        judge_labels(maps)
    (value,) = re.findall(r"labels\[labels == (-?\d+)\] = 0", str(caught.value))
    mended = judge_labels([np.where(labels == int(value), 0, labels) for labels in maps])
    assert "besides 0" in mended.reason or "0 is background" in mended.reason


def test_what_the_user_says_counts_and_the_sentence_agrees() -> None:
    said = judge_labels(like(lambda m: np.where(m > 0, 1, 255)), kind="binary")
    assert said.values == (1, 255)
    assert "1 is background" in said.reason
    lined = judge_labels(like(sheds), kind="instances")  # with 0 in the masks, each other number is an object
    assert lined.kind == "instances"
    with pytest.raises(LabelError, match="mark at least one pixel of background by 0"):
        judge_labels(like(on(1)), kind="instances")
    assert judge_labels(sprinkled(like(white), 1, {0: 1}), ignore=255).ignore == 255
    assert judge_labels(sprinkled(like(white), 1, {0: 1}), ignore=254).values == (0, 1, 255)


def test_a_layout_settles_the_kind() -> None:
    reading = judge_labels(like(nucleus), kind=LayoutKind("instances", "Cell Tracking Challenge, GT/SEG"))
    assert (reading.kind, reading.certainty) == ("instances", "set")
    assert "one object each, as always in the layout Cell Tracking Challenge, GT/SEG" in reading.reason


def test_objects_without_any_background_are_refused_however_they_were_read() -> None:
    labels = np.full((40, 40), -1, np.int32)
    labels[5:12, 5:12], labels[20:30, 20:30] = 1, 2
    images = [Annotated("a", np.zeros((40, 40)), labels)]
    with pytest.raises(LabelError, match=r"-1 .*with 0 there"):
        understand(images, masks="instances")
    labels[20:30, 12:20] = 2
    labels[6:20, 12:14] = 2  # they touch, so that a ridge lies between them; but -1 covers most
    labels[0, 0] = 0
    assert understand(images, masks="instances").kind == "instances"
