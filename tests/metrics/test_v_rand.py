import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given
from skimage.metrics import adapted_rand_error

from reference.metric_maps import CLASS_PAIRS, FULL_INSTANCE_PAIRS, INSTANCE_PAIRS
from reference.v_scores_by_pixel import v_rand_by_pairs
from unseam.errors import DataError, LabelError, SettingsError
from unseam.metrics import BestOverThresholds, RandError, VRand, VRandScore, over_thresholds
from unseam.shapes import IGNORE, NOT_ANNOTATED

TWO_CELLS = np.array([[1, 1, 1, 0, 2, 2, 2]])


def test_by_hand():
    # 6 px of truth, 3 and 3: 9 + 9; the prediction has 2 and 3 and one px of border: 4 + 9 + 1
    score = VRand(is_thinned=False)(np.array([[5, 5, 0, 0, 6, 6, 6]]), TWO_CELLS)
    assert dataclasses.astuple(score) == (14, 18, 14)
    assert (score.split, score.merge, score.score) == (14 / 18, 1, 28 / 32)


def test_thick_borders_cost_nothing_once_thinned():
    thick = np.array([[5, 5, 0, 0, 0, 6, 6]])
    assert VRand()(thick, TWO_CELLS).score == 1
    assert VRand(is_thinned=False)(thick, TWO_CELLS).score < 0.9


@given(INSTANCE_PAIRS)
def test_against_every_pair_of_pixels(pair):
    assert dataclasses.asdict(VRand(is_thinned=False)(*pair)) == v_rand_by_pairs(*pair)


@given(FULL_INSTANCE_PAIRS)
def test_without_a_pixels_pair_with_itself_it_is_the_error_of_scikit_image(pair):
    predicted, truth = pair
    score = VRand(is_thinned=False)(predicted, truth)
    inside = int((truth > 0).sum())
    assume(score.together_in_truth > inside and score.together_in_prediction > inside)
    numbered = np.where(predicted == 0, 100 + np.arange(predicted.size).reshape(predicted.shape), predicted)
    error, _, _ = adapted_rand_error(truth, numbered, ignore_labels=(0,))
    both, in_truth, in_prediction = (count - inside for count in dataclasses.astuple(score))
    assert 2 * both / (in_truth + in_prediction) == pytest.approx(1 - error)
    assert RandError()(predicted, truth).error == pytest.approx(error)


@given(INSTANCE_PAIRS)
def test_equal_maps_score_1(pair):
    truth = pair[1]
    score = VRand()(np.maximum(truth, 0), truth).score
    assert score == 1 or (math.isnan(score) and not (truth > 0).any())


@pytest.mark.parametrize("is_thinned", [True, False])
@given(CLASS_PAIRS)
def test_unannotated_pixels_never_count(is_thinned, pair):
    predicted, truth = pair
    painted = np.where(truth == IGNORE, 1, predicted).astype(np.uint8)
    metric = VRand(is_thinned=is_thinned)
    assert metric.from_class_maps(painted, truth) == metric.from_class_maps(predicted, truth)


@given(INSTANCE_PAIRS)
def test_unlabelled_pixels_never_count(pair):
    predicted, truth = pair
    score = VRand()(predicted, truth)
    assert score.together_in_truth == sum(int((truth == k).sum()) ** 2 for k in np.unique(truth[truth > 0]))
    hidden = np.where(truth == NOT_ANNOTATED, 0, predicted).astype(np.int32)
    unthinned = VRand(is_thinned=False)
    assert unthinned(hidden, truth) == unthinned(predicted, truth)


def test_nothing_to_score():
    assert math.isnan(VRand()(np.array([[1, 1]]), np.array([[0, 0]])).score)


def test_best_threshold_opens_the_wall_and_sections_are_added_up():
    wall = np.array([[0.9, 0.9, 0.9, 0.3, 0.9, 0.9, 0.9]])
    found = over_thresholds(VRand().from_class_maps, wall, (TWO_CELLS > 0).astype(np.uint8))
    assert (found.threshold, found.score.score) == (0.3, 1)
    assert found.scores[0].score == pytest.approx(2 * 18 / (18 + 36))
    assert BestOverThresholds.pool([found, found])["best_v_rand"] == 1
    assert VRandScore.pool([VRandScore(1, 2, 3), VRandScore(9, 8, 7)])["v_rand"] == 20 / 20


def test_refusals():
    with pytest.raises(SettingsError, match="cell_class is -1"):
        VRand(cell_class=-1)
    with pytest.raises(DataError, match="same size"):
        VRand()(TWO_CELLS, TWO_CELLS[:, 1:])
    with pytest.raises(LabelError, match=r"predicted instance map .* -1"):
        VRand()(TWO_CELLS - 1, TWO_CELLS)
    with pytest.raises(LabelError, match="instance maps"):
        VRand().from_class_maps(TWO_CELLS * 200, TWO_CELLS)
