"""Average precision, panoptic quality and the aggregated Jaccard index: by hand, and against sets of pixels."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from reference.metric_maps import FULL_INSTANCE_PAIRS, INSTANCE_PAIRS
from reference.objects_by_sets import aji_by_sets, aji_plus_by_sets, ap_by_sets, matches_by_sets
from unseam.errors import SettingsError
from unseam.metrics import (
    AggregatedJaccard,
    AggregatedJaccardScore,
    AveragePrecision,
    AveragePrecisionScore,
    PanopticQuality,
    PanopticScore,
)
from unseam.shapes import NOT_ANNOTATED

METRICS = [AveragePrecision(), PanopticQuality(), AggregatedJaccard()]
TRUTH = np.array([[1, 1, 1, 1, 0, 2, 2, 0, 3, 0]])
PREDICTED = np.array([[5, 5, 5, 0, 0, 6, 0, 7, 0, 0]])  # 1-5: 3/4; 2-6: 1/2, no match; 7 made up; 3 missed
EMPTY, ONE = np.zeros((2, 2), np.int32), np.ones((2, 2), np.int32)


def test_average_precision_by_hand():
    score = AveragePrecision()(PREDICTED, TRUTH)
    assert score.true_positives == (1,) * 5 + (0,) * 5  # an IoU of 3/4 is not above 0.75
    assert score.at == (1 / 5,) * 5 + (0,) * 5
    assert score.mean == pytest.approx(0.1)
    assert list(score.columns())[:3] == ["average_precision", "average_precision_50", "average_precision_55"]
    assert list(score.columns())[-1] == "average_precision_95"


def test_panoptic_quality_by_hand():
    score = PanopticQuality()(PREDICTED, TRUTH)
    assert score == PanopticScore(true_positives=1, false_positives=2, false_negatives=2, iou_sum=0.75)
    assert (score.segmentation, score.recognition, score.panoptic) == (0.75, 1 / 3, 0.25)


def test_aggregated_jaccard_by_hand():
    # 5 shares 3 of 4 px, 6 shares 1 of 2; 7 (1 px) and 3 (1 px) are alone: (3 + 1) / (4 + 2 + 1 + 1)
    assert AggregatedJaccard()(PREDICTED, TRUTH) == AggregatedJaccardScore(4, 8, 4, 8)


def test_one_to_one_is_the_best_matching_not_the_greedy_one():
    truth = np.array([[1] * 10 + [2] * 4])
    predicted = np.array([[0] * 4 + [8] * 4 + [9] * 4 + [8] * 2])
    # 1-8: 4/12, 1-9: 2/12, 2-8: 2/8, 2-9: 2/6; best sum: 1-8 and 2-9
    score = AggregatedJaccard()(predicted, truth)
    assert (score.intersection_one_to_one, score.union_one_to_one) == (4 + 2, 12 + 6)


@pytest.mark.parametrize("metric", METRICS)
def test_empty_maps(metric):
    assert all(math.isnan(value) for value in metric(EMPTY, EMPTY).columns().values())
    for pair in ((ONE, EMPTY), (EMPTY, ONE)):
        figures = metric(*pair).columns()
        figures.pop("segmentation_quality", None)
        assert set(figures.values()) == {0}


@given(INSTANCE_PAIRS)
def test_average_precision_against_sets_of_pixels(pair):
    score = AveragePrecision()(*pair)
    for percent, value in zip(range(50, 100, 5), score.at, strict=True):
        expected = ap_by_sets(*pair, Fraction(percent, 100))
        assert value == float(expected) if expected is not None else math.isnan(value)


@given(INSTANCE_PAIRS)
def test_panoptic_quality_against_sets_of_pixels(pair):
    found, made_up, missed, iou_sum = matches_by_sets(*pair, Fraction(1, 2))
    score = PanopticQuality()(*pair)
    assert (score.true_positives, score.false_positives, score.false_negatives) == (found, made_up, missed)
    assert score.iou_sum == pytest.approx(float(iou_sum))


@given(INSTANCE_PAIRS)
def test_aggregated_jaccard_against_sets_of_pixels(pair):
    score = AggregatedJaccard()(*pair)
    assert (score.intersection, score.union) == aji_by_sets(*pair)
    assert (score.intersection_one_to_one, score.union_one_to_one) in aji_plus_by_sets(*pair)


@pytest.mark.parametrize("metric", METRICS)
@given(pair=INSTANCE_PAIRS)
def test_equal_maps_score_1_and_disjoint_maps_0(metric, pair):
    truth = pair[1]
    if (truth > 0).any():
        assert set(metric(np.maximum(truth, 0), truth).columns().values()) == {1}
        disjoint = metric((truth == 0).astype(np.int32), truth).columns()
        disjoint.pop("segmentation_quality", None)
        assert set(disjoint.values()) == {0}


@pytest.mark.parametrize("metric", METRICS[:2])
@given(pair=FULL_INSTANCE_PAIRS)
def test_symmetric_and_blind_to_numbers(metric, pair):
    predicted, truth = pair
    figures = metric(predicted, truth).columns()
    assert metric(truth, predicted).columns() == pytest.approx(figures, nan_ok=True)
    other_ids = np.array([0, 70000, 3, 0, 0, 0, 0, 12], np.int32)
    assert metric(other_ids[predicted], truth).columns() == pytest.approx(figures, nan_ok=True)


@pytest.mark.parametrize("metric", METRICS)
@given(pair=INSTANCE_PAIRS)
def test_what_lies_wholly_on_unannotated_ground_changes_nothing(metric, pair):
    predicted, truth = pair
    inside = np.where(truth == NOT_ANNOTATED, 0, predicted).astype(np.int32)
    painted = np.where(truth == NOT_ANNOTATED, 9, inside).astype(np.int32)
    assert metric(painted, truth) == metric(inside, truth)


def test_an_object_mostly_on_unannotated_ground_costs_nothing():
    truth = np.array([[-1, -1, -1, 0, 1, 1]])
    mostly = np.array([[5, 5, 5, 5, 1, 1]])
    assert AveragePrecision()(mostly, truth).mean == 1
    assert PanopticQuality()(mostly, truth).panoptic == 1
    assert AggregatedJaccard()(mostly, truth) == AggregatedJaccardScore(2, 2, 2, 2)
    half = np.array([[0, 0, 5, 5, 1, 1]])
    assert PanopticQuality()(half, truth).false_positives == 1
    assert AggregatedJaccard()(half, truth).union == 3


def test_images_pool_by_their_objects_and_pixels():
    pooled = PanopticScore.pool([PanopticScore(8, 0, 0, 8.0), PanopticScore(0, 1, 1, 0.0)])
    assert (pooled["panoptic_quality"], pooled["segmentation_quality"]) == (8 / 9, 1)
    one = AveragePrecisionScore((0.5, 0.9), (8, 4), (0, 4), (0, 4))
    other = AveragePrecisionScore((0.5, 0.9), (0, 0), (1, 1), (1, 1))
    pooled = AveragePrecisionScore.pool([one, other])
    assert (pooled["average_precision_50"], pooled["average_precision_90"]) == (0.8, 4 / 14)
    pooled = AggregatedJaccardScore.pool([AggregatedJaccardScore(1, 2, 1, 4), AggregatedJaccardScore(0, 2, 0, 0)])
    assert pooled == {"aggregated_jaccard": 0.25, "aggregated_jaccard_plus": 0.25}


@pytest.mark.parametrize("thresholds", [(), (0.4,), (0.5, 1.0), (0.7, 0.6), (0.5, 0.5), (float("nan"),)])
def test_thresholds_must_make_matches_unique(thresholds):
    with pytest.raises(SettingsError, match=r"thresholds .*0\.5.*ascending"):
        AveragePrecision(thresholds)
