"""The place to look at next ("take me somewhere"): one in three at random, the others where the network knows least.

Random choice is hard to beat, and it is the honest test; uncertainty alone picks the same thing again and again. So every third
place is random, the others are the least certain of a few random ones, weighted by how much the newest and the averaged weights
disagree, spread over the images. Before there is a network, a place is one that looks least like those seen before.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from unseam.errors import DataError

Box = tuple[int, int, int, int]
"""Row, column, height, width, px of the image."""

SIDE = 256
"""px; side of a place."""

_CANDIDATES = 6
_TRIES = 40  # random places before one that touches annotation is taken
_EVERY = 3  # of so many places one is random
_SCALES = (1.0, 2.0, 4.0)  # px


class ReadsImages(Protocol):
    """Gives windows of normalised images."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of all images."""

    def size(self, number: int) -> tuple[int, int]:
        """Return height and width, px."""

    def window(self, number: int, rows: slice, columns: slice) -> Float[np.ndarray, "channel rows columns"]:
        """Return a window within the image."""


IsPainted = Callable[[int, Box], bool]
"""Whether anything in a window of an image is annotated."""

Doubt = Callable[[int, Box], float]
"""How unsure the network is in a window of an image."""


class Ranking:
    """Chooses places in the images of a folder; the same seed and questions give the same places."""

    def __init__(self, images: ReadsImages, seed: int = 0) -> None:
        self.images = images
        self._rng = np.random.default_rng([seed, 4])
        self._done: set[int] = set()
        self._visits: Counter[int] = Counter()
        self._seen: list[Float[np.ndarray, " feature"]] = []
        self._number = 0

    def set_done(self, image: int, *, is_done: bool) -> None:
        """Never choose an image, or choose it again."""
        (self._done.add if is_done else self._done.discard)(image)

    def note_painted(self, image: int) -> None:
        """Note that an image was painted on: others come first."""
        self._visits[image] += 1

    def next(self, is_painted: IsPainted, doubt: Doubt | None) -> tuple[int, Box, bool]:
        """Return image and window of the next place, and whether it is random.

        ``doubt`` is None as long as there is no network. Raises DataError if every image is done or left out.
        """
        self._number += 1
        open_images = [image for image in self.images.numbers if image not in self._done]
        if not open_images:
            raise DataError("Every image is done or left out, so there is no place to look at next. Open one of them again.")
        is_random = self._number % _EVERY == 0
        if is_random:
            image, box = self._draw(open_images, is_painted)
        else:
            fewest = sorted(open_images, key=lambda one: (self._visits[one], self._rng.random()))[:_CANDIDATES]
            places = [self._draw([fewest[k % len(fewest)]], is_painted) for k in range(_CANDIDATES)]
            worth = [self._distance(*place) if doubt is None else doubt(*place) for place in places]
            image, box = places[int(np.argmax(worth))]
        self._visits[image] += 1
        self._seen.append(self._look(image, box))
        return image, box, is_random

    def _draw(self, images: Sequence[int], is_painted: IsPainted) -> tuple[int, Box]:
        """Draw a place at random, if possible one that touches no annotation."""
        for _ in range(_TRIES):
            image = images[int(self._rng.integers(len(images)))]
            sides = [min(SIDE, length) for length in self.images.size(image)]
            starts = [
                int(self._rng.integers(length - side + 1)) for side, length in zip(sides, self.images.size(image), strict=True)
            ]
            box = starts[0], starts[1], sides[0], sides[1]
            if not is_painted(image, box):
                break
        return image, box

    def _distance(self, image: int, box: Box) -> float:
        """Return how far the look of a place is from all looks before; of the first, how much there is to see."""
        look = self._look(image, box)
        if not self._seen:
            return float(look[1:].sum())
        return min(float(np.linalg.norm(look - other)) for other in self._seen)

    def _look(self, image: int, box: Box) -> Float[np.ndarray, " feature"]:
        row, column, height, width = box
        return look_of(self.images.window(image, slice(row, row + height), slice(column, column + width)))


def look_of(pixels: Float[np.ndarray, "channel rows columns"]) -> Float[np.ndarray, " feature"]:
    """Return how a window looks in a few numbers: mean, spread, and the mean slope at three scales.

    >>> look_of(np.full((1, 8, 8), 0.5, np.float32)).round(2)
    array([0.5, 0. , 0. , 0. , 0. ])
    """
    grey = pixels.mean(axis=0, dtype=np.float64)
    slopes = [ndimage.gaussian_gradient_magnitude(grey, scale).mean() * scale for scale in _SCALES]
    return np.array([grey.mean(), grey.std(), *slopes])
