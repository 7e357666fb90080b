"""Locates a window of a plane in an array whose axes are stored in any order."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

Bounds = tuple[tuple[int, int], ...]
"""Start and stop along each axis, in the frame of the stored array."""


@dataclass(frozen=True)
class StoredAxes:
    """The axes of a stored array and their meaning for planes, by the rules of :func:`unseam.io.axes.tidy_axes`.

    ``letters`` has ``T``, ``Z``, ``C``, ``Y`` or ``X`` for each axis of ``shape``, or ``""`` for an omitted axis of length 1.
    """

    letters: tuple[str, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, axes: str, shape: tuple[int, ...]) -> "StoredAxes":
        """Count samples (``S``) as channels, and unknown letters as planes.

        >>> plan = StoredAxes.of("RZYXS", (2, 3, 20, 30, 1))
        >>> plan.axes, plan.plane_shape
        ('ZYX', (6,))
        """
        assert len(axes) == len(shape)
        letters = ["C" if a in "CS" else a if a in "TYX" else "Z" for a in axes]
        kept = [letter if letter in "YX" or n != 1 else "" for letter, n in zip(letters, shape, strict=True)]
        assert kept.count("Y") == kept.count("X") == 1
        return cls(tuple(kept), shape)

    def _positions(self, letter: str) -> list[int]:
        return [i for i, one in enumerate(self.letters) if one == letter]

    def length(self, letter: str) -> int:
        """Return the product of the lengths of all axes with this letter; 1 if there is no such axis."""
        return math.prod(self.shape[i] for i in self._positions(letter))

    @property
    def axes(self) -> str:
        """Each letter once, in the stored order."""
        return "".join(dict.fromkeys(self.letters))

    @property
    def plane_axes(self) -> str:
        return "".join(letter for letter in "TZ" if letter in self.letters)

    @property
    def plane_shape(self) -> tuple[int, ...]:
        return tuple(self.length(letter) for letter in self.plane_axes)

    def bounds(self, plane: int, rows: slice, columns: slice) -> Bounds:
        """Return the bounds of a window of a plane: one index along each axis that counts planes, all channels."""
        bounds = [(0, n) for n in self.shape]
        for letter, number in zip(self.plane_axes, np.unravel_index(plane, self.plane_shape), strict=True):
            positions = self._positions(letter)
            for i, at in zip(positions, np.unravel_index(int(number), [self.shape[i] for i in positions]), strict=True):
                bounds[i] = (int(at), int(at) + 1)
        bounds[self.letters.index("Y")] = (rows.start, rows.stop)
        bounds[self.letters.index("X")] = (columns.start, columns.stop)
        return tuple(bounds)

    def arranged(
        self, block: Shaped[np.ndarray, "..."]
    ) -> Shaped[np.ndarray, "height width"] | Shaped[np.ndarray, "height width channel"]:
        """Reorder a block read at :meth:`bounds` to rows, columns, channels."""
        channels = self._positions("C")
        kept = [self.letters.index("Y"), self.letters.index("X"), *channels]
        rest = [i for i in range(len(self.letters)) if i not in kept]
        height, width = (block.shape[i] for i in kept[:2])
        window = block.transpose(*rest, *kept)
        return window.reshape((height, width, self.length("C")) if channels else (height, width))

    def place(self, bounds: Bounds) -> str:
        """Describe the place of a part of the stored array, for messages.

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
