"""Objects separated by a ridge: the network learns background between touching objects (paper, section 3).

The ridge is cut into the annotation before training, and Eq. 2 puts its weight there. The connected pieces that the network
finds are therefore the objects without their ridge, and `Objects` gives the ridge back.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, UInt8

from unseam.heads.base import Labels, Targets
from unseam.heads.objects import Objects
from unseam.heads.ridge import cut_ridge
from unseam.heads.softmax import SoftMax, foreground_of, likeliest_class
from unseam.shapes import IGNORE, NOT_ANNOTATED


@dataclass(frozen=True)
class RidgeObjects(SoftMax):
    """Two logits, background and object; the soft-max of the second is the probability of an object.

    Examples
    --------
    >>> touching = np.array([[1, 1, 1, 2, 2, 2], [1, 1, 1, 0, -1, -1]], np.int32)
    >>> RidgeObjects().targets(Labels((touching > 0).astype(np.uint8), touching)).classes
    array([[  1,   1,   0,   0,   1,   1],
           [  1,   1,   0,   0, 255, 255]], dtype=uint8)
    """

    version: ClassVar[int] = 1
    needs_objects: ClassVar[bool] = True
    objects: ClassVar[Objects] = Objects(split=0.15)

    def logit_names(self, class_names: tuple[str, ...]) -> tuple[str, ...]:
        return class_names

    def targets(self, labels: Labels) -> Targets:
        """Return object or not, with a ridge of background between objects that touch."""
        assert labels.cells is not None, "masks that number objects are needed"
        cells = cut_ridge(labels.cells)
        classes = (cells > 0).astype(np.uint8)
        classes[labels.cells == NOT_ANNOTATED] = IGNORE
        return Targets(classes, cells)

    def classes(self, maps: Float[np.ndarray, "klass *place"]) -> UInt8[np.ndarray, "*place"]:
        return likeliest_class(maps)

    def foreground(self, maps: Float[np.ndarray, "klass *place"], klass: int | None = None) -> Float[np.ndarray, "*place"]:
        return foreground_of(maps, klass)
