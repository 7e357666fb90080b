from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from reference.augmentation import cubic, nearest, places_in_image
from unseam.augment import Elastic
from unseam.augment.affine import rotation
from unseam.augment.cut import cut_window
from unseam.augment.resample import coordinates, sample_cubic, sample_nearest

STILL = np.empty((2, 0, 0), np.float32)


def still(centre, matrix, size):
    return coordinates(centre, matrix, STILL, np.empty((size, 0), np.float32))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(-40, 40), st.integers(-40, 40), st.integers(1, 20))
def test_cut_is_a_piece_of_the_padded_image(height, width, top, left, size):
    plane = np.arange(height * width, dtype=np.float32).reshape(height, width)
    padded = np.pad(plane, 64, mode="reflect" if min(height, width) > 1 else "edge")
    if (height == 1) != (width == 1):  # np.pad refuses to reflect one px: mirror the other axis alone
        padded = np.pad(plane, ((64, 64), (0, 0)) if height > 1 else ((0, 0), (64, 64)), mode="reflect")
        padded = np.pad(padded, ((0, 0), (64, 64)) if height > 1 else ((64, 64), (0, 0)), mode="edge")
    for given_plane in (plane, torch.from_numpy(plane)):
        window = cut_window(given_plane, top, left, torch.empty((size, size + 1)))
        np.testing.assert_array_equal(window, padded[top + 64 :, left + 64 :][:size, : size + 1])


def test_coordinates_follow_the_formula(rng):
    elastic = Elastic(grid=4)
    vectors = elastic(rng)
    matrix = rotation(33.0) / 1.2
    at = coordinates((123.25, -7.5), matrix, vectors, elastic.basis(47))
    expected = places_in_image((123.25, -7.5), matrix, vectors, 47)
    np.testing.assert_allclose(at.offsets.numpy() + np.reshape(at.base, (2, 1, 1)), expected, atol=3e-5)


def test_coordinates_are_as_exact_far_out(rng):
    """In a large image, float32 coordinates from its corner would be off by 0.002 px."""
    elastic = Elastic()
    vectors = elastic(rng)
    near, far = (coordinates((c + 0.3, c + 0.7), rotation(20.0), vectors, elastic.basis(60)) for c in (100.0, 20_000.0))
    np.testing.assert_allclose(far.offsets, near.offsets, atol=1e-6)
    assert far.base == (20_000, 20_000)


def test_one_centre_one_middle():
    at = still((10.0, 20.5), np.eye(2), 9).centred(3)
    assert at.base == (10, 20)
    np.testing.assert_array_equal(at.offsets, [[[-1] * 3, [0] * 3, [1] * 3], [[-0.5, 0.5, 1.5]] * 3])


@given(st.integers(0, 2**32), st.integers(2, 7), st.floats(0, 60), st.integers(2, 60), st.floats(0.25, 4))
def test_the_window_holds_every_place_and_the_unit_every_pixel_round_it(seed, grid, sigma, size, shrink):
    """Its size is foretold from the numbers drawn, without a look at the field."""
    rng = np.random.default_rng(seed)
    elastic = Elastic(grid, sigma)
    matrix = rotation(rng.uniform(-180, 180)) * shrink
    at = coordinates(tuple(rng.uniform(-50, 50, 2)), matrix, elastic(rng), elastic.basis(size))
    for part in (at, at.centred(size - size // 3 * 2)):
        top, left, height, width = part.window
        first = part.offsets.numpy().min(axis=(1, 2)) - (top, left)
        last = (top + height, left + width) - part.offsets.numpy().max(axis=(1, 2))
        assert first.min() >= 1
        assert last.min() > 2
        assert max(-top, -left, top + height - 1, left + width - 1) <= at.half
    assert at.half & (at.half - 1) == 0


@pytest.mark.parametrize("centre", [(20.3, 25.7), (0.0, 0.5), (-30.2, 90.1), (41.0, 49.0)])
def test_samples_are_those_of_the_plain_reference(centre, rng):
    """Inside and across the border, which is mirrored."""
    image = rng.standard_normal((2, 42, 50)).astype(np.float32)
    classes = rng.integers(0, 5, (42, 50), dtype=np.uint8)
    elastic = Elastic(sigma=3.0)
    at = coordinates(centre, rotation(37.0), elastic(rng), elastic.basis(24))
    places = at.offsets.numpy().astype(np.float64) + np.reshape(at.base, (2, 1, 1))
    for plane, sampled in zip(image, sample_cubic(image, at), strict=True):
        np.testing.assert_allclose(sampled, cubic(plane, places), atol=1e-4)
    np.testing.assert_array_equal(sample_nearest([classes], at)[0], nearest(classes, places))


def test_nearest_is_scipys_inside(rng):
    classes = rng.integers(0, 5, (90, 90), dtype=np.uint8)
    at = still((44.2, 45.1), rotation(12.0), 50)
    places = at.offsets.numpy() + np.reshape(at.base, (2, 1, 1))
    np.testing.assert_array_equal(sample_nearest([classes], at)[0], map_coordinates(classes, places, order=0))


def test_whole_coordinates_return_their_pixels_to_the_bit(rng):
    image = rng.standard_normal((3, 200, 190)).astype(np.float32)
    np.testing.assert_array_equal(sample_cubic(image, still((99.5, 94.5), np.eye(2), 120)), image[:, 40:160, 35:155])


@given(st.floats(0, 0.99), st.floats(0, 0.99), st.integers(3, 40))
def test_a_constant_image_stays_constant(row, column, size):
    image = np.full((1, 5, 7), 0.625, np.float32)
    np.testing.assert_allclose(sample_cubic(image, still((row, column), np.eye(2), size)), 0.625, atol=1e-6)


def test_a_smooth_image_is_met_between_its_pixels():
    """Cubic convolution of a wave of 40 px: the shift by parts of a px is right in size and in sense."""
    rows, columns = np.mgrid[:80, :80].astype(np.float32)
    wave = np.sin(2 * np.pi * (rows + 2 * columns) / 40)[None]
    at = still((40.25, 39.6), np.eye(2), 21)
    rows, columns = at.offsets.numpy() + np.reshape(at.base, (2, 1, 1))
    expected = np.sin(2 * np.pi * (rows + 2 * columns) / 40)
    np.testing.assert_allclose(sample_cubic(wave, at)[0], expected, atol=0.03)


def test_memory_beyond_the_window_is_never_read(rng, monkeypatch):
    """The window poses as a larger one; whatever stands in that memory must not matter."""
    image = rng.random((1, 80, 80), dtype=np.float32)
    at = still((33.3, 61.7), rotation(30.0), 60)
    clean = sample_cubic(image, at)
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *size, **kind: empty(*size, **kind).fill_(float("nan")))
    np.testing.assert_array_equal(sample_cubic(image, at), clean)


def test_reads_what_it_may_not_write(rng):
    image = rng.random((1, 50, 50), dtype=np.float32)
    image.flags.writeable = False
    at = still((25.0, 25.0), rotation(5.0), 20)
    np.testing.assert_array_equal(sample_cubic(image, at), sample_cubic(image.copy(), at))


@pytest.mark.parametrize("order", ["C", "F"])
def test_reads_any_layout_of_memory(order, rng):
    image = rng.random((3, 50, 60), dtype=np.float32)
    at = still((20.0, 30.0), rotation(50.0), 30)
    other = np.array(image, order=order)[:, ::-1][:, ::-1]
    np.testing.assert_array_equal(sample_cubic(other, at), sample_cubic(image, at))


def test_maps_keep_their_types(rng):
    at = still((5.2, 5.1), rotation(45.0), 8)
    maps = [np.full((10, 10), value, kind) for value, kind in [(255, np.uint8), (1.5, np.float32), (-1, np.int32)]]
    for given_map, read in zip(maps, sample_nearest(maps, at), strict=True):
        assert read.numpy().dtype == given_map.dtype
        np.testing.assert_array_equal(read, given_map[:8, :8])


def test_far_from_the_image_it_is_still_mirrored(rng):
    image = rng.random((1, 4, 3), dtype=np.float32)
    home = still((0.0, 0.0), np.eye(2), 7)
    at = replace(home, base=(600, -800))  # 600 = 100 * 2 * 3, 800 = 200 * 2 * 2
    np.testing.assert_array_equal(sample_cubic(image, at), sample_cubic(image, home))
