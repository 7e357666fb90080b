"""What masks hold, told from realistic masks; and what cannot be told is refused in words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from unseam.data.labels import LabelKind, LabelReading, judge_labels, to_class_map, to_instance_map
from unseam.errors import LabelError
from unseam.shapes import IGNORE, NOT_ANNOTATED


def cells(rng: np.random.Generator, number: int, side: int = 96, radius: float = 7.0) -> np.ndarray:
    """An instance map of round cells that may touch, numbered from 1."""
    rows, columns = np.mgrid[:side, :side]
    instances = np.zeros((side, side), np.int32)
    for i in range(1, number + 1):
        row, column = rng.uniform(radius, side - radius, 2)
        inside = (rows - row) ** 2 + (columns - column) ** 2 < radius**2
        instances[inside & (instances == 0)] = i
    return instances


def tissue(rng: np.random.Generator, classes: int, side: int = 96) -> np.ndarray:
    """A class map of blobs, each class in several pieces."""
    smooth = ndimage.gaussian_filter(rng.normal(size=(side, side)), 5)
    return np.digitize(smooth, np.quantile(smooth, np.linspace(0, 1, classes + 1)[1:-1])).astype(np.uint8)


RNG = np.random.default_rng(7)
GREY = np.array([0, 127, 255], np.uint8)
NESTED = np.zeros((96, 96), np.uint8)
NESTED[20:70, 20:70] = 1
NESTED[35:50, 35:50] = 2
EMPTY = np.zeros((96, 96), np.int32)

# name: (masks, kind, values)
CASES: dict[str, tuple[list[np.ndarray], LabelKind, tuple[int, ...]]] = {
    "black and white": ([(tissue(RNG, 2) * 255).astype(np.uint8) for _ in range(3)], "binary", (0, 255)),
    "0 and 1": ([tissue(RNG, 2)], "binary", (0, 1)),
    "1 and 2": ([tissue(RNG, 2) + 1], "binary", (1, 2)),
    "bool": ([tissue(RNG, 2) > 0], "binary", (0, 1)),
    "one object an image": ([(cells(RNG, 1) > 0).astype(np.uint16) for _ in range(5)], "binary", (0, 1)),
    "black and white, one empty": ([tissue(RNG, 2) * 255, np.zeros((9, 9), np.uint8)], "binary", (0, 255)),
    "partly annotated": ([tissue(RNG, 2).astype(np.int32) - 1 + (tissue(RNG, 2) > 0)], "binary", (0, 1)),
    "membrane and cytoplasm": ([tissue(RNG, 3) for _ in range(4)], "classes", (0, 1, 2)),
    "one image of three classes": ([tissue(RNG, 3)], "classes", (0, 1, 2)),
    "seven classes": ([tissue(RNG, 7, 256) for _ in range(3)], "classes", tuple(range(7))),
    "twenty classes": ([tissue(RNG, 20, 256) for _ in range(3)], "classes", tuple(range(20))),
    "classes without 0": ([tissue(RNG, 3) + 1], "classes", (1, 2, 3)),
    "three greys": ([GREY[tissue(RNG, 3)]], "classes", (0, 127, 255)),
    "three greys, one piece each": ([GREY[NESTED]], "classes", (0, 127, 255)),
    "one cell with its nucleus an image": ([np.roll(NESTED, i, 0) for i in range(5)], "classes", (0, 1, 2)),
    "organ in slices": (
        [(NESTED > 1) * 2 if i % 4 == 0 else (NESTED > 0) * 1 if i % 4 == 1 else NESTED for i in range(12)],
        "classes",
        (0, 1, 2),
    ),
    "many cells": ([cells(RNG, 40) for _ in range(3)], "instances", ()),
    "few cells": ([cells(RNG, 5)], "instances", ()),
    "two cells": ([cells(RNG, 2)], "instances", ()),
    "few cells, numbers vary": ([cells(RNG, n) for n in (3, 5, 2, 4, 1, 5)], "instances", ()),
    "cells and empty images": ([cells(RNG, 12), EMPTY, cells(RNG, 7)], "instances", ()),
    "huge numbers": ([cells(RNG, 9).astype(np.int64) * 2**33], "instances", ()),
    "gaps in the numbers": ([np.where(cells(RNG, 20) % 3, cells(RNG, 20), 0)], "instances", ()),
    "255 cells in 8 bits": ([cells(RNG, 255, 400).astype(np.uint8)], "instances", ()),
    "cells everywhere, no background": (
        [(np.arange(96)[:, None] // 12 * 8 + np.arange(96) // 12 + 1).astype(np.uint16)],
        "instances",
        (),
    ),
    "float with whole numbers": ([cells(RNG, 12).astype(np.float32)], "instances", ()),
}


@pytest.mark.parametrize("name", CASES)
def test_what_masks_hold(name: str) -> None:
    maps, kind, values = CASES[name]
    reading = judge_labels(maps)
    assert (reading.kind, reading.values) == (kind, values), reading.reason
    assert reading.reason.endswith(".")
    assert reading.notes == ()
    assert len(reading.class_names) == (len(values) or 2)
    translated = [to_class_map(labels, reading) for labels in maps]
    num_classes = len(values) or 2
    assert set(np.unique(np.concatenate([m.ravel() for m in translated]))) <= {*range(num_classes), IGNORE}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("transform", [np.rot90, np.fliplr, lambda labels: np.kron(labels, np.ones((2, 2), int))])
def test_the_judgement_does_not_hang_on_the_view(name: str, transform) -> None:
    maps, kind, values = CASES[name]
    maps = [np.ascontiguousarray(transform(labels)) for labels in maps]
    assert (judge_labels(maps).kind, judge_labels(maps).values) == (kind, values)


def test_255_above_classes_is_not_annotated() -> None:
    for classes in (2, 4):
        labels = tissue(RNG, classes)
        labels[:20] = 255
        reading = judge_labels([labels, labels.T])
        kind = "binary" if classes == 2 else "classes"
        assert (reading.kind, reading.ignore, reading.certainty) == (kind, 255, "likely")
        assert reading.values == tuple(range(classes))
        assert "not annotated" in reading.notes[0]
        assert (to_class_map(labels, reading)[:20] == IGNORE).all()


def test_a_value_for_not_annotated_that_was_said() -> None:
    labels = tissue(RNG, 3)
    reading = judge_labels([labels], ignore=0)
    assert (reading.kind, reading.values) == ("binary", (1, 2))
    np.testing.assert_array_equal(to_class_map(labels, reading), np.array([IGNORE, 0, 1], np.uint8)[labels])
    instances = cells(RNG, 30)
    reading = judge_labels([instances], ignore=7)
    assert (to_instance_map(instances, reading)[instances == 7] == NOT_ANNOTATED).all()


def test_the_judgement_can_be_overruled() -> None:
    labels = tissue(RNG, 3)
    assert judge_labels([labels], kind="instances").kind == "instances"
    instances = cells(RNG, 5)
    reading = judge_labels([instances], kind="classes")
    assert (reading.kind, reading.values) == ("classes", (0, 1, 2, 3, 4, 5))
    with pytest.raises(LabelError, match=r"6 values.*'classes' or 'instances'"):
        judge_labels([instances], kind="binary")
    with pytest.raises(LabelError, match=r"400 values.*255 classes"):
        judge_labels([np.kron(np.arange(400).reshape(20, 20), np.ones((4, 4), int))], kind="classes")


def test_declared_classes() -> None:
    labels = tissue(RNG, 3)
    reading = judge_labels([labels], declared=[(0, "background"), (1, "myelin"), (2, "axon")])
    assert (reading.kind, reading.class_names) == ("classes", ("background", "myelin", "axon"))
    with pytest.raises(LabelError, match=r"class 3 \(vessel\)"):
        judge_labels([labels], declared=[(0, "background"), (1, "a"), (2, "b"), (3, "vessel")])
    with pytest.raises(LabelError, match=r"second: .*value 2 at row"):
        judge_labels([labels % 2, labels], names=["first", "second"], declared=[(0, "a"), (1, "b")])
    reading = judge_labels([labels], declared=[(0, "background"), (1, "cell")], ignore=2)
    assert (reading.kind, reading.values, reading.class_names) == ("binary", (0, 1), ("background", "cell"))


def soft() -> np.ndarray:
    sharp = np.zeros((96, 96))
    sharp[20:60, 20:60] = 255
    return ndimage.gaussian_filter(sharp, 1.0).round().astype(np.uint8)


FRACTION = np.zeros((5, 6))
FRACTION[2, 3] = 0.25
NEGATIVE = np.zeros((5, 6), int)
NEGATIVE[4, 1] = -2

# name: (masks, words of the message)
REFUSED = {
    "nothing": ([np.zeros((5, 6), np.uint8)], "mask 1.*value 0"),
    "all foreground": ([np.full((5, 6), 255)], "mask 1.*value 255"),
    "nothing annotated": ([np.full((5, 6), -1)], "mask 1.*no pixel.*annotated"),
    "soft edges": ([soft()], r"mask 1: .*row 17, column 20, is 1\..* 940 .*threshold of 128"),
    "fractions": ([FRACTION], r"mask 1: .*row 2, column 3 is 0\.25.*probability map"),
    "NaN": ([FRACTION * np.nan], "row 0, column 0 is nan"),
    "negative": ([np.zeros((5, 6), int), NEGATIVE], "mask 2: .*row 4, column 1 is -2"),
    "colours": ([np.zeros((5, 6, 3), np.uint8)], r"shape \(5, 6, 3\)"),
    "no pixels": ([np.zeros((0, 6), np.uint8)], r"shape \(0, 6\)"),
    "text": ([np.full((5, 6), "a")], "<U1.*integers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_masks_that_are_refused(name: str) -> None:
    maps, words = REFUSED[name]
    with pytest.raises(LabelError, match=words):
        judge_labels(maps)


def test_a_value_that_training_never_saw() -> None:
    reading = judge_labels([tissue(RNG, 2) * 255])
    later = np.zeros((5, 6), np.uint8)
    later[3, 4] = 254
    with pytest.raises(LabelError, match=r"value 254 at row 3, column 4.*0, 255"):
        to_class_map(later, reading)


def test_objects_as_classes_and_back() -> None:
    instances = cells(RNG, 12)
    instances[:10] = NOT_ANNOTATED
    reading = judge_labels([instances])
    classes = to_class_map(instances, reading)
    assert classes.dtype == np.uint8
    np.testing.assert_array_equal(classes, np.where(instances < 0, IGNORE, instances > 0))
    np.testing.assert_array_equal(to_instance_map(instances, reading), instances)
    with pytest.raises(LabelError, match="instances"):
        to_instance_map(classes, judge_labels([classes], ignore=IGNORE))


@given(st.lists(st.integers(0, 2**40), min_size=9, max_size=9))
def test_renumbering_keeps_the_partition_and_the_order(ids: list[int]) -> None:
    labels = np.array(ids, dtype=np.int64).reshape(3, 3)
    reading = LabelReading("instances", (), ("background", "object"), None, "")
    instances = to_instance_map(labels, reading)
    assert instances.dtype == np.int32
    for a, b in zip(labels.ravel(), instances.ravel(), strict=True):
        np.testing.assert_array_equal(labels == a, instances == b)
        assert (a == 0) == (b == 0)
    if labels.max() < 2**31:
        np.testing.assert_array_equal(instances, labels)
    else:
        assert instances.max() == np.unique(labels[labels > 0]).size


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), min_size=12, max_size=12))
def test_classes_are_places_in_the_list_of_values(order: list[int], picks: list[int]) -> None:
    values = tuple(sorted(10 * v + 3 for v in order))
    labels = np.array([values[i] for i in picks]).reshape(3, 4)
    reading = LabelReading("classes", values, tuple("abcdef"), None, "")
    np.testing.assert_array_equal(to_class_map(labels, reading), np.array(picks).reshape(3, 4))


def test_inputs_are_left_as_they_are() -> None:
    instances = cells(RNG, 12)
    before = instances.copy()
    reading = judge_labels([instances], ignore=3)
    to_class_map(instances, reading)
    to_instance_map(instances, reading)
    np.testing.assert_array_equal(instances, before)


def test_classes_that_no_result_could_hold_are_refused() -> None:
    stripes = np.repeat(np.array([[0, 1, 0, 1]], np.int64), 4, axis=0)
    with pytest.raises(LabelError, match=r"value 8589934592 at row 0, column 1.*4294967295"):
        judge_labels([stripes * 2**33])
    assert judge_labels([stripes * (2**32 - 1)]).values == (0, 2**32 - 1)
