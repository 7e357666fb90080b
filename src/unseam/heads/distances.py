"""Objects by distances: the network learns how far a pixel lies from the rim of its object and from the next object.

Beside the classes there are two maps to learn, both from 0 to 1, and their difference is a hill in every object::

    objects    . 1 1 1 1 1 2 2 2 2 2 .
    distance   . 1 2 3 2 1 1 2 3 2 1 .  / 3     to the rim; the most of each object is 1
    nearness   . . . . - = = - . . . .          almost 1 where another object touches, falling inwards

The valleys between hills part touching objects, also where the distance alone has none, since the network blurs it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Float, UInt8

from unseam.heads.base import Labels, Targets, Way
from unseam.heads.objects import Objects
from unseam.heads.peaks import with_heights
from unseam.heads.rims import measure_rims
from unseam.heads.softmax import SoftMax, foreground_of, likeliest_class
from unseam.settings import check_range
from unseam.shapes import IGNORE, NOT_ANNOTATED

if TYPE_CHECKING:
    from torch import Tensor

    from unseam.losses import Loss

_NAMES = ("distance to the rim", "nearness of others")
_NUM = len(_NAMES)
_SMALL = 0.1
"""Below this error the energy is a square, above it a line: squares of errors below 1 would hardly move a young network."""

_SOFTMAX = SoftMax()
_THRESHOLDS = (0.8, 0.825, 0.775, 0.85, 0.75, 0.875, 0.9)  # distance - nearness: 0.2, 0.3, 0.1, 0.4, 0, 0.5, 0.6


@dataclass(frozen=True)
class Distances:
    """A logit for each class, and two distances; an object is a hill of their difference within the foreground.

    Attributes
    ----------
    weight
        How much the distances count in the energy, beside the classes.
    power
        The nearness falls from almost 1 beside another object to 0 at the place farthest from it, by this power.

    **Source:** Scherr, Löffler, Böhland, Mikut (2020), PLoS ONE 15(12), e0243219.

    Departs: the smooth L1 turns at an error of 0.1, theirs at 1. Foreground is a class, learnt by the cross entropy; theirs
    is a threshold of the distance. The nearness is defined in objects alone, not in gaps between them. The difference is not
    smoothed, so that a map depends on the pixel alone and chunks leave no seams.

    Examples
    --------
    >>> touching = np.array([[1, 1, 1, 2, 2, 2], [1, 1, 1, 0, -1, -1]], np.int32)
    >>> targets = Distances().targets(Labels((touching > 0).astype(np.uint8), touching))
    >>> targets.classes[1].tolist(), targets.planes[0][0].tolist()
    ([1, 1, 1, 0, 255, 255], [1.0, 0.66..., 0.33..., 1.0, 1.0, 1.0])
    """

    weight: float = 2.0
    power: float = 3.0

    version: ClassVar[int] = 1
    needs_objects: ClassVar[bool] = True
    objects: ClassVar[Objects] = Objects(threshold=_THRESHOLDS[0], grow_px=0.0)
    ways: ClassVar[tuple[Way, ...]] = tuple((threshold, 0.0) for threshold in _THRESHOLDS)

    def __post_init__(self) -> None:
        check_range("distances", "weight", self.weight, 1e-3, 1e3)
        check_range("distances", "power", self.power, 0.1, 100.0)

    def energies(self) -> type | UnionType:
        return _SOFTMAX.energies()

    def energy_of(self, energy: "Loss") -> Callable[..., "Tensor"]:
        """Return the energy of the classes, plus the smooth L1 of both distances, each a mean of w(x) over annotated pixels."""
        import torch.nn.functional as F

        def energy_and_distances(logits_BLHW: "Tensor", classes: "Tensor", weights: "Tensor", *planes: "Tensor") -> "Tensor":
            is_annotated = classes != IGNORE
            errors = sum(
                F.smooth_l1_loss(logits_BLHW[:, index - _NUM].float(), plane, reduction="none", beta=_SMALL)
                for index, plane in enumerate(planes)
            )
            regression = (errors * weights * is_annotated).sum() / is_annotated.sum().clamp(min=1)
            return energy(logits_BLHW[:, :-_NUM], classes, weights) + self.weight * regression

        return energy_and_distances

    def logit_names(self, class_names: tuple[str, ...]) -> tuple[str, ...]:
        return (*class_names, *_NAMES)

    def targets(self, labels: Labels) -> Targets:
        """Return object or not, the distance to the rim over its largest in the object, and the nearness of other objects."""
        assert labels.cells is not None, "masks that number objects are needed"
        cells = labels.cells
        classes = (cells > 0).astype(np.uint8)
        classes[cells == NOT_ANNOTATED] = IGNORE
        rims = measure_rims(cells)
        is_object = cells > 0
        distance, nearness = np.zeros(cells.shape, np.float32), np.zeros(cells.shape, np.float32)
        # An object that fills the image has its rim nowhere: all of it is middle.
        is_bounded = np.isfinite(rims.largest)
        distance[is_object & ~is_bounded] = 1
        np.divide(rims.to_rim, rims.largest, out=distance, where=is_object & is_bounded)
        is_near = is_object & np.isfinite(rims.to_other)
        nearness[is_near] = (1 - rims.to_other[is_near] / rims.reach[is_near]) ** np.float32(self.power)
        return Targets(classes, cells, (distance, nearness))

    def likeliest(self, logits: "Tensor") -> "Tensor":
        return _SOFTMAX.likeliest(logits[:, :-_NUM])

    def activate(self, logits: Float[np.ndarray, "logit *place"]) -> Float[np.ndarray, "logit *place"]:
        """Return the soft-max of the classes, and the distances within 0 and 1."""
        maps = np.empty_like(logits)
        maps[:-_NUM] = _SOFTMAX.activate(logits[:-_NUM])
        np.clip(logits[-_NUM:], 0, 1, out=maps[-_NUM:])
        return maps

    def mean_logits(self, logits: Iterable[Float[np.ndarray, "logit *place"]]) -> Float[np.ndarray, "logit *place"]:
        total: np.ndarray | None = None
        number = 0

        def classes_of_each() -> Iterable[np.ndarray]:
            nonlocal total, number
            for of_one in logits:
                number += 1
                within = np.clip(of_one[-_NUM:], 0, 1)
                total = within if total is None else np.add(total, within, out=total)
                yield of_one[:-_NUM]

        classes = _SOFTMAX.mean_logits(classes_of_each())
        assert total is not None
        return np.concatenate([classes, total / total.dtype.type(number)])

    def mean_maps(self, total: Float[np.ndarray, "logit *place"], number: int) -> Float[np.ndarray, "logit *place"]:
        _SOFTMAX.mean_maps(total[:-_NUM], number)
        total[-_NUM:] /= number
        return total

    def classes(self, maps: Float[np.ndarray, "logit *place"]) -> UInt8[np.ndarray, "*place"]:
        return likeliest_class(maps[:-_NUM])

    def class_maps(self, maps: Float[np.ndarray, "logit *place"]) -> Float[np.ndarray, "klass *place"]:
        return maps[:-_NUM]

    def foreground(self, maps: Float[np.ndarray, "logit *place"], klass: int | None = None) -> Float[np.ndarray, "*place"]:
        """Return the probability of background as it is; of objects, above 0.5, with distance less nearness as its height.

        The difference lies between -1 and 1 and the height is (1 + difference) / 2. Below 0 it still leads the flood: in a
        crowd, that is close to half the way from the rim to the middle.
        """
        likely = foreground_of(maps[:-_NUM], klass)
        if klass == 0:
            return likely
        distance, nearness = maps[-_NUM:]
        height = distance - nearness
        height += 1
        height *= height.dtype.type(0.5)
        return with_heights(likely, height)
