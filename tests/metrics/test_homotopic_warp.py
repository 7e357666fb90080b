import numpy as np
import pytest
from hypothesis import given

from reference.best_warp import best_warp_error
from reference.homotopic_warp import keeps_components, num_components, warp_by_counting
from reference.metric_maps import CLASS_PAIRS
from unseam.metrics.homotopic_warp import simple_patterns, warp


def everywhere(image: np.ndarray) -> np.ndarray:
    return np.ones(image.shape, bool)


@pytest.mark.parametrize("middle", [False, True])
def test_table_is_what_counting_components_says(middle):
    ring = [(1, 2), (0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]
    for pattern in range(256):
        image = np.zeros((3, 3), bool)
        for bit, place in enumerate(ring):
            image[place] = pattern >> bit & 1
        image[1, 1] = middle
        assert simple_patterns()[pattern] == keeps_components(image, 1, 1), f"{pattern:08b}"


@given(CLASS_PAIRS)
def test_warp_is_that_of_counting_everything_before_and_after_each_flip(pair):
    start, goal = pair[0] == 1, pair[1] == 1
    may_flip = pair[1] != 2
    np.testing.assert_array_equal(warp(start, goal, may_flip), warp_by_counting(start, goal, may_flip))


@given(CLASS_PAIRS)
def test_warped_has_the_components_and_holes_of_the_start(pair):
    start, goal = pair[0] == 1, pair[1] == 1
    assert num_components(warp(start, goal, everywhere(start))) == num_components(start)


@given(CLASS_PAIRS)
def test_no_further_flip_is_left(pair):
    start, goal = pair[0] == 1, pair[1] == 1
    warped = warp(start, goal, everywhere(start))
    for row, column in np.argwhere(warped != goal):
        assert not keeps_components(warped, row, column)
    assert (warped != goal).sum() <= (start != goal).sum()


def test_a_large_map_keeps_its_components_too():
    rng = np.random.default_rng(3)
    start, goal = rng.random((2, 60, 70)) < 0.6
    warped = warp(start, goal, everywhere(start))
    assert num_components(warped) == num_components(start)
    assert (warped != goal).sum() < (start != goal).sum() / 2


def test_what_may_not_flip_stays():
    start, goal = np.array([[True, False, False]]), np.array([[True, True, True]])
    assert warp(start, goal, np.array([[True, False, True]])).tolist() == [[True, False, False]]


def test_a_cell_shrinks_to_its_last_pixel_and_no_further():
    start = np.zeros((9, 9), bool)
    start[2:7, 1:8] = True
    assert warp(start, np.zeros((9, 9), bool), everywhere(start)).sum() == 1


def test_no_map_comes_nearer_than_the_nearest_of_all_warpings():
    """What is called the nearest is a lower bound; on noise in tiny maps, the worst case, a third of ours reach it."""
    rng = np.random.default_rng(0)
    found, nearest = [], []
    for _ in range(12):
        start, goal = rng.random((2, 3, 3)) < 0.6
        found.append(int((warp(start, goal, everywhere(start)) != goal).sum()))
        nearest.append(best_warp_error(start, goal))
    assert all(ours >= best for ours, best in zip(found, nearest, strict=True))
    assert sum(ours == best for ours, best in zip(found, nearest, strict=True)) == 4
