import math

import numpy as np
import pytest

from unseam.errors import DataError, SettingsError
from unseam.metrics import CHALLENGE_THRESHOLDS, BestOverThresholds, VRand, VRandScore, over_thresholds

TRUTH = np.array([[1, 0, 1]], np.uint8)


def test_thresholds_of_the_challenge():
    assert [round(10 * threshold) for threshold in CHALLENGE_THRESHOLDS] == list(range(10))


def test_a_pixel_is_cell_above_its_threshold_not_on_it():
    found = over_thresholds(VRand(is_thinned=False).from_class_maps, np.array([[0.5, 0.25, 0.5]]), TRUTH, (0.0, 0.25, 0.5))
    assert [score.together_in_both for score in found.scores] == [2, 2, 2]
    assert [score.together_in_prediction for score in found.scores] == [4, 2, 2]


def test_cells_of_class_0():
    found = over_thresholds(VRand(cell_class=0).from_class_maps, np.array([[1.0, 0.0, 1.0]]), 1 - TRUTH, (0.5,), cell_class=0)
    assert found.score.score == 1


def test_lowest_of_equal_thresholds_and_nan_is_never_best():
    nothing, good = VRandScore(0, 0, 0), VRandScore(1, 1, 1)
    assert BestOverThresholds((0.1, 0.2, 0.3), (nothing, good, good)).threshold == 0.2
    none = BestOverThresholds((0.1, 0.2), (nothing, nothing))
    assert none.threshold == 0.1
    assert math.isnan(none.columns()["best_v_rand"])


def test_columns_say_that_they_are_the_best_and_where():
    found = BestOverThresholds((0.4,), (VRandScore(1, 1, 1),))
    assert found.columns() == {
        "best_v_rand": 1,
        "best_v_rand_split": 1,
        "best_v_rand_merge": 1,
        "best_v_rand_threshold": 0.4,
    }


def test_refusals():
    score = VRand().from_class_maps
    with pytest.raises(SettingsError, match=r"thresholds are \(\).*one or more"):
        over_thresholds(score, np.zeros((1, 3)), TRUTH, ())
    with pytest.raises(SettingsError, match=r"thresholds are \(2.0,\)"):
        over_thresholds(score, np.zeros((1, 3)), TRUTH, (2.0,))
    for wrong in (1.5, -0.1, math.nan):
        with pytest.raises(DataError, match="0 to 1"):
            over_thresholds(score, np.full((1, 3), wrong), TRUTH)
    with pytest.raises(DataError, match="same size"):
        over_thresholds(score, np.zeros((1, 4)), TRUTH)
    with pytest.raises(SettingsError, match="different thresholds"):
        BestOverThresholds.pool([BestOverThresholds((t,), (VRandScore(1, 1, 1),)) for t in (0.1, 0.2)])
