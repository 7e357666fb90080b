"""What both sides hold when they are scored: there may be nothing to learn."""

import numpy as np
import pytest

from unseam.data.kinds import LabelKind
from unseam.data.labels import list_values
from unseam.errors import LabelError
from unseam.evaluation.reading import ScoringReading, choose_reading, guess_kind

EMPTY = np.zeros((4, 5), np.uint8)
ONE = np.array([[0, 0, 1, 1, 1]] * 4, np.uint8)
PIECES = np.kron(np.arange(25).reshape(5, 5) + 1, np.pad(np.ones((3, 3), np.int32), 1))  # 25 objects
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
    assert guess_kind([EMPTY], []) == "binary"
    assert guess_kind([row(0, 1, 2, 3)], []) == "instances"


@pytest.mark.parametrize("number", [1, 7, 255, 1000])
@pytest.mark.parametrize("other", [1, 255])
def test_a_full_image_is_foreground_by_request(number: int, other: int) -> None:
    reading = choose_reading([row(number)], [row(other)], "binary", is_given=True)
    np.testing.assert_array_equal(reading.truth(row(number)), 1)
    np.testing.assert_array_equal(reading.prediction(row(other)), 1)
    assert "Beware: no pixel is 0" in reading.reason


def test_0_is_background_by_request_where_only_the_prediction_has_it() -> None:
    reading = choose_reading([row(255, 255)], [row(0, 1)], "binary", is_given=True)
    assert (reading.prediction(row(0, 1))[0].tolist(), reading.truth(row(255, 255))[0].tolist()) == ([0, 1], [1, 1])


@pytest.mark.parametrize(("truth", "predicted"), [((255,), (255,)), ((1, 2), (1, 2)), ((1,), (2,)), (range(1, 9), range(1, 9))])
def test_without_0_nothing_tells_the_background(truth, predicted) -> None:
    maps = [row(*truth)], [row(*predicted)]
    with pytest.raises(LabelError, match=r"--masks binary.*--masks classes.*--masks instances"):
        choose_reading(*maps, guess_kind(*maps), is_given=False)
    for kind in ("binary", "classes", "instances"):
        assert choose_reading(*maps, kind, is_given=True).kind == kind
    assert choose_reading(*maps, "instances", is_given=False, knows_background=True).kind == "instances"


def test_many_objects_may_tile_an_image() -> None:
    tiles, around = np.arange(25, dtype=np.int32).repeat(9).reshape(15, 15) + 1, PIECES + 1
    reason = choose_reading([tiles], [tiles], guess_kind([tiles], [tiles]), is_given=False).reason
    assert "no pixel is 0" in reason
    with pytest.raises(LabelError, match="no pixel is 0"):  # 1 covers most: it may well be background
        choose_reading([around], [around], "instances", is_given=False)


def test_the_lowest_class_is_background_unless_it_is_alone() -> None:
    assert choose_reading([row(1, 2)], [row(1, 2)], "classes", is_given=True).background == 1
    assert choose_reading([row(255)], [row(255)], "classes", is_given=True).values == (0, 255)
    assert choose_reading([row(-1)], [row(255)], "binary", is_given=False).values == (0, 255)  # nothing is scored


GREYS, NUMBERS = row(0, 127, 255, 255, 127), row(0, 1, 2, 2, 1)


@pytest.mark.parametrize(
    ("truth", "predicted"),
    [
        (GREYS, NUMBERS),
        (NUMBERS, GREYS),
        (row(0, 85, 170, 255), row(0, 1, 2, 3)),
        (row(0, 127, 255), row(0, 1, 2)),  # each value one piece: together they look like objects
        (NUMBERS, row(0, 255)),
        (row(0, 255), NUMBERS),
        (row(0, 3, 4), row(0, 1, 2)),
    ],
)
def test_disjoint_codings_of_several_classes_are_refused(truth: np.ndarray, predicted: np.ndarray) -> None:
    truths, predictions = [truth, EMPTY], [predicted, EMPTY]
    of_truth, of_prediction = (list_values([int(v) for v in np.unique(side) if v]) for side in (truth, predicted))
    words = f"annotations is {of_truth}, .* predictions {of_prediction}.*--masks binary.*--masks classes"
    with pytest.raises(LabelError, match=words):
        choose_reading(truths, predictions, "classes", is_given=False)
    reading = choose_reading(truths, predictions, "classes", is_given=True)
    assert "different classes" in reading.reason
    assert choose_reading(truths, predictions, "binary", is_given=True).values == ()


def test_greys_are_classes_whatever_the_other_side_holds() -> None:
    assert guess_kind([row(0, 127, 255)], [row(0, 1, 2)]) == guess_kind([row(0, 1, 2)], [row(0, 127, 255)]) == "classes"


@pytest.mark.parametrize(("truth", "predicted"), [(row(0, 1, 2), row(0, 1, 3)), (row(0, 127, 255), row(0, 128, 255))])
def test_values_of_one_side_alone_are_told(truth: np.ndarray, predicted: np.ndarray) -> None:
    reason = choose_reading([truth], [predicted], "classes", is_given=False).reason
    assert f"only the annotations have {truth[0, 1 if truth[0, 1] > 1 else 2]}" in reason
    assert "Beware" not in choose_reading([truth], [truth * (truth > 1)], "classes", is_given=False).reason  # a class is missed


@pytest.mark.parametrize("kind", ["binary", "classes"])
def test_1_here_and_255_there_on_one_side(kind: LabelKind) -> None:
    mixed, plain = [row(0, 1), row(0, 255)], [row(0, 1), row(0, 1)]
    for sides, ignored in (((mixed, plain), "--ignore 255"), ((plain, mixed), "classes")):
        with pytest.raises(LabelError, match=rf"255 is the only .* in 1 map.*--masks binary.*{ignored}"):
            choose_reading(*sides, "classes", is_given=False)
        assert choose_reading(*sides, kind, is_given=True).ignore is None
    assert choose_reading(mixed, plain, "classes", is_given=False, ignore=255).values == (0, 1)
    both = [row(0, 128), row(0, 255)]  # two classes that do not meet
    assert choose_reading(both, both, "classes", is_given=False).values == (0, 128, 255)


@pytest.mark.parametrize("one", [1, 255])
def test_one_number_in_many_pieces_is_told_of_either_side(one: int) -> None:
    drawn = (PIECES > 0) * one
    for sides, whose in (((PIECES, drawn), "predictions"), ((drawn, PIECES), "annotations")):
        maps = [sides[0]], [sides[1]]
        kind = guess_kind(*maps)
        assert kind == "instances"  # and not a drawing with soft edges
        reason = choose_reading(*maps, kind, is_given=False).reason
        assert f"all foreground of the {whose} has the number {one} and counts as one object" in reason
        for_classes = choose_reading(*maps, "classes", is_given=False)
        assert for_classes.kind == "binary"
        assert "number 25 objects" in for_classes.reason
    both = choose_reading([drawn], [drawn], "instances", is_given=True).reason
    assert "of the annotations and predictions" in both
    assert "Beware" not in choose_reading([PIECES], [row(1)], "instances", is_given=False).reason  # a full image is one piece


@pytest.mark.parametrize(("true", "predicted"), [([0, 1], [1, 2]), ([0, 255], [1, 2]), ([1, 2, 3], [0, 1, 2])])
def test_a_side_that_counts_from_1_is_refused(true, predicted):
    with pytest.raises(LabelError, match=r"background seems to be 1 in the"):
        choose_reading([np.array([true])], [np.array([predicted])], "classes", is_given=False)


def test_further_maps_of_a_head_are_no_classes():
    """Distances stand after the classes in a file of probabilities; three classes of which two fill a pixel do not."""
    reading = ScoringReading("instances", (), 0, None, "")
    classes = np.float32([[[0.9, 0.2]], [[0.1, 0.8]]])
    with_distances = np.concatenate([classes, np.float32([[[0.3, 1.0]], [[0.0, 0.4]]])])
    np.testing.assert_array_equal(reading.probabilities(with_distances), classes)
    with_rim = np.float32([[[0.9, 0.2]], [[0.1, 0.3]], [[0.0, 0.5]]])
    np.testing.assert_allclose(reading.probabilities(with_rim), classes)
