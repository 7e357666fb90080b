import math

import numpy as np
import pytest
from hypothesis import given

from reference.det_by_sets import det_by_sets
from reference.metric_maps import INSTANCE_PAIRS
from unseam.errors import DataError, SettingsError
from unseam.metrics import DET, DETScore

MARKERS = np.array([[0, 1, 0, 0, 2, 0, 0, 3, 0]])


def test_each_mistake_by_hand():
    assert DET()(np.array([[4, 4, 4, 0, 5, 0, 6, 6, 6]]), MARKERS).det == 1
    joined = DET()(np.array([[4, 4, 4, 4, 4, 0, 6, 6, 6]]), MARKERS)
    assert (joined.num_splits, joined.cost, joined.det) == (1, 5, 1 - 5 / 30)
    missed = DET()(np.array([[4, 4, 4, 0, 0, 0, 6, 6, 6]]), MARKERS)
    assert (missed.num_missed, missed.cost) == (1, 10)
    invented = DET()(np.array([[4, 4, 0, 9, 5, 0, 6, 6, 6]]), MARKERS)
    assert (invented.num_invented, invented.cost) == (1, 1)


def test_three_under_one_are_two_splits():
    assert DET()(np.ones((1, 9), int), MARKERS).num_splits == 2


def test_half_of_an_object_is_not_enough():
    assert DET()(np.array([[5, 0]]), np.array([[1, 1]])).num_missed == 1
    assert DET()(np.array([[5, 5, 0]]), np.array([[1, 1, 1]])).num_missed == 0


def test_never_below_0():
    crowd = np.arange(1, 26).reshape(1, 25)
    assert DET()(crowd, np.array([[1] * 2 + [0] * 23])).det == 0


@given(INSTANCE_PAIRS)
def test_against_sets_of_pixels(pair):
    score = DET()(*pair)
    assert (score.num_splits, score.num_missed, score.num_invented) == det_by_sets(*pair)


def test_an_unannotated_object_is_not_invented():
    truth = np.array([[1, 0, -1, -1, -1]])
    assert DET()(np.array([[4, 0, 9, 9, 9]]), truth).num_invented == 0
    assert DET()(np.array([[4, 9, 9, 9, 9]]), truth).num_invented == 0, "most of it is unannotated"
    assert DET()(np.array([[4, 9, 9, 0, 0]]), truth).num_invented == 1


def test_frames_are_added_up():
    assert DETScore.pool([DETScore(0, 1, 0, 10, 20), DETScore(0, 0, 0, 0, 80)]) == {"det": 0.9}


def test_nothing_to_detect():
    assert math.isnan(DET()(np.array([[1, 0]]), np.array([[0, 0]])).det)


def test_refusals():
    with pytest.raises(SettingsError, match=r"-1\.0.*negative.*5, 10, 1"):
        DET(cost_of_split=-1.0)
    with pytest.raises(SettingsError, match="cost_of_missed"):
        DET(cost_of_missed=0.0)
    with pytest.raises(DataError, match="same size"):
        DET()(MARKERS, MARKERS[:, 1:])
