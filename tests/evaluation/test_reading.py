"""What both sides hold when they are scored: there may be nothing to learn."""

import numpy as np
import pytest

from unseam.errors import LabelError
from unseam.evaluation.reading import choose_reading, guess_kind

EMPTY = np.zeros((4, 5), np.uint8)
ONE = np.array([[0, 0, 1, 1, 1]] * 4, np.uint8)
THREE = np.array([[0, 1, 2, 2, 1]] * 4, np.uint8)


def row(*values: int) -> np.ndarray:
    return np.array([values] * 4, np.int32)


def test_an_object_255_is_no_hole_in_a_prediction() -> None:
    reading = choose_reading([row(0, 255, 1)], [row(0, 255, 254)], "instances", is_given=False, ignore=255)
    assert reading.truth(row(0, 255, 1))[0].tolist() == [0, -1, 1]
    assert reading.prediction(row(0, 255, 254))[0].tolist() == [0, 255, 254]


@pytest.mark.parametrize("truth", [EMPTY, ONE], ids=["no object", "one object"])
def test_instances_need_nothing_to_learn(truth: np.ndarray) -> None:
    reading = choose_reading([truth], [THREE], "instances", is_given=False)
    assert reading.kind == "instances"
    np.testing.assert_array_equal(reading.truth(truth), truth)
    np.testing.assert_array_equal(reading.prediction(THREE), THREE)


@pytest.mark.parametrize(
    ("truth", "predicted", "kind", "values"),
    [
        (EMPTY, EMPTY, "binary", (0,)),
        (EMPTY, ONE * 255, "binary", (0, 255)),
        (ONE, THREE, "classes", (0, 1, 2)),
        (THREE, ONE, "classes", (0, 1, 2)),
        (THREE * 127, ONE * 254, "classes", (0, 127, 254)),
        (row(-1, 0, 3), row(3, 3, 0), "binary", (0, 3)),
    ],
)
def test_values_are_those_of_both_sides(truth, predicted, kind, values) -> None:
    reading = choose_reading([truth], [predicted], "classes", is_given=False)
    assert (reading.kind, reading.values) == (kind, values)
    for maps, convert in ((truth, reading.truth), (predicted, reading.prediction)):
        expected = np.where(maps == -1, 255, np.searchsorted(values, np.maximum(maps, 0)))
        np.testing.assert_array_equal(convert(maps), expected)


def test_255_above_classes_is_not_annotated_unless_it_is_predicted() -> None:
    truth = row(0, 1, 255)
    reading = choose_reading([truth], [row(0, 1, 1)], "classes", is_given=False)
    assert (reading.ignore, reading.values) == (255, (0, 1))
    assert "not annotated" in reading.reason
    assert choose_reading([truth], [row(0, 1, 255)], "classes", is_given=False).values == (0, 1, 255)


def test_two_names_for_foreground_are_not_taken_for_two_classes() -> None:
    with pytest.raises(LabelError, match=r" 1, .* 255.*--masks binary"):
        choose_reading([ONE], [ONE * 255], "classes", is_given=False)
    reading = choose_reading([ONE], [ONE * 255], "binary", is_given=True)
    np.testing.assert_array_equal(reading.truth(ONE), ONE)
    np.testing.assert_array_equal(reading.prediction(ONE * 255), ONE)
    assert choose_reading([ONE], [ONE * 255], "classes", is_given=True).values == (0, 1, 255)


def test_foreground_of_numbered_objects() -> None:
    numbered = np.arange(20, dtype=np.int32).reshape(4, 5)
    numbered[3, 4] = -1
    for is_given, kind in ((False, "classes"), (True, "binary")):
        reading = choose_reading([numbered], [ONE * 255], kind, is_given=is_given)
        assert reading.kind == "binary"
        assert reading.truth(numbered)[0].tolist() == [0, 1, 1, 1, 1]
        assert reading.truth(numbered)[3, 4] == 255
        assert reading.prediction(ONE * 255)[0].tolist() == [0, 0, 1, 1, 1]


def test_one_number_for_all_objects_is_said() -> None:
    assert "Beware" in choose_reading([row(0, 1, 0, 1)], [THREE], "instances", is_given=False).reason
    assert "Beware" not in choose_reading([ONE], [THREE], "instances", is_given=False).reason


def test_too_many_classes() -> None:
    with pytest.raises(LabelError, match=r"300 values.* 255 "):
        choose_reading([np.arange(300).reshape(10, 30)], [THREE], "classes", is_given=True)


def test_looking() -> None:
    assert guess_kind([EMPTY], None) == "binary"
    assert guess_kind([row(0, 1, 2, 3)], None) == "instances"
