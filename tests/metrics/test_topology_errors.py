import numpy as np
import pytest
from hypothesis import given

from reference.metric_maps import CLASS_PAIRS
from reference.topology_by_counting import mistakes_by_counting
from unseam.metrics.homotopic_warp import warp
from unseam.metrics.topology_errors import Mistake, topology_errors


@given(CLASS_PAIRS)
def test_each_patch_is_what_counting_everything_again_says(pair):
    """Of two maps that have nothing to do with each other, so that patches are large and do several things at once."""
    first, second = pair[0] == 1, pair[1] == 1
    found = sorted((error.mistake.value, error.size) for error in topology_errors(first, second))
    assert found == mistakes_by_counting(first, second)


@given(CLASS_PAIRS)
def test_after_a_warp_each_patch_is_in_its_place_and_none_is_a_moved_border_of_one_px(pair):
    truth, predicted = pair[0] == 1, pair[1] == 1
    warped = warp(truth, predicted, np.ones(truth.shape, bool))
    errors = topology_errors(warped, predicted)
    assert sum(error.size for error in errors) == (warped != predicted).sum()
    assert all(warped[error.row, error.column] != predicted[error.row, error.column] for error in errors)
    assert all(error.size > 1 for error in errors if error.mistake is Mistake.MOVED_BORDER)


BLOCK = np.pad(np.ones((5, 5), bool), 1)
RING = BLOCK.copy()
RING[3, 3] = False
WALL = BLOCK.copy()
WALL[:, 3] = False


@pytest.mark.parametrize(
    ("warped", "predicted", "mistake", "place", "size"),
    [
        (WALL, BLOCK, Mistake.MERGER, (3, 3), 5),
        (BLOCK, WALL, Mistake.SPLIT, (3, 3), 5),
        (np.zeros((7, 7), bool), BLOCK, Mistake.INVENTED_CELL, (3, 3), 25),
        (BLOCK, np.zeros((7, 7), bool), Mistake.LOST_CELL, (3, 3), 25),
        (BLOCK, RING, Mistake.INVENTED_HOLE, (3, 3), 1),
        (RING, BLOCK, Mistake.LOST_HOLE, (3, 3), 1),
    ],
)
def test_each_mistake_by_hand(warped, predicted, mistake, place, size):
    (error,) = topology_errors(warped, predicted)
    assert (error.mistake, (error.row, error.column), error.size) == (mistake, place, size)


def test_closing_a_gap_in_a_ring_from_outside_makes_a_hole():
    open_ring = RING.copy()
    open_ring[3, 4:] = False
    (error,) = topology_errors(open_ring, RING)
    assert (error.mistake, error.size) == (Mistake.INVENTED_HOLE, 2)


def test_a_missing_diagonal_membrane_is_one_merger():
    apart = ~np.eye(6, dtype=bool)
    (error,) = topology_errors(apart, np.ones((6, 6), bool))
    assert (error.mistake, error.size) == (Mistake.MERGER, 6)


def test_where_two_maps_agree_there_is_nothing():
    assert topology_errors(RING, RING) == ()
