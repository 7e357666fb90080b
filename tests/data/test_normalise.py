from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from unseam.data.normalise import Normalise, check_image, sample_pixels
from unseam.errors import DataError, SettingsError
from unseam.settings import decode, encode

NORMALISE = Normalise()


def grey(rng: np.random.Generator, height: int = 40, width: int = 50) -> np.ndarray:
    return rng.integers(0, 256, (height, width)).astype(np.uint8)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda image: image.astype(np.uint16) * 257, id="16 bits"),
        pytest.param(lambda image: image.astype(np.uint32) * 2**23, id="32 bits"),
        pytest.param(lambda image: image.astype(np.uint64) * 2**55, id="64 bits"),
        pytest.param(lambda image: (image.astype(np.int16) - 128).astype(np.int8), id="signed"),
        pytest.param(lambda image: image / np.float32(255), id="float32 0 to 1"),
        pytest.param(lambda image: image.astype(np.float16), id="float16"),
        pytest.param(lambda image: image.astype(np.float64), id="float64"),
        pytest.param(lambda image: image + 1e6, id="an offset"),
        pytest.param(lambda image: image / 255 + 1e9, id="an offset that float32 cannot tell from its neighbours"),
        pytest.param(lambda image: image.astype(np.int64) + 2**40, id="an integer offset"),
        pytest.param(lambda image: image * 1e-42, id="tiny"),
        pytest.param(lambda image: image * 1e300, id="huge"),
        pytest.param(lambda image: image.astype(np.float32) * np.float32(1e-38), id="tiny float32"),
        pytest.param(lambda image: image * 3.5 - 1000, id="below zero"),
    ],
)
def test_all_types_and_ranges_come_out_alike(other, rng):
    image = grey(rng)
    expected = NORMALISE(image)
    result = NORMALISE(other(image))
    np.testing.assert_allclose(result, expected, atol=2e-3)
    assert result.dtype == np.float32


def test_the_percentiles_become_0_and_1(rng):
    image = rng.normal(5, 2, (100, 100))
    result = Normalise(2.0, 98.0)(image)[0]
    assert np.percentile(result, 2) == pytest.approx(0, abs=1e-5)
    assert np.percentile(result, 98) == pytest.approx(1, abs=1e-5)
    assert result.min() < 0
    assert result.max() > 1, "values beyond are kept"


def test_a_bool_image():
    np.testing.assert_array_equal(NORMALISE(np.eye(4, dtype=bool))[0], np.eye(4, dtype=np.float32))


@pytest.mark.parametrize("value", [0, 7, 255])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (5, 4), (1, 9), (6, 5, 3)])
def test_a_constant_image_is_zero(value, dtype, shape):
    result = NORMALISE(np.full(shape, value, dtype))
    assert result.shape == (shape[2] if len(shape) == 3 else 1, *shape[:2])
    assert not result.any()


def test_few_bright_spots_on_one_value_use_the_whole_range():
    image = np.full((100, 100), 3, np.uint16)
    image[50, 50] = 1003
    assert NORMALISE(image)[0, 50, 50] == 1.0
    assert NORMALISE(image)[0, 0, 0] == 0.0


def test_channels_go_first_and_each_has_its_own_range(rng):
    image = np.stack([grey(rng), grey(rng) // 4, np.full((40, 50), 9, np.uint8)], axis=-1)
    result = NORMALISE(image)
    assert result.shape == (3, 40, 50)
    for channel in range(3):
        np.testing.assert_array_equal(result[channel], NORMALISE(image[..., channel])[0])


def test_the_image_is_only_read(rng):
    image = grey(rng).astype(np.float32)
    before = image.copy()
    NORMALISE(image)
    np.testing.assert_array_equal(image, before)


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.floats(
    -1e6, 1e6, width=32)))  # fmt: skip
def test_order_is_kept_and_all_is_finite(image):
    result = NORMALISE(image)[0]
    assert np.isfinite(result).all()
    order = np.argsort(image.ravel(), kind="stable")
    assert np.all(np.diff(result.ravel()[order]) >= 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_are_named(bad):
    image = np.zeros((6, 8))
    image[3, 5] = image[4, 1] = bad
    with pytest.raises(DataError, match=r"2 pixel\(s\).*row 3, column 5.*real values"):
        NORMALISE(image)


def test_a_mark_for_missing_data_is_named():
    image = np.linspace(0, 1e-6, 100).reshape(10, 10)
    image[2, 3] = -1.7e308
    with pytest.raises(DataError, match=r"row 2, column 3 is -1\.7e\+308.*missing data"):
        Normalise(2.0, 98.0)(image)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros(5), r"shape \(5,\).*\(rows, columns\)"),
        (np.zeros(()), r"shape \(\)"),
        (np.zeros((2, 3, 4, 5)), r"shape \(2, 3, 4, 5\)"),
        (np.zeros((0, 5)), r"shape \(0, 5\).*at least 1 px"),
        (np.zeros((4, 4), complex), r"complex128.*real numbers"),
        (np.zeros((4, 4), "U3"), r"real numbers"),
    ],
)
def test_what_is_no_image(image, message):
    with pytest.raises(DataError, match=message):
        check_image(image)


def test_percentiles_out_of_order():
    with pytest.raises(SettingsError, match=r"normalise.high_percent = 10.0"):
        Normalise(50.0, 10.0)


def test_percentiles_of_a_large_image_see_every_column():
    """An evenly spaced sample whose step divides the width would look at some columns only: interlaced, Bayer."""
    image = np.zeros((2048, 4096), np.uint8) + np.arange(4096, dtype=np.uint8) % 2 * np.uint8(200)
    assert float(Normalise()(image).max()) == 1.0


@pytest.mark.parametrize("size", [(7, 5), (2100, 4003), (4096, 2048)])
def test_windows_give_the_range_of_the_whole(size, rng):
    height, width = size
    channel = rng.integers(0, 60000, size, np.uint16)
    parts = [
        sample_pixels(channel[top : top + 900, left : left + 700], top, left, height, width)
        for top in range(0, height, 900)
        for left in range(0, width, 700)
    ]
    ((whole,),) = Normalise().ranges_of([channel])
    assert Normalise().range_from(np.concatenate(parts), channel.min, channel.max) == whole
    window = (slice(height // 2, None), slice(width // 3, width // 2 + 1))
    assert np.array_equal(whole.scaled(channel[window]), Normalise()(channel)[0][window])


def test_a_stack_has_one_range(rng):
    """It is that of one tall plane, and so of the windows of any plane."""
    stack = rng.integers(0, 60000, (3, 1400, 1003), np.uint16) // np.array([1, 40, 3000], np.uint16)[:, None, None]
    ranges = Normalise(over="stack").ranges_of(list(stack))
    assert ranges == Normalise().ranges_of([stack.reshape(-1, 1003)]) * 3
    parts = [
        sample_pixels(plane[top : top + 900], 1400 * number + top, 0, 4200, 1003)
        for number, plane in enumerate(stack)
        for top in (0, 900)
    ]
    assert Normalise().range_from(np.concatenate(parts), stack.min, stack.max) == ranges[0][0]
    dim = Normalise(over="stack")(stack[2], ranges[2])
    assert 0 <= dim.min() <= dim.max() < 0.001
    assert Normalise()(stack[2]).max() == pytest.approx(1, abs=0.1)


def test_planes_have_their_own_ranges_unless_told_otherwise(rng):
    planes = [rng.integers(0, top, (20, 30, 2), np.uint16) for top in (100, 5000)]
    ranges = Normalise().ranges_of(planes)
    for plane, own in zip(planes, ranges, strict=True):
        assert len(own) == 2
        np.testing.assert_array_equal(Normalise()(plane, own), Normalise()(plane))
    assert ranges[0] != ranges[1]


def test_over_is_plane_or_stack():
    assert Normalise().over == "plane"
    with pytest.raises(SettingsError, match="over"):
        decode(Normalise, {"over": "movie"})


def test_a_fixed_range_is_that_of_every_image_and_stack(rng):
    fixed, images = Normalise(fixed=(10, 60)), [grey(rng) // 4 + 100 * k for k in range(2)]
    for image in images:
        np.testing.assert_allclose(fixed(image), (image[None] - 10.0) / 50, rtol=1e-6, atol=1e-6)
    colour = np.stack(images, axis=-1)
    for over in ("plane", "stack"):
        ranges = replace(fixed, over=over).ranges_of([colour, colour])
        assert [[(one.low, one.high) for one in plane] for plane in ranges] == [[(10, 60)] * 2] * 2
    assert fixed.range_from(np.zeros(3), lambda: 0, lambda: 1).high == 60, "of an image larger than memory, too"


def test_a_fixed_range_in_a_file_of_settings():
    assert decode(Normalise, {"fixed": [0, 255]}) == Normalise(fixed=(0.0, 255.0))
    assert decode(Normalise, {"fixed": False}) == Normalise()
    assert "fixed" not in encode(Normalise()), "files without it mean what they meant"
    assert encode(Normalise(fixed=(0, 1)))["fixed"] == [0, 1]


@pytest.mark.parametrize("fixed", [(1, 1), (2, 1), (0, np.inf), (-1e31, 0), (np.nan, 1), (0, 1e-31)])
def test_a_fixed_range_that_cannot_be(fixed):
    with pytest.raises(SettingsError, match=r"normalise\.fixed"):
        Normalise(fixed=fixed)


@pytest.mark.parametrize(
    ("fixed", "brightest", "is_told"),
    [((0, 1), 255, True), ((0, 65535), 255, True), ((0, 255), 4095, True), ((0, 255), 255, False), ((0, 255), 200, False)],
)
def test_an_image_far_from_the_fixed_range_is_told(fixed, brightest, is_told):
    assert bool(Normalise(fixed=fixed).far_from_fixed(brightest)) == is_told
    assert NORMALISE.far_from_fixed(brightest) == ()
