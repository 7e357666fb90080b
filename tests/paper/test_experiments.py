"""Section 4: the mean over seven rotated versions, and the measures of the two challenges on arrays worked by hand."""

import numpy as np
import pytest

from unseam.inference.rotations import NUM_ROTATIONS, average_rotations
from unseam.metrics import SEG, Mistake, PixelError, RandError, WarpingError


def test_seven_rotated_versions():
    seen = []

    def engine(image: np.ndarray) -> np.ndarray:
        seen.append(image.shape)
        return np.stack([image[0], 1 - image[0]])

    average_rotations(engine, np.full((1, 30, 20), 0.5))
    assert len(seen) == NUM_ROTATIONS == 7


def test_the_mean_is_over_probabilities():
    """Seven answers, one of them sure and six undecided: the mean, and no vote."""
    answers = iter([1.0] + [0.5] * 6)

    def engine(image: np.ndarray) -> np.ndarray:
        p = np.full(image.shape[1:], next(answers))
        return np.stack([1 - p, p])

    result = average_rotations(engine, np.zeros((1, 9, 9)))
    np.testing.assert_allclose(result[1], (1 + 6 * 0.5) / 7, atol=1e-6)


def test_pixel_error_is_the_share_of_wrong_pixels():
    assert PixelError()(np.array([[0, 1, 1, 0]]), np.array([[0, 1, 0, 0]])).error == 0.25


def test_rand_error_counts_pairs_of_pixels():
    """Two cells of two px melt together: of six pairs that are together two should be, F = 2 * 2 / (2 + 6)."""
    merged, truth = np.array([[1, 1, 1, 1, 1]]), np.array([[1, 1, 0, 2, 2]])
    assert RandError()(merged, truth).error == pytest.approx(0.5)


def test_warping_error_forgives_a_moved_border_and_counts_a_gap():
    """A wall of three px; the prediction's lies half beside it, and one px of its five is missing."""
    truth, predicted = np.ones((2, 5, 9), np.uint8)
    truth[:, 3:6] = 0
    predicted[:, 5:7] = 0
    assert WarpingError()(predicted, truth).error == 0
    predicted[2, 5:7] = 1
    score = WarpingError()(predicted, truth)
    assert score.number_of(Mistake.MERGER) == len(score.mistakes) == 1
    assert score.error == score.split_merger_error == 1 / 45


def test_mean_iou_is_over_the_true_objects():
    """One of two cells found, with an IoU of 2 / 3; the other one missed."""
    predicted, truth = np.array([[5, 5, 0, 0, 0]]), np.array([[1, 1, 1, 2, 2]])
    assert SEG()(predicted, truth).seg == pytest.approx((2 / 3 + 0) / 2)
