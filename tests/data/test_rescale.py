"""Images in pixels of another size, and maps brought back."""

import numpy as np
import pytest

from unseam.data.prepare import Annotated
from unseam.data.rescale import back_to, nearest, ratio_to, rescale_annotated, rescaled
from unseam.errors import DataError


def ramp(height: int, width: int) -> np.ndarray:
    """An image that is linear in its own extent, 0 to 1 down and to the right, whatever its pixels."""
    rows, columns = ((np.arange(length) + 0.5) / length for length in (height, width))
    return (rows[:, None] + 2 * columns).astype(np.float32)


@pytest.mark.parametrize("ratio", [(2.0, 2.0), (0.5, 0.5), (1.7, 0.6), (1.0, 3.0)])
def test_a_ramp_stays_a_ramp_of_the_same_extent(ratio):
    """A shift by half a pixel, the usual fault of resampling, would show at once."""
    image = ramp(60, 50)
    found = rescaled(image, ratio)
    assert found.shape == (round(60 * ratio[0]), round(50 * ratio[1]))
    inside = (slice(6, -6), slice(6, -6))  # at the border the edge pixel continues, and a ramp does not
    np.testing.assert_allclose(found[inside], ramp(*found.shape)[inside], atol=1e-5)
    back = back_to(found[None], 60, 50)[0]
    wide = (slice(12, -12), slice(12, -12))
    np.testing.assert_allclose(back[wide], image[wide], atol=1e-5)


def test_channels_stay_apart_and_equal_pixels_stay_as_they_are(rng):
    image = rng.integers(0, 255, (20, 30, 3)).astype(np.uint8)
    found = rescaled(image, (1.5, 1.5))
    assert (found.shape, found.dtype) == ((30, 45, 3), np.float32)
    np.testing.assert_array_equal(found[..., 1], rescaled(image[..., 1], (1.5, 1.5)))
    assert rescaled(image, (1.0, 1.0)) is image
    assert rescaled(image.astype(np.uint32) * 10**6, (2.0, 2.0)).dtype == np.float64


def test_what_is_finer_than_the_new_pixels_is_averaged(rng):
    """A chess board of single pixels becomes grey, and no pattern."""
    board = np.indices((64, 64)).sum(0) % 2
    found = rescaled(board.astype(np.uint8), (0.25, 0.25))
    np.testing.assert_allclose(found[2:-2, 2:-2], 0.5, atol=0.01)


def test_probabilities_still_add_up(rng):
    maps = rng.random((3, 20, 24)).astype(np.float32)
    maps /= maps.sum(0)
    for height, width in ((33, 50), (7, 9)):
        found = back_to(maps, height, width)
        assert found.shape == (3, height, width)
        np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)


def test_labels_come_back_from_finer_pixels_as_they_were(rng):
    labels = rng.integers(0, 2**31 - 1, (13, 17)).astype(np.int32)
    finer = nearest(labels, 39, 51)
    assert finer.dtype == np.int32
    np.testing.assert_array_equal(finer, labels.repeat(3, 0).repeat(3, 1))
    np.testing.assert_array_equal(nearest(finer, 13, 17), labels)


@pytest.mark.parametrize(
    ("own", "wanted", "expected"),
    [((0.5, 0.25), (0.1, 0.1), (5.0, 2.5)), ((0.1001, 0.2), (0.1, 0.2), (1.0, 1.0)), ((0.2, 0.102), (0.1, 0.1), (2.0, 1.02))],
)
def test_ratios(own, wanted, expected):
    assert ratio_to(own, wanted, "a.tif") == pytest.approx(expected)


def test_an_image_without_pixel_size_is_named():
    with pytest.raises(DataError, match=r"a\.tif: the file states no pixel size.*--rescale"):
        ratio_to(None, (0.1, 0.1), "a.tif")


def test_image_and_mask_are_resampled_together():
    labels = np.zeros((20, 30), np.uint8)
    labels[5:15, 6:18] = 7
    item = Annotated("a", labels * 30, labels, (0.2, 0.2))
    told = []
    (found,) = rescale_annotated([item], (0.1, 0.1), told.append)
    assert found.spacing_um == (0.1, 0.1)
    assert (found.image.shape, found.labels.shape) == ((40, 60), (40, 60))
    assert ((found.image > 105) == (found.labels == 7)).all()
    assert told == ["images are resampled to pixels of 0.1 um: a from 30 x 20 px to 60 x 40 px"]


def test_pixels_that_are_not_finite_are_named_where_they_are():
    image = np.zeros((20, 30), np.float32)
    image[4, 9] = np.nan
    with pytest.raises(DataError, match=r"^a: .*row 4, column 9"):
        rescale_annotated([Annotated("a", image, np.zeros((20, 30), np.uint8), (0.2, 0.2))], (0.1, 0.1))
