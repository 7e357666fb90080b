"""Where crops are cut: round any annotated pixel, or so that a pixel of a class that was drawn first lies in the crop."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, UInt8

from unseam.augment import DrawnGeometry
from unseam.data.copy_paste import PastedSamples
from unseam.data.sample import Sample
from unseam.shapes import IGNORE

CropsBy = Literal["uniform", "by_class"]
"""``uniform``: each annotated pixel is as likely as any other. ``by_class``: each class is."""

Centre = tuple[float, float] | Callable[[DrawnGeometry], tuple[float, float]]
"""Middle of a crop, (row, column) in px of the image; or a function that chooses it when the geometry is drawn."""

_TRIES = 50  # random places to try before another way is taken


class Stock:
    """Annotated images, and the chance by which crops are cut from them.

    ``uniform``
        The middle of a crop is an annotated place; all of them, in all images, are equally likely.
    ``by_class``
        A class is drawn first, each as often as the others, then one of its pixels in all images, and then the place in the
        output tile at which the pixel is read, each as often as the others. Rotation, scale and deformation are taken into
        account, so the pixel is always in the crop and seldom in its middle. The middle of the crop lies in the image, as in
        the other way, unless 50 places were tried in vain.

    With ``by_class`` a rare class is seen as often as a frequent one, and w_c of Eq. 2 still counts the pixels of the images:
    a smaller ``weight_map.balance`` may then be enough.

    Parameters
    ----------
    samples
        Annotated images, with at least one annotated pixel.
    pasted
        The same images, with copies of objects; None: crops are cut from the images as they are. Places and classes are drawn
        from the images without copies.
    """

    def __init__(self, samples: Sequence[Sample], crops: CropsBy = "uniform", pasted: PastedSamples | None = None) -> None:
        self.samples = tuple(samples)
        self.pasted = pasted
        self._annotated = [PixelsByRow(sample.classes != IGNORE) for sample in self.samples]
        totals = np.array([pixels.total for pixels in self._annotated], dtype=np.float64)
        self._chances = totals / totals.sum()
        self._by_class = ClassPixels([sample.classes for sample in self.samples]) if crops == "by_class" else None

    def draw(self, input_size: int, output_size: int, rng: np.random.Generator) -> tuple[int, Centre]:
        """Draw the number of an image, and the middle of a crop in it."""
        if self._by_class is None:
            index = int(rng.choice(len(self.samples), p=self._chances))
            return index, self._annotated_place(index, rng)
        index, row, column = self._by_class.draw(rng)
        height, width = self.samples[index].classes.shape
        context = (input_size - output_size) // 2

        def centre(geometry: DrawnGeometry) -> tuple[float, float]:
            for _ in range(_TRIES):
                down, across = geometry.offset(*(int(at) for at in rng.integers(context, context + output_size, 2)))
                middle = row - down, column - across
                if -0.5 <= middle[0] <= height - 0.5 and -0.5 <= middle[1] <= width - 0.5:
                    return middle
            down, across = geometry.offset(input_size // 2, input_size // 2)
            return row - down, column - across

        return index, centre

    def _annotated_place(self, index: int, rng: np.random.Generator) -> tuple[float, float]:
        """Draw a place (row, column) at an annotated pixel, px."""
        classes = self.samples[index].classes
        height, width = classes.shape
        # Rejection draws sub-pixel places.
        for _ in range(_TRIES):
            row, col = rng.uniform(-0.5, height - 0.5), rng.uniform(-0.5, width - 0.5)
            if classes[round(row) % height, round(col) % width] != IGNORE:
                return row, col
        pixels = self._annotated[index]  # sparse annotation, which chance rarely hits
        found = pixels.row_of(int(rng.integers(pixels.total)))
        return float(found[0]), float(np.flatnonzero(classes[found[0]] != IGNORE)[found[1]])


class PixelsByRow:
    """Chosen pixels of an image, counted row by row: one of them is found without listing them all.

    >>> pixels = PixelsByRow(np.array([[0, 1, 0], [0, 0, 0], [1, 0, 1]], bool))
    >>> pixels.total, pixels.row_of(0), pixels.row_of(2)
    (3, (0, 0), (2, 1))
    """

    def __init__(self, chosen: Bool[np.ndarray, "height width"]) -> None:
        # How many chosen pixels lie above each row; the last entry is their number.
        self._above = np.concatenate([[0], np.cumsum(np.count_nonzero(chosen, axis=1))])

    @property
    def total(self) -> int:
        return int(self._above[-1])

    def row_of(self, number: int) -> tuple[int, int]:
        """Return the row of chosen pixel ``number``, counted row by row from 0, and its number within that row."""
        row = int(np.searchsorted(self._above, number, side="right")) - 1
        return row, number - int(self._above[row])


class ClassPixels:
    """The pixels of each class over several class maps; a pixel that is not annotated belongs to none."""

    def __init__(self, class_maps: Sequence[UInt8[np.ndarray, "_ _"]]) -> None:
        self._maps = tuple(class_maps)
        found = np.sum([np.bincount(class_map.ravel(), minlength=256) for class_map in self._maps], axis=0)
        self._classes = [int(klass) for klass in np.flatnonzero(found[:IGNORE])]
        self._pixels = {klass: [PixelsByRow(class_map == klass) for class_map in self._maps] for klass in self._classes}
        self._ends = {klass: np.cumsum([pixels.total for pixels in self._pixels[klass]]) for klass in self._classes}

    def draw(self, rng: np.random.Generator) -> tuple[int, int, int]:
        """Draw a class, then one of its pixels: (number of the map, row, column)."""
        klass = self._classes[rng.integers(len(self._classes))]
        ends = self._ends[klass]
        number = int(rng.integers(ends[-1]))
        index = int(np.searchsorted(ends, number, side="right"))
        pixels = self._pixels[klass][index]
        row, in_row = pixels.row_of(number - int(ends[index]) + pixels.total)
        return index, row, int(np.flatnonzero(self._maps[index][row] == klass)[in_row])
