"""IoU and Dice: one set of counts, two quotients."""

import math

import numpy as np
import pytest
from hypothesis import given

from reference.metric_maps import CLASS_PAIRS, FULL_CLASS_PAIRS
from unseam.errors import LabelError, SettingsError
from unseam.metrics import Dice, DiceScore, IoU, IoUScore, PrecisionRecall, PrecisionRecallScore
from unseam.shapes import IGNORE

PREDICTED = np.array([[0, 1, 1, 2], [0, 1, 2, 2]], np.uint8)
TRUTH = np.array([[0, 0, 1, 1], [0, 1, 2, 255]], np.uint8)


def test_iou_by_hand():
    score = IoU(num_classes=4)(PREDICTED, TRUTH)
    assert score == IoUScore(intersection=(2, 2, 1, 0), union=(3, 4, 2, 0))
    assert score.per_class[:3] == (2 / 3, 2 / 4, 1 / 2)
    assert math.isnan(score.per_class[3])
    assert score.mean_foreground == 0.5


def test_dice_by_hand():
    score = Dice(num_classes=3)(PREDICTED, TRUTH)
    assert score == DiceScore(intersection=(2, 2, 1), total=(5, 6, 3))
    assert score.per_class == (4 / 5, 4 / 6, 2 / 3)
    assert score.mean_foreground == pytest.approx(2 / 3)


@pytest.mark.parametrize("metric", [IoU(3), Dice(3)])
def test_predicted_without_class_is_a_miss_and_no_class_of_its_own(metric):
    score = metric(np.array([[1, 255]], np.uint8), np.array([[1, 1]], np.uint8))
    assert score.intersection == (0, 1, 0)
    assert score.per_class[1] == (1 / 2 if isinstance(metric, IoU) else 2 / 3)


@pytest.mark.parametrize("metric", [IoU(), Dice()])
def test_no_foreground_anywhere_is_nothing_to_score(metric):
    empty = np.zeros((3, 3), np.uint8)
    assert metric(empty, empty).per_class[0] == 1
    assert math.isnan(metric(empty, empty).mean_foreground)
    everywhere = np.full((3, 3), IGNORE, np.uint8)
    assert all(math.isnan(value) for value in metric(empty, everywhere).per_class)


@given(CLASS_PAIRS)
def test_equal_maps_score_1_and_disjoint_maps_0(pair):
    truth = pair[1]
    elsewhere = np.where(truth == IGNORE, 0, (truth + 1) % 3).astype(np.uint8)
    for metric in (IoU(3), Dice(3)):
        assert all(value == 1 for value in metric(truth, truth).per_class if not math.isnan(value))
        assert all(value == 0 for value in metric(elsewhere, truth).per_class if not math.isnan(value))


@given(FULL_CLASS_PAIRS)
def test_symmetric(pair):
    predicted, truth = pair
    for metric in (IoU(3), Dice(3)):
        assert metric(predicted, truth) == metric(truth, predicted)


@given(CLASS_PAIRS)
def test_dice_follows_from_iou(pair):
    for iou, dice in zip(IoU(3)(*pair).per_class, Dice(3)(*pair).per_class, strict=True):
        assert dice == pytest.approx(2 * iou / (1 + iou), nan_ok=True)


@given(CLASS_PAIRS)
def test_iou_against_sets_of_pixels(pair):
    predicted, truth = pair
    is_annotated = truth != IGNORE
    for k, iou in enumerate(IoU(3)(predicted, truth).per_class):
        has, should = (predicted == k) & is_annotated, truth == k
        either = (has | should).sum()
        assert (iou == (has & should).sum() / either) if either else math.isnan(iou)


@pytest.mark.parametrize("metric", [IoU(3), Dice(3)])
def test_what_was_not_annotated_never_counts(metric):
    scores = set()
    for value in (0, 1, 2, 255):
        predicted = PREDICTED.copy()
        predicted[TRUTH == IGNORE] = value
        scores.add(metric(predicted, TRUTH))
    assert len(scores) == 1


def test_images_pool_by_their_intersections_and_unions():
    # image 1: IoU 1/2 of a large object; image 2: class 1 absent from both
    scores = [IoUScore((0, 50), (0, 100)), IoUScore((10, 0), (10, 0))]
    assert IoUScore.pool(scores) == {"iou": 0.5}
    assert DiceScore.pool([DiceScore((0, 50), (0, 150)), DiceScore((0, 10), (0, 20))]) == {"dice": 120 / 170}


def test_columns_of_several_classes():
    assert list(IoU(3)(PREDICTED, TRUTH).columns()) == ["iou", "iou_class_1", "iou_class_2"]
    assert list(Dice(3)(PREDICTED, TRUTH).columns()) == ["dice", "dice_class_1", "dice_class_2"]
    assert list(IoU()(TRUTH // 255, TRUTH // 255).columns()) == ["iou"]


@pytest.mark.parametrize("metric", [IoU, Dice])
def test_refusals(metric):
    with pytest.raises(LabelError, match=r"Class 2 came, and 2 classes were announced: 0\.\.1\. Say num_classes=3"):
        metric()(PREDICTED, TRUTH)
    with pytest.raises(SettingsError, match="num_classes is 1; it may be 2 or more"):
        metric(1)


def test_precision_and_recall_by_hand():
    predicted, truth = np.array([[0, 1, 1, 1, 2, 2]]), np.array([[0, 1, 1, 2, 2, 255]])
    score = PrecisionRecall(3)(predicted, truth)
    assert (score.precision, score.recall) == ((1, 2 / 3, 1), (1, 1, 1 / 2))
    assert score.columns() == {
        "pixel_precision": pytest.approx(5 / 6), "pixel_precision_class_1": 2 / 3, "pixel_precision_class_2": 1,
        "pixel_recall": 3 / 4, "pixel_recall_class_1": 1, "pixel_recall_class_2": 1 / 2,
    }  # fmt: skip


@given(CLASS_PAIRS)
def test_dice_is_the_harmonic_mean_of_precision_and_recall(pair):
    both, dice = PrecisionRecall(3)(*pair), Dice(3)(*pair)
    for precision, recall, expected in zip(both.precision, both.recall, dice.per_class, strict=True):
        if precision + recall > 0:
            assert 2 * precision * recall / (precision + recall) == pytest.approx(expected)


def test_precision_and_recall_pool_by_pixels():
    one, other = PrecisionRecallScore((5, 1), (5, 2), (5, 1)), PrecisionRecallScore((0, 3), (4, 4), (0, 9))
    assert PrecisionRecallScore.pool([one, other]) == {"pixel_precision": 4 / 6, "pixel_recall": 4 / 10}
