"""Calibration error and threshold scan: by hand, and one pixel at a time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reference.outline_distances import calibration_by_pixel, dice_above
from unseam.errors import DataError, LabelError, SettingsError
from unseam.metrics import CalibrationError, CalibrationScore, ThresholdScan, ThresholdScanScore
from unseam.shapes import IGNORE


@st.composite
def scored(draw, num_classes=3):
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5))
    parts = draw(hnp.arrays(np.float64, (num_classes, *shape), elements=st.floats(0.01, 1)))
    truth = draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, IGNORE])))
    return (parts / parts.sum(axis=0)).astype(np.float32), truth


def two_classes(foreground: list[float]) -> np.ndarray:
    likelihood = np.array([foreground], np.float32)
    return np.stack([1 - likelihood, likelihood])


def test_calibration_by_hand():
    probabilities, truth = two_classes([0.75, 0.75, 0.75, 0.125, 0.25]), np.array([[1, 0, 1, 1, IGNORE]])
    # confidence 0.75 three times, right twice; 0.875 once, wrong
    score = CalibrationError(num_bins=4)(probabilities, truth)
    assert score == CalibrationScore((0, 0, 0, 4), (0.0, 0.0, 0.0, 3.125), (0, 0, 0, 2))
    assert score.error == 1.125 / 4
    assert score.curve == ((0.75, 1.0, 4, 3.125 / 4, 0.5),)


def test_a_bin_has_its_lower_end_and_the_last_one_both():
    score = CalibrationError(num_bins=2)(two_classes([0.5, 1.0]), np.array([[1, 1]]))
    assert score.num_pixels == (0, 2)


@given(scored())
def test_calibration_against_single_pixels(pair):
    assert CalibrationError(10)(*pair).error == pytest.approx(calibration_by_pixel(*pair, 10), nan_ok=True)


@given(scored())
def test_thresholds_against_single_pixels(pair):
    score = ThresholdScan()(*pair)
    assert [point.threshold for point in score.points] == [step / 100 for step in range(100)]
    for step in (0, 17, 50, 83, 99):
        assert score.points[step].dice == pytest.approx(dice_above(*pair, step), nan_ok=True)


@given(scored())
def test_the_best_is_that_of_all_points(pair):
    score = ThresholdScan()(*pair)
    best = max(score.points, key=lambda point: (point.dice, -round(abs(100 * point.threshold - 50))))
    assert score.best == best or not any(score.foreground)


def test_thresholds_by_hand():
    score = ThresholdScan()(two_classes([0.1, 0.3, 0.4, 0.9]), np.array([[0, 1, 1, IGNORE]]))
    assert score.points[0] == (0.0, 4 / 5, 2 / 3, 2 / 3, 1.0)
    assert score.points[35].dice == 2 / 3
    assert score.best[:2] == (0.3, 1.0)


def test_certain_probabilities():
    truth = np.array([[0, 1, 1]])
    assert CalibrationError()(two_classes([0, 1, 1]), truth).error == 0
    assert CalibrationError()(two_classes([1, 0, 0]), truth).error == 1
    assert ThresholdScan()(two_classes([0, 1, 1]), truth).best[:2] == (0.5, 1.0)


def test_nothing_to_score():
    unannotated = np.full((1, 2), IGNORE, np.uint8)
    assert math.isnan(CalibrationError()(two_classes([0.5, 0.7]), unannotated).error)
    assert all(math.isnan(value) for value in ThresholdScan()(two_classes([0.5, 0.7]), unannotated).columns().values())


def test_images_pool_by_their_pixels():
    sure, unsure = CalibrationScore((0, 30), (0.0, 30.0), (0, 30)), CalibrationScore((0, 10), (0.0, 8.0), (0, 4))
    assert CalibrationScore.pool([sure, unsure]) == {"calibration_error": pytest.approx(4 / 40)}
    pair = [two_classes([0.2, 0.6]), two_classes([0.7, 0.9])], [np.array([[0, 1]]), np.array([[0, 1]])]
    each = [ThresholdScan()(*one) for one in zip(*pair, strict=True)]
    whole = ThresholdScan()(np.concatenate(pair[0], axis=2), np.concatenate(pair[1], axis=1))
    assert ThresholdScanScore.together(each) == whole
    assert ThresholdScanScore.pool(each) == whole.columns()


@pytest.mark.parametrize("metric", [CalibrationError(), ThresholdScan()])
def test_refusals(metric):
    good = two_classes([0.5, 0.7])
    with pytest.raises(DataError, match="rows"):
        metric(good, np.array([[1]]))
    with pytest.raises(DataError, match="background"):
        metric(good[:1], np.array([[0, 1]]))
    with pytest.raises(DataError, match="logits or percentages"):
        metric(100 * good, np.array([[0, 1]]))
    with pytest.raises(DataError, match=r"0\.\.1"):
        metric(good * np.float32(np.nan), np.array([[0, 1]]))
    with pytest.raises(DataError, match="add up to 1"):
        metric(good / 2, np.array([[0, 1]]))
    with pytest.raises(LabelError, match=r"0 to 2.*0\.\.1"):
        metric(good, np.array([[0, 2]]))
    with pytest.raises(SettingsError, match="num_bins is 0"):
        CalibrationError(0)
