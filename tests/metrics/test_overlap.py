"""IoU, Dice, precision and recall: one set of counts, four quotients."""

import math

import numpy as np
import pytest
from hypothesis import given

from reference.metric_maps import CLASS_PAIRS, FULL_CLASS_PAIRS
from unseam.metrics import Overlap, OverlapScore
from unseam.shapes import IGNORE

PREDICTED = np.array([[0, 1, 1, 2], [0, 1, 2, 2]], np.uint8)
TRUTH = np.array([[0, 0, 1, 1], [0, 1, 2, 255]], np.uint8)


def test_by_hand():
    score = Overlap()(PREDICTED, TRUTH)
    assert score == OverlapScore(both=(2, 2, 1), predicted=(2, 3, 2), truth=(3, 3, 1))
    assert score.iou == (2 / 3, 2 / 4, 1 / 2)
    assert score.dice == (4 / 5, 4 / 6, 2 / 3)
    assert (score.precision, score.recall) == ((1, 2 / 3, 1 / 2), (2 / 3, 2 / 3, 1))
    assert score.mean_iou == 0.5
    assert score.mean_dice == pytest.approx(2 / 3)


def test_predicted_without_class_is_a_miss_and_no_class_of_its_own():
    score = Overlap()(np.array([[1, 255]], np.uint8), np.array([[1, 1]], np.uint8))
    assert score == OverlapScore(both=(0, 1), predicted=(0, 1), truth=(0, 2))


def test_no_foreground_anywhere_is_nothing_to_score():
    empty = np.zeros((3, 3), np.uint8)
    assert Overlap()(empty, empty).iou[0] == 1
    assert math.isnan(Overlap()(empty, empty).mean_iou)
    nowhere = Overlap()(empty, np.full((3, 3), IGNORE, np.uint8))
    assert all(math.isnan(value) for values in (nowhere.iou, nowhere.dice, nowhere.precision) for value in values)


def test_a_class_that_neither_map_has_is_nothing_to_score():
    wider = Overlap()(PREDICTED, TRUTH).for_classes(5)
    assert wider.iou[:3] == (2 / 3, 2 / 4, 1 / 2)
    assert math.isnan(wider.iou[4])
    assert wider.mean_iou == 0.5
    assert list(wider.columns())[:5] == ["iou", "iou_class_1", "iou_class_2", "iou_class_3", "iou_class_4"]


@given(FULL_CLASS_PAIRS)
def test_symmetric(pair):
    predicted, truth = pair
    one, other = Overlap()(predicted, truth), Overlap()(truth, predicted)
    assert one.columns()["iou"] == pytest.approx(other.columns()["iou"], nan_ok=True)
    assert one.precision == pytest.approx(other.recall, nan_ok=True)


@given(CLASS_PAIRS)
def test_dice_follows_from_iou_and_from_precision_and_recall(pair):
    score = Overlap()(*pair)
    for iou, dice, precision, recall in zip(score.iou, score.dice, score.precision, score.recall, strict=True):
        assert dice == pytest.approx(2 * iou / (1 + iou), nan_ok=True)
        if precision + recall > 0:
            assert 2 * precision * recall / (precision + recall) == pytest.approx(dice)


@given(CLASS_PAIRS)
def test_iou_against_sets_of_pixels(pair):
    predicted, truth = pair
    is_annotated = truth != IGNORE
    for k, iou in enumerate(Overlap()(predicted, truth).iou):
        has, should = (predicted == k) & is_annotated, truth == k
        either = (has | should).sum()
        assert (iou == (has & should).sum() / either) if either else math.isnan(iou)


def test_images_pool_by_their_counts_whatever_classes_they_have():
    # image 1: IoU 1/2 of a large object; image 2: class 1 absent from both
    scores = [OverlapScore((0, 50), (0, 50), (0, 100)), OverlapScore((10, 0), (10, 0), (10, 0))]
    assert OverlapScore.pool(scores) == {"iou": 0.5, "dice": 100 / 150, "pixel_precision": 1, "pixel_recall": 0.5}
    scores.append(OverlapScore((0, 0, 3), (0, 0, 4), (0, 0, 3)))
    assert OverlapScore.together(scores).iou == (1, 0.5, 3 / 4)


def test_columns_of_several_classes():
    columns = Overlap()(PREDICTED, TRUTH).columns()
    names = ("iou", "dice", "pixel_precision", "pixel_recall")
    assert list(columns) == [f"{name}{end}" for name in names for end in ("", "_class_1", "_class_2")]
    assert list(Overlap()(TRUTH // 255, TRUTH // 255).columns()) == list(names)
