"""Average with engines that turn with the image, so that turning there and back changes nothing."""

import numpy as np
import pytest
from scipy import ndimage

from unseam.inference import rotations
from unseam.inference.rotations import NUM_ROTATIONS, average_rotations


def pointwise(image: np.ndarray) -> np.ndarray:
    """Return probabilities of each pixel alone, which turn with the image at any angle."""
    foreground = np.clip(image[0], 0, 1)
    return np.stack([1 - foreground, foreground])


def blurred(image: np.ndarray) -> np.ndarray:
    """Treat all neighbours at one distance alike, so that the result turns with the image."""
    return pointwise(ndimage.gaussian_filter(image, (0, 2, 2), mode="mirror"))


def smooth_image(height: int, width: int, sigma: float = 3.0) -> np.ndarray:
    """Make an image without symmetry, so that a version turned back the wrong way would show."""
    rng = np.random.default_rng(20150518)
    image = ndimage.gaussian_filter(rng.normal(size=(height, width)), sigma, mode="mirror")
    image = (image - image.min()) / (image.max() - image.min())
    return image[None]


@pytest.fixture
def calls():
    """An engine that remembers its inputs."""

    def engine(image: np.ndarray) -> np.ndarray:
        engine.seen.append(image.copy())
        return pointwise(image)

    engine.seen = []
    return engine


@pytest.mark.parametrize("engine", [pointwise, blurred])
@pytest.mark.parametrize("shape", [(90, 90), (60, 130), (131, 64)])
def test_seven_turns_of_what_turns_along_change_little(engine, shape):
    """Only the interpolation there and back remains, in the corners, too."""
    image = smooth_image(*shape)
    difference = average_rotations(engine, image) - engine(image)
    assert np.abs(difference).max() < 0.02
    assert np.sqrt(np.mean(difference**2)) < 0.004


def test_versions_turned_on_instead_of_back_would_show(monkeypatch):
    """The bounds above would catch a fault."""
    resampled = rotations._resampled

    def turned_on(image: np.ndarray, turn: np.ndarray, shape: tuple[int, int], order: int) -> np.ndarray:
        return resampled(image, turn.T if order == 1 else turn, shape, order)

    monkeypatch.setattr(rotations, "_resampled", turned_on)
    image = smooth_image(90, 90)
    assert np.sqrt(np.mean((average_rotations(pointwise, image) - pointwise(image)) ** 2)) > 0.05


def test_the_versions_are_seven_and_evenly_turned(calls):
    """A bright spot east of the centre moves by a seventh of a turn at a time."""
    image = np.zeros((1, 101, 101))
    image[0, 50, 80] = 1
    average_rotations(calls, ndimage.gaussian_filter(image, (0, 2, 2)))
    assert len(calls.seen) == NUM_ROTATIONS == 7
    angles = []
    for version in calls.seen:
        centre = (np.array(version.shape[1:]) - 1) / 2
        row, column = np.array(np.unravel_index(version[0].argmax(), version.shape[1:])) - centre
        assert np.hypot(row, column) == pytest.approx(30, abs=1)
        angles.append(np.degrees(np.arctan2(row, column)) % 360)
    np.testing.assert_allclose(np.sort(angles), np.arange(7) * 360 / 7, atol=1.5)


def test_the_canvas_holds_the_turned_image_whole(calls):
    """Nothing is cut off: the corners of the image are on every canvas."""
    image = np.zeros((1, 61, 41))
    image[0, [0, 0, -1, -1], [0, -1, 0, -1]] = 1
    average_rotations(calls, ndimage.maximum_filter(image, (0, 9, 9)))
    for version in calls.seen[1:]:
        for row, column in [(-26, -16), (-26, 16), (26, -16), (26, 16)]:
            distance = np.hypot(row, column)
            rows, columns = (np.arange(n) - (n - 1) / 2 for n in version.shape[1:])
            ring = np.abs(np.hypot(rows[:, None], columns[None]) - distance) < 1
            assert version[0][ring].max() > 0.9
        assert version.shape[1] >= 61 * 0.2
        assert max(version.shape[1:]) <= np.ceil(np.hypot(61, 41)) + 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (1, 40), (40, 1), (2, 3)])
def test_tiny_images(shape):
    image = np.full((1, *shape), 0.25)
    result = average_rotations(pointwise, image)
    np.testing.assert_allclose(result, pointwise(image), atol=1e-12)


def test_probabilities_stay_probabilities(rng):
    image = rng.random((3, 40, 33), np.float32)

    def three_classes(part: np.ndarray) -> np.ndarray:
        scores = np.exp(4 * part)
        return (scores / scores.sum(axis=0)).astype(np.float32)

    result = average_rotations(three_classes, image)
    assert (result.shape, result.dtype) == ((3, 40, 33), np.float32)
    assert result.min() >= 0
    assert result.max() <= 1
    np.testing.assert_allclose(result.sum(axis=0), 1, atol=1e-5)


def test_the_image_is_only_read():
    image = smooth_image(12, 15)
    before = image.copy()
    average_rotations(pointwise, image)
    assert np.array_equal(image, before)
