"""The class of each pixel. This is the paper's head (section 3): a soft-max, and the likeliest class."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, UInt8

from unseam.heads.base import Labels, Targets
from unseam.heads.softmax import SoftMax, foreground_of, likeliest_class


@dataclass(frozen=True)
class Classes(SoftMax):
    """One logit for each class; objects are connected pieces of foreground.

    Examples
    --------
    >>> maps = Classes().activate(np.array([[0.0, 2.0], [1.0, -1.0]], np.float32))
    >>> Classes().classes(maps).tolist(), Classes().foreground(maps).round(2).tolist()
    ([1, 0], [0.73..., 0.05...])
    """

    version: ClassVar[int] = 1
    needs_objects: ClassVar[bool] = False

    def logit_names(self, class_names: tuple[str, ...]) -> tuple[str, ...]:
        return class_names

    def targets(self, labels: Labels) -> Targets:
        return Targets(labels.classes, labels.cells)

    def classes(self, maps: Float[np.ndarray, "klass *place"]) -> UInt8[np.ndarray, "*place"]:
        return likeliest_class(maps)

    def foreground(self, maps: Float[np.ndarray, "klass *place"], klass: int | None = None) -> Float[np.ndarray, "*place"]:
        """Return the probability of a class, or of all but the background together."""
        return foreground_of(maps, klass)
