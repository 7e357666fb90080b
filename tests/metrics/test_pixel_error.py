import math

import numpy as np
from hypothesis import given

from reference.metric_maps import CLASS_PAIRS, FULL_CLASS_PAIRS
from unseam.metrics import PixelError, PixelScore
from unseam.shapes import IGNORE


def test_by_hand():
    predicted = np.array([[0, 1, 2], [1, 1, 0]], np.uint8)
    truth = np.array([[0, 1, 1], [255, 0, 0]], np.uint8)
    assert PixelError()(predicted, truth) == PixelScore(num_wrong=2, num_pixels=5)
    assert PixelError()(predicted, truth).error == 0.4


def test_no_class_in_the_prediction_is_wrong():
    assert PixelError()(np.full((2, 2), IGNORE, np.uint8), np.zeros((2, 2), np.uint8)).error == 1


def test_nothing_annotated_is_nothing_to_score():
    assert math.isnan(PixelError()(np.zeros((2, 2), np.uint8), np.full((2, 2), IGNORE, np.uint8)).error)


@given(CLASS_PAIRS)
def test_equal_maps_score_0_and_disjoint_maps_1(pair):
    predicted, truth = pair
    if (truth != IGNORE).any():
        assert PixelError()(truth, truth).error == 0
        elsewhere = np.where(truth == IGNORE, predicted, (truth + 1) % 3).astype(np.uint8)
        assert PixelError()(elsewhere, truth).error == 1


@given(FULL_CLASS_PAIRS)
def test_symmetric(pair):
    predicted, truth = pair
    assert PixelError()(predicted, truth) == PixelError()(truth, predicted)


@given(FULL_CLASS_PAIRS)
def test_is_the_squared_distance_of_two_binary_maps(pair):
    predicted, truth = ((array > 0).astype(np.uint8) for array in pair)
    distance = ((predicted.astype(float) - truth) ** 2).mean()
    assert math.isclose(PixelError()(predicted, truth).error, distance)


def test_images_pool_by_their_pixels():
    assert PixelScore.pool([PixelScore(1, 10), PixelScore(0, 90)]) == {"pixel_error": 0.01}
