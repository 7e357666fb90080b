import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.metric_maps import FULL_INSTANCE_PAIRS, INSTANCE_PAIRS
from reference.objects_by_sets import matches_by_sets
from unseam.errors import SettingsError
from unseam.metrics import ObjectScore, ObjectScores
from unseam.shapes import NOT_ANNOTATED

THRESHOLDS = st.sampled_from([Fraction(1, 2), Fraction(7, 10), Fraction(3, 4), Fraction(19, 20)])


def test_by_hand():
    truth = np.array([[1, 1, 1, 0, 2, 2, 0, 3]])
    predicted = np.array([[5, 5, 0, 0, 6, 0, 7, 0]])
    # 1-5: 2/3 found; 2-6: 1/2 is not above a half; 7 made up; 3 missed
    score = ObjectScores()(predicted, truth)
    assert score == ObjectScore(true_positives=1, false_positives=2, false_negatives=2, iou_sum=2 / 3)
    assert score.precision == score.recall == score.f1 == 1 / 3
    assert score.mean_matched_iou == 2 / 3


def test_a_higher_threshold_is_stricter():
    truth, predicted = np.array([[1, 1, 1, 1]]), np.array([[1, 1, 1, 0]])
    assert ObjectScores(0.74)(predicted, truth).true_positives == 1
    assert ObjectScores(0.75)(predicted, truth).true_positives == 0


def test_empty_maps():
    empty, one = np.zeros((2, 2), np.int32), np.ones((2, 2), np.int32)
    neither = ObjectScores()(empty, empty)
    assert all(math.isnan(value) for value in (neither.precision, neither.recall, neither.f1, neither.mean_matched_iou))
    made_up = ObjectScores()(one, empty)
    assert (made_up.precision, made_up.f1) == (0, 0)
    assert math.isnan(made_up.recall)
    missed = ObjectScores()(empty, one)
    assert (missed.recall, missed.f1) == (0, 0)
    assert math.isnan(missed.precision)


@given(INSTANCE_PAIRS, THRESHOLDS)
def test_against_sets_of_pixels(pair, threshold):
    score = ObjectScores(float(threshold))(*pair)
    found, made_up, missed, iou_sum = matches_by_sets(*pair, threshold)
    assert (score.true_positives, score.false_positives, score.false_negatives) == (found, made_up, missed)
    assert score.iou_sum == pytest.approx(float(iou_sum))


@given(INSTANCE_PAIRS)
def test_equal_maps_score_1_and_disjoint_maps_0(pair):
    truth = pair[1]
    if (truth > 0).any():
        assert ObjectScores()(np.maximum(truth, 0), truth).f1 == 1
        assert ObjectScores()((truth == 0).astype(np.int32), truth).f1 == 0


@given(FULL_INSTANCE_PAIRS)
def test_swapping_the_maps_swaps_precision_and_recall(pair):
    predicted, truth = pair
    one, other = ObjectScores()(predicted, truth), ObjectScores()(truth, predicted)
    assert one.true_positives == other.true_positives
    assert one.false_positives == other.false_negatives
    assert one.false_negatives == other.false_positives


@given(INSTANCE_PAIRS)
def test_renumbering_changes_nothing(pair):
    predicted, truth = pair
    other_ids = np.array([0, 70000, 3, 0, 0, 0, 0, 12], np.int32)
    counts = ObjectScores()(predicted, truth).columns()
    assert ObjectScores()(other_ids[predicted], truth).columns() == pytest.approx(counts, nan_ok=True)


@given(INSTANCE_PAIRS)
def test_what_lies_wholly_on_unannotated_ground_changes_nothing(pair):
    predicted, truth = pair
    inside = np.where(truth == NOT_ANNOTATED, 0, predicted).astype(np.int32)
    painted = np.where(truth == NOT_ANNOTATED, 9, inside).astype(np.int32)
    counts = ObjectScores()(inside, truth).columns()
    assert ObjectScores()(painted, truth).columns() == pytest.approx(counts, nan_ok=True)


def test_an_object_mostly_on_unannotated_ground_is_not_made_up():
    truth = np.array([[-1, -1, -1, -1, 0, 0, 1, 1]])
    for mostly, expected in (([5, 5, 5, 5, 5, 0, 1, 1], 0), ([0, 0, 0, 5, 5, 0, 1, 1], 1)):
        score = ObjectScores()(np.array([mostly]), truth)
        assert (score.true_positives, score.false_positives, score.false_negatives) == (1, expected, 0)
    match = ObjectScores()(np.array([[1, 1, 1, 1, 0, 0, 1, 1]]), truth)
    assert (match.true_positives, match.false_positives) == (1, 0)


def test_images_pool_by_their_objects():
    pooled = ObjectScore.pool([ObjectScore(8, 0, 0, 8.0), ObjectScore(0, 1, 1, 0.0)])
    assert pooled["f1"] == 16 / 18
    assert pooled["mean_matched_iou"] == 1
    assert pooled["true_positives"] == 8


@pytest.mark.parametrize("threshold", [0.49, 1.0, float("nan")])
def test_threshold_must_make_matches_unique(threshold):
    with pytest.raises(SettingsError, match=r"threshold is .*0\.5.* 1"):
        ObjectScores(threshold)
