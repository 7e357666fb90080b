import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from skimage.metrics import variation_of_information

from reference.metric_maps import CLASS_PAIRS, INSTANCE_PAIRS
from reference.v_scores_by_pixel import v_info_by_pixels
from unseam.errors import DataError, SettingsError
from unseam.metrics import BestOverThresholds, VInfo, VInfoScore, over_thresholds
from unseam.shapes import IGNORE

TWO_CELLS = np.array([[1, 1, 1, 0, 2, 2, 2]])


def test_by_hand():
    # one bit in the truth; the prediction cuts the second cell into 1 and 2 px of 3
    score = VInfo()(np.array([[5, 5, 5, 0, 6, 7, 7]]), TWO_CELLS)
    of_prediction = 1 / 2 + (1 / 6) * math.log2(6) + (1 / 3) * math.log2(3)
    assert score.merge == pytest.approx(1)
    assert score.split == pytest.approx(1 / of_prediction)
    assert score.score == pytest.approx(2 / (1 + of_prediction))


def test_thick_borders_cost_nothing_once_thinned():
    thick = np.array([[5, 5, 0, 0, 0, 6, 6]])
    assert VInfo()(thick, TWO_CELLS).score == pytest.approx(1)
    assert VInfo(is_thinned=False)(thick, TWO_CELLS).score < 0.9


@given(INSTANCE_PAIRS)
def test_against_every_pixel(pair):
    score = VInfo(is_thinned=False)(*pair)
    assert dataclasses.astuple(score)[:3] == pytest.approx(v_info_by_pixels(*pair), abs=1e-9)


@given(INSTANCE_PAIRS)
def test_against_scikit_image(pair):
    """Its variation of information is what either map leaves unknown of the other: H(S | T) and H(T | S)."""
    predicted, truth = pair
    inside = truth > 0
    segments = np.where(predicted == 0, 100 + np.arange(predicted.size).reshape(predicted.shape), predicted)[inside]
    if not inside.any():
        return
    score = VInfo(is_thinned=False)(predicted, truth)
    split_and_merge = variation_of_information(truth[inside], segments)
    expected = (score.entropy_of_prediction - score.mutual, score.entropy_of_truth - score.mutual)
    assert expected == pytest.approx(tuple(split_and_merge), abs=1e-9)


@given(INSTANCE_PAIRS)
def test_equal_maps_score_1(pair):
    truth = pair[1]
    score = VInfo()(np.maximum(truth, 0), truth).score
    assert score == pytest.approx(1) or (math.isnan(score) and not (truth > 0).any())


@given(CLASS_PAIRS)
def test_unannotated_pixels_never_count(pair):
    predicted, truth = pair
    painted = np.where(truth == IGNORE, 1, predicted).astype(np.uint8)
    assert VInfo().from_class_maps(painted, truth) == VInfo().from_class_maps(predicted, truth)


def test_nothing_to_score_and_nothing_to_tell():
    assert math.isnan(VInfo()(np.array([[1, 1]]), np.array([[0, 0]])).score)
    assert VInfo()(np.array([[3, 3]]), np.array([[1, 1]])).score == 1


def test_best_threshold_opens_the_wall_and_images_weigh_alike():
    wall = np.array([[0.9, 0.9, 0.9, 0.3, 0.9, 0.9, 0.9]])
    found = over_thresholds(VInfo().from_class_maps, wall, (TWO_CELLS > 0).astype(np.uint8))
    assert (found.threshold, found.scores[0].score) == (0.3, 0)
    assert found.score.score == pytest.approx(1)
    assert BestOverThresholds.pool([found, found])["best_v_info"] == pytest.approx(1)
    pooled = VInfoScore.pool([VInfoScore(1.0, 1.0, 1.0, 10), VInfoScore(0.0, 1.0, 1.0, 1000)])
    assert pooled == {"v_info": 0.5, "v_info_split": 0.5, "v_info_merge": 0.5}


def test_refusals():
    with pytest.raises(SettingsError, match="cell_class is 255"):
        VInfo(cell_class=IGNORE)
    with pytest.raises(DataError, match="same size"):
        VInfo().from_class_maps(TWO_CELLS, TWO_CELLS[:, 1:])
