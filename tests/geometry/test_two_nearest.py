import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reference.weight_map import object_distances
from unseam.geometry import two_nearest as module
from unseam.geometry.two_nearest import two_nearest


def assert_exact(objects: np.ndarray, reach: float) -> None:
    """Every promise of TwoNearest, against one distance transform an object."""
    near = two_nearest(objects.astype(np.int32), reach)
    each = object_distances(objects)
    each = np.concatenate([each, np.full((2, *objects.shape), np.inf)])
    d1, d2 = np.sort(each, axis=0)[:2]
    first, second = np.sqrt(near.first, dtype=float), np.sqrt(near.second, dtype=float)
    is_object, within = objects > 0, d1 + d2 <= reach
    np.testing.assert_array_equal(first[~is_object & within], d1[~is_object & within])
    np.testing.assert_array_equal(second[~is_object & within], d2[~is_object & within])
    beyond = ~is_object & ~within
    assert (first[beyond] + second[beyond] > reach).all()
    assert (first[is_object] == 0).all()
    assert (second[is_object] == 0).all()
    numbers = np.append(np.unique(objects[is_object]), [0, 0])
    sure = d1 <= reach / 2
    np.testing.assert_array_equal(near.nearest[sure], numbers[np.argmin(each, axis=0)][sure])


@settings(max_examples=120)
@given(
    arrays.arrays(np.int32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.integers(0, 4)),
    st.floats(0, 30),
)
def test_small_maps_match_one_transform_an_object(objects, reach):
    assert_exact(objects, reach)


@pytest.mark.parametrize("share", [0.002, 0.02, 0.3, 0.9])
@pytest.mark.parametrize("reach", [1, 3.9, 31.9, 150.3])
def test_random_maps_match_one_transform_an_object(rng, share, reach):
    for _ in range(4):
        shape = rng.integers(40, 100, 2)
        assert_exact(rng.integers(1, 7, shape) * (rng.random(shape) < share), reach)


@pytest.mark.parametrize("shape", [(1, 1), (1, 80), (80, 1), (2, 3), (130, 20), (20, 600)])
def test_odd_shapes(rng, shape):
    assert_exact(rng.integers(1, 5, shape) * (rng.random(shape) < 0.05), 25.0)


def test_large_numbers_take_the_wide_words_and_agree(rng):
    objects = rng.integers(1, 9, (70, 90)) * (rng.random((70, 90)) < 0.02)
    narrow = two_nearest(objects.astype(np.int32), 31.9)
    wide = two_nearest((objects * 200_000_000).astype(np.int32), 31.9)
    assert (narrow.first.dtype, wide.first.dtype) == (np.uint16, np.uint32)
    within = np.sqrt(narrow.first, dtype=float) + np.sqrt(narrow.second, dtype=float) <= 31.9
    np.testing.assert_array_equal(narrow.first[within], wide.first[within])
    np.testing.assert_array_equal(narrow.second[within], wide.second[within])
    np.testing.assert_array_equal(narrow.nearest[within].astype(int) * 200_000_000, wide.nearest[within])


def test_last_number_of_the_narrow_words_and_first_of_the_wide_ones():
    for largest in (32_765, 32_766, 32_767, 32_768):
        assert_exact(np.array([[1, 0, 0, largest, 0, 0, 2]]), 20.0)


def test_long_reach_in_a_small_map(rng):
    """The reach of sigma = 1000 px leaves a 60 px map with all distances exact, and costs no more than the map."""
    assert_exact(rng.integers(1, 4, (60, 45)) * (rng.random((60, 45)) < 0.004), 6_000.0)


def test_blocks_do_not_show(rng, monkeypatch):
    objects = (rng.integers(1, 30, (100, 110)) * (rng.random((100, 110)) < 0.01)).astype(np.int32)
    whole = two_nearest(objects, 31.9)
    monkeypatch.setattr(module, "BLOCK_HEIGHT", 17)
    monkeypatch.setattr(module, "BLOCK_WIDTH", 13)
    parts = two_nearest(objects, 31.9)
    within = np.sqrt(whole.first, dtype=float) + np.sqrt(whole.second, dtype=float) <= 31.9
    for name in ("first", "second", "nearest"):
        np.testing.assert_array_equal(getattr(whole, name)[within], getattr(parts, name)[within])


def test_tie_goes_to_the_smaller_number():
    near = two_nearest(np.array([[5, 0, 3]], np.int32), 10)
    assert near.nearest.tolist() == [[5, 3, 3]]
    assert near.first.tolist() == near.second.tolist() == [[0, 1, 0]]
