"""Objects by border and core: the network learns background, the inside of objects, and their rim.

::

    objects    . 1 1 1 1 1 2 2 2 2 2 .
    classes    . r r i r r r r i r r .      the insides never touch, so each is the start of one object
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Float, UInt8

from unseam.heads.base import Labels, Targets, Way
from unseam.heads.flood import LIKELY
from unseam.heads.objects import Objects
from unseam.heads.peaks import with_heights
from unseam.heads.rims import measure_rims
from unseam.heads.softmax import SoftMax, foreground_of
from unseam.settings import check_range
from unseam.shapes import IGNORE, NOT_ANNOTATED

if TYPE_CHECKING:
    from torch import Tensor

_CORE, _RIM = 1, 2
_THRESHOLDS = (0.75, 0.7, 0.8, 0.65, 0.85, 0.6, 0.9)  # probability of the inside: 0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8


@dataclass(frozen=True)
class BorderAndCore(SoftMax):
    """Three logits, background, inside and rim; inside and rim together are the foreground.

    An object starts where the inside is probable, and takes the foreground around it in the order of that probability.

    Attributes
    ----------
    rim_px
        Width of the rim, px. In small objects it is half of the largest distance to the rim, so that each keeps an inside.

    Examples
    --------
    >>> one = np.zeros((1, 9), np.int32)
    >>> one[0, 1:] = 1
    >>> BorderAndCore().targets(Labels((one > 0).astype(np.uint8), one)).classes.tolist()
    [[0, 2, 2, 1, 1, 1, 1, 1, 1]]
    """

    rim_px: float = 2.0

    version: ClassVar[int] = 1
    needs_objects: ClassVar[bool] = True
    objects: ClassVar[Objects] = Objects(threshold=_THRESHOLDS[0], grow_px=0.0)
    ways: ClassVar[tuple[Way, ...]] = tuple((threshold, 0.0) for threshold in _THRESHOLDS)

    def __post_init__(self) -> None:
        check_range("border_and_core", "rim_px", self.rim_px, 1.0, 100.0)

    def logit_names(self, class_names: tuple[str, ...]) -> tuple[str, ...]:
        return class_names[0], "inside", "rim"

    def targets(self, labels: Labels) -> Targets:
        """Return background, inside and rim."""
        assert labels.cells is not None, "masks that number objects are needed"
        rims = measure_rims(labels.cells, others=False)
        width = np.minimum(np.float32(self.rim_px), rims.largest / 2)
        classes = np.where(rims.to_rim > width, np.uint8(_CORE), np.uint8(_RIM))
        classes[labels.cells == 0] = 0
        classes[labels.cells == NOT_ANNOTATED] = IGNORE
        return Targets(classes, labels.cells)

    def likeliest(self, logits: "Tensor") -> "Tensor":
        """Return 1 where inside and rim together are more probable than background."""
        return (logits[:, 1:].logsumexp(dim=1) > logits[:, 0]).long()

    def classes(self, maps: Float[np.ndarray, "klass *place"]) -> UInt8[np.ndarray, "*place"]:
        return (maps[_CORE] + maps[_RIM] > LIKELY).astype(np.uint8)

    def foreground(self, maps: Float[np.ndarray, "klass *place"], klass: int | None = None) -> Float[np.ndarray, "*place"]:
        """Return the probability of background as it is; of objects, above 0.5, with the inside as its height."""
        likely = foreground_of(np.stack([maps[0], maps[_CORE] + maps[_RIM]]), klass)
        return likely if klass == 0 else with_heights(likely, maps[_CORE])
