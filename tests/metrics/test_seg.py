import math

import numpy as np
import pytest
from hypothesis import given

from reference.metric_maps import INSTANCE_PAIRS
from reference.objects_by_sets import seg_by_sets
from unseam.metrics import SEG, SEGScore
from unseam.shapes import NOT_ANNOTATED


def test_by_hand():
    truth = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [2, 2, 0, 3]])
    predicted = np.array([[6, 6, 6, 6], [0, 0, 0, 0], [7, 0, 8, 8]])
    # 1: 3 of 4 px in an object of 4: 3/5; 2: 1 of 2 px is not more than half; 3: 1 of 1 px in an object of 2: 1/2
    score = SEG()(predicted, truth)
    assert (score.num_matched, score.num_objects) == (2, 3)
    assert score.seg == pytest.approx((3 / 5 + 0 + 1 / 2) / 3)


def test_made_up_objects_cost_nothing():
    truth = np.array([[1, 0, 0, 0]])
    assert SEG()(np.array([[1, 0, 2, 3]]), truth).seg == 1


def test_one_object_over_two_is_a_match_for_both():
    assert SEG()(np.array([[5, 5, 5, 5]]), np.array([[1, 1, 2, 2]])) == SEGScore(1.0, 2, 2)


@pytest.mark.parametrize("truth", [np.zeros((2, 2), np.int32), np.full((2, 2), NOT_ANNOTATED, np.int32)])
def test_no_true_object_is_nothing_to_score(truth):
    assert math.isnan(SEG()(np.ones((2, 2), np.int32), truth).seg)


def test_nothing_predicted_scores_0():
    assert SEG()(np.zeros((1, 2), np.int32), np.array([[1, 2]], np.int32)).seg == 0


@given(INSTANCE_PAIRS)
def test_against_sets_of_pixels(pair):
    jaccards = seg_by_sets(*pair)
    score = SEG()(*pair)
    assert score.num_objects == len(jaccards)
    assert score.num_matched == sum(jaccard > 0 for jaccard in jaccards)
    assert score.jaccard_sum == pytest.approx(float(sum(jaccards)))


@given(INSTANCE_PAIRS)
def test_equal_maps_score_1_and_disjoint_maps_0(pair):
    truth = pair[1]
    if (truth > 0).any():
        assert SEG()(np.maximum(truth, 0), truth).seg == 1
        assert SEG()((truth == 0).astype(np.int32), truth).seg == 0


@given(INSTANCE_PAIRS)
def test_renumbering_changes_nothing(pair):
    predicted, truth = pair
    other_ids = np.array([0, 70000, 3, 0, 0, 0, 0, 12], np.int32)
    other_truth = np.where(truth > 0, 60000 - truth, truth).astype(np.int32)
    renumbered, score = SEG()(other_ids[predicted], other_truth), SEG()(predicted, truth)
    assert (renumbered.num_matched, renumbered.num_objects) == (score.num_matched, score.num_objects)
    assert renumbered.jaccard_sum == pytest.approx(score.jaccard_sum)


@given(INSTANCE_PAIRS)
def test_unannotated_pixels_never_count(pair):
    predicted, truth = pair
    painted = np.where(truth == NOT_ANNOTATED, 9, predicted).astype(np.int32)
    assert SEG()(painted, truth) == SEG()(predicted, truth)


def test_images_pool_by_their_objects():
    assert SEGScore.pool([SEGScore(9.0, 9, 9), SEGScore(0.0, 0, 1)]) == {"seg": 0.9}
