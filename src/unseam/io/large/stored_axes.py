"""Finds a window of a plane among the axes of an array that is stored in any order."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

Bounds = tuple[tuple[int, int], ...]
"""Start and stop along each axis, in the frame of the stored array."""


@dataclass(frozen=True)
class StoredAxes:
    """Axes of a stored array, and their meaning for planes; the rules are those of :func:`unseam.io.axes.tidy_axes`.

    Attributes
    ----------
    letters
        ``T``, ``Z``, ``C``, ``Y`` or ``X`` for each stored axis; empty for one of length 1 that is left out.
    shape
        Of the stored array.
    """

    letters: tuple[str, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, axes: str, shape: tuple[int, ...]) -> "StoredAxes":
        """Samples (``S``) are channels, letters that are not known count planes.

        >>> plan = StoredAxes.of("RZYXS", (2, 3, 20, 30, 1))
        >>> plan.axes, plan.plane_shape
        ('ZYX', (6,))
        """
        assert len(axes) == len(shape)
        letters = ["C" if a in "CS" else a if a in "TYX" else "Z" for a in axes]
        kept = [letter if letter in "YX" or n != 1 else "" for letter, n in zip(letters, shape, strict=True)]
        assert kept.count("Y") == kept.count("X") == 1
        return cls(tuple(kept), shape)

    def _of(self, letter: str) -> list[int]:
        return [i for i, one in enumerate(self.letters) if one == letter]

    def length(self, letter: str) -> int:
        """Length of all stored axes of one meaning together; 1 if there is none."""
        return math.prod(self.shape[i] for i in self._of(letter))

    @property
    def axes(self) -> str:
        """One letter for each meaning, in the order of the store."""
        return "".join(dict.fromkeys(self.letters))

    @property
    def plane_axes(self) -> str:
        """Axes that count planes, time first."""
        return "".join(letter for letter in "TZ" if letter in self.letters)

    @property
    def plane_shape(self) -> tuple[int, ...]:
        """Their lengths."""
        return tuple(self.length(letter) for letter in self.plane_axes)

    def bounds(self, plane: int, rows: slice, columns: slice) -> Bounds:
        """Bounds of a window of a plane: one index of each axis that counts planes, all channels."""
        found = [(0, n) for n in self.shape]
        for letter, number in zip(self.plane_axes, np.unravel_index(plane, self.plane_shape), strict=True):
            those = self._of(letter)
            for i, at in zip(those, np.unravel_index(int(number), [self.shape[i] for i in those]), strict=True):
                found[i] = (int(at), int(at) + 1)
        found[self.letters.index("Y")] = (rows.start, rows.stop)
        found[self.letters.index("X")] = (columns.start, columns.stop)
        return tuple(found)

    def arranged(
        self, block: Shaped[np.ndarray, "..."]
    ) -> Shaped[np.ndarray, "height width"] | Shaped[np.ndarray, "height width channel"]:
        """Bring what was read at :meth:`bounds` into the order rows, columns, channels."""
        here = [self.letters.index("Y"), self.letters.index("X"), *self._of("C")]
        rest = [i for i in range(len(self.letters)) if i not in here]
        height, width = (block.shape[i] for i in here[:2])
        window = block.transpose(*rest, *here)
        return window.reshape((height, width, self.length("C")) if self._of("C") else (height, width))

    def place(self, bounds: Bounds) -> str:
        """Describe a part of the stored array.

        >>> StoredAxes.of("ZYX", (5, 20, 30)).place(((2, 3), (0, 8), (8, 16)))
        'rows 0 to 7, columns 8 to 15 (plane 2)'
        """
        names = {"T": "time", "Z": "plane", "C": "channel", "Y": "row", "X": "column"}
        words = dict.fromkeys("YXTZC", "")
        for letter, (start, stop), length in zip(self.letters, bounds, self.shape, strict=True):
            name, last = names.get(letter, ""), min(stop, length) - 1
            if name:
                words[letter] += f", {name} {start}" if last == start else f", {name}s {start} to {last}"
        more = "".join(words[letter] for letter in "TZC")
        return (words["Y"] + words["X"])[2:] + (f" ({more[2:]})" if more else "")
