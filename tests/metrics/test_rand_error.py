import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given
from skimage.metrics import adapted_rand_error

from reference.metric_maps import CLASS_PAIRS, FULL_INSTANCE_PAIRS, INSTANCE_PAIRS
from reference.rand_by_pairs import rand_by_pairs
from unseam.errors import DataError, SettingsError
from unseam.metrics import BestOverThresholds, Contingency, RandError, RandScore, over_thresholds
from unseam.shapes import IGNORE, NOT_ANNOTATED

TWO_CELLS = np.array([[1, 1, 0, 2, 2, 2]])


def test_merger_by_hand():
    score = RandError()(np.array([[4, 4, 4, 4, 4, 4]]), TWO_CELLS)
    # within the 5 px of the truth's foreground: 1 + 3 pairs belong together, 10 are joined
    assert (score.num_together_in_both, score.num_together_in_truth, score.num_together_in_prediction) == (4, 4, 10)
    assert score.precision == 0.4
    assert score.recall == 1
    assert score.error == pytest.approx(1 - 8 / 14)


def test_split_by_hand():
    score = RandError()(np.array([[1, 2, 0, 3, 3, 4]]), TWO_CELLS)
    assert (score.num_together_in_both, score.num_together_in_truth, score.num_together_in_prediction) == (1, 4, 1)
    assert score.precision == 1
    assert score.recall == 0.25


def test_predicted_background_joins_nothing():
    score = RandError()(np.array([[0, 0, 0, 0, 0, 0]]), TWO_CELLS)
    assert score.error == 1
    assert score.num_together_in_prediction == 0
    assert math.isnan(score.precision)


def test_index_error_by_hand():
    # truth {a b}{c}, prediction {a}{b c}: of 3 pairs ab and bc disagree, ac does not
    assert RandError()(np.array([[0, 5, 5]]), np.array([[1, 1, 0]])).index_error == 2 / 3


def test_no_cell_in_the_truth_is_nothing_to_score():
    score = RandError()(np.array([[1, 1]]), np.array([[0, 0]]))
    assert math.isnan(score.error)
    assert score.index_error == 0


def test_nothing_annotated_is_nothing_to_score():
    score = RandError()(np.array([[1, 1]]), np.array([[-1, -1]]))
    assert math.isnan(score.error)
    assert math.isnan(score.index_error)


@given(INSTANCE_PAIRS)
def test_against_every_pair_of_pixels(pair):
    assert dataclasses.asdict(RandError()(*pair)) == rand_by_pairs(*pair)


@given(INSTANCE_PAIRS)
def test_against_scikit_image(pair):
    """scikit-image takes predicted background for one object; with an id a pixel it means what the challenge meant."""
    predicted, truth = pair
    score = RandError()(predicted, truth)
    assume(score.num_together_in_truth > 0 and score.num_together_in_prediction > 0)
    lone = predicted == 0
    numbered = predicted.copy()
    numbered[lone] = 100 + np.arange(lone.sum())
    error, _, _ = adapted_rand_error(np.maximum(truth, 0), numbered, ignore_labels=(0,))
    assert score.error == pytest.approx(error)


@given(INSTANCE_PAIRS)
def test_renumbering_changes_nothing(pair):
    predicted, truth = pair
    other_ids = np.array([0, 70000, 3, 0, 0, 0, 0, 12], np.int32)
    other_truth = np.where(truth > 0, 60000 - truth, truth).astype(np.int32)
    assert RandError()(other_ids[predicted], other_truth) == RandError()(predicted, truth)


@given(FULL_INSTANCE_PAIRS)
def test_index_error_is_symmetric(pair):
    predicted, truth = pair
    assert RandError()(predicted, truth).num_disagreeing == RandError()(truth, predicted).num_disagreeing


@given(INSTANCE_PAIRS)
def test_equal_maps_score_0(pair):
    truth = pair[1]
    score = RandError()(np.maximum(truth, 0), truth)
    assert score.num_disagreeing == 0
    assert score.error == 0 or (math.isnan(score.error) and score.num_together_in_truth == 0)


@given(INSTANCE_PAIRS)
def test_unannotated_pixels_never_count(pair):
    predicted, truth = pair
    painted = np.where(truth == NOT_ANNOTATED, 9, predicted).astype(np.int32)
    assert RandError()(painted, truth) == RandError()(predicted, truth)


def test_cells_are_four_connected_components():
    diagonal_membrane = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]], np.uint8)
    score = RandError().from_class_maps(np.ones((3, 3), np.uint8), diagonal_membrane)
    assert score.num_together_in_truth == 3 + 3
    assert score.num_together_in_prediction == 15


def test_components_of_another_class():
    membrane_is_1 = np.array([[0, 0, 1, 0, 0]], np.uint8)
    assert RandError(cell_class=0).from_class_maps(membrane_is_1, membrane_is_1).num_together_in_truth == 2
    assert RandError(cell_class=1).from_class_maps(membrane_is_1, membrane_is_1).num_together_in_truth == 0


def test_unannotated_pixels_cut_both_maps_alike():
    truth = np.array([[1, 1, 255, 1, 1]], np.uint8)
    assert RandError().from_class_maps(np.ones((1, 5), np.uint8), truth).error == 0


@given(CLASS_PAIRS)
def test_class_maps_equal_score_0_and_unannotated_never_counts(pair):
    predicted, truth = pair
    score = RandError().from_class_maps(truth, truth)
    assert score.num_disagreeing == 0
    painted = np.where(truth == IGNORE, 1, predicted).astype(np.uint8)
    assert RandError().from_class_maps(painted, truth) == RandError().from_class_maps(predicted, truth)


def test_pairs_of_a_huge_image_do_not_overflow():
    side = 200_000
    one = np.array([1], np.int64)
    score = RandError().from_contingency(Contingency(one, one, np.array([side * side], np.int64)))
    assert score.num_pairs == side * side * (side * side - 1) // 2
    assert score.error == 0


def test_images_are_averaged():
    good, bad = RandScore(4, 4, 4, 0, 10), RandScore(0, 4, 4, 5, 10)
    empty = RandScore(0, 0, 0, 0, 1)
    pooled = RandScore.pool([good, bad, empty])
    assert pooled["rand_error"] == 0.5
    assert pooled["rand_index_error"] == pytest.approx((0 + 0.5 + 0) / 3)


def test_refusals():
    with pytest.raises(SettingsError, match=r"cell_class is 255.*0\.\.254"):
        RandError(cell_class=IGNORE)
    with pytest.raises(DataError, match="same size"):
        RandError().from_class_maps(np.zeros((2, 3), np.uint8), np.zeros((2, 2), np.uint8))


SECTION = np.array([[1, 1, 1, 0, 1, 1, 1]], np.uint8)
WEAK_WALL = np.array([[0.9, 0.9, 0.9, 0.3, 0.9, 0.9, 0.9]])
WEAK_CELL = np.array([[0.9, 0.25, 0.9, 0.05, 0.9, 0.9, 0.9]])


def test_best_threshold_opens_the_wall():
    found = over_thresholds(RandError().from_class_maps, WEAK_WALL, SECTION)
    assert (found.threshold, found.score.error) == (0.3, 0)
    # below it the two cells of 3 px are one of 6 px in the cells' own 6 px: 3 + 3 pairs of 15
    assert found.scores[0].error == pytest.approx(1 - 2 * 6 / (6 + 15))


def test_challenge_adds_up_the_pairs_of_all_sections_at_one_threshold():
    """One section is best from 0.3 on, the other below: one threshold has to do for both."""
    first, second = (over_thresholds(RandError().from_class_maps, section, SECTION) for section in (WEAK_WALL, WEAK_CELL))
    assert (first.threshold, second.threshold) == (0.3, 0.1)
    assert first.score.error == second.score.error == 0
    pooled = BestOverThresholds.pool([first, second])
    # 6 + 6 pairs in the truth; at 0.3 the first has all six, the second three; at 0.1 they have 6 of 15, and 6
    assert pooled["best_rand_error_threshold"] == 0.3
    assert pooled["best_rand_error"] == pytest.approx(1 - 2 * (6 + 3) / (12 + 6 + 3))
