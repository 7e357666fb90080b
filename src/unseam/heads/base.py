"""What every head promises, and what it reads and returns in training.

This room loads no PyTorch, so that masks are checked and scored without waiting for it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8

from unseam.heads.objects import Objects

if TYPE_CHECKING:
    from torch import Tensor

    from unseam.losses import Loss


Way = tuple[float, float]
"""A threshold and a split, as in `Objects`."""


@dataclass(frozen=True)
class Labels:
    """One mask as it was read; both maps in the frame of the image.

    Attributes
    ----------
    classes
        (H, W), 0 is background; ``IGNORE`` where not annotated.
    cells
        (H, W), 0 background, 1, 2, ... the separate cells, ``NOT_ANNOTATED`` where not annotated: numbered objects, or the
        pieces of foreground in a mask of two values. None if classes tile the image.
    """

    classes: UInt8[np.ndarray, "height width"]
    cells: Int32[np.ndarray, "height width"] | None = None


@dataclass(frozen=True)
class Targets:
    """The output that a network should learn for one image; all maps in the frame of the image.

    Attributes
    ----------
    classes
        (H, W), ``IGNORE`` where not annotated. The energy, the class weights and the choice of crops read it.
    cells
        (H, W), the cells whose gaps Eq. 2 weighs: 0 background, ``NOT_ANNOTATED`` where not annotated. None: no such term.
    planes
        Further targets (H, W), such as a distance in px. The energy receives them after classes and weights.
    """

    classes: UInt8[np.ndarray, "height width"]
    cells: Int32[np.ndarray, "height width"] | None = None
    planes: tuple[Float32[np.ndarray, "height width"], ...] = ()


@runtime_checkable
class HeadProtocol(Protocol):
    """The methods of a head. Its result at a pixel depends on the logits of that pixel alone, so tiles leave no seams.

    There is one map for each logit. A map must mean the same after the image is turned or flipped.
    """

    version: ClassVar[int]
    """Raised when the meaning of the logits changes; the model file keeps it."""

    needs_objects: ClassVar[bool]
    """Whether it learns only from masks that number objects."""

    objects: ClassVar[Objects]
    """How objects are found in its foreground; settings that differ from the general default replace it."""

    ways: ClassVar[tuple[Way, ...]]
    """Ways to part objects that the held-out part may choose. Of equally good ones the first is kept."""

    def energies(self) -> type | UnionType:
        """Return the types of the energies that it can learn with."""

    def energy_of(self, energy: "Loss") -> Callable[..., "Tensor"]:
        """Return ``(logits, classes, weights, *planes) -> energy``, made of one of `energies` and what the planes need."""

    def logit_names(self, class_names: tuple[str, ...]) -> tuple[str, ...]:
        """Name each logit of a pixel, given the names of the classes, background first."""

    def targets(self, labels: Labels) -> Targets:
        """Make the targets of one image."""

    def likeliest(self, logits: "Tensor") -> "Tensor":
        """Choose the class (B, H, W) of each pixel from logits (B, L, H, W) in training, on any device; 0 is background."""

    def activate(self, logits: Float[np.ndarray, "logit *place"]) -> Float[np.ndarray, "logit *place"]:
        """Turn logits into maps; do not change the logits."""

    def mean_logits(self, logits: Iterable[Float[np.ndarray, "logit *place"]]) -> Float[np.ndarray, "logit *place"]:
        """Join the logits of several networks: `activate` of the result is the mean of their maps."""

    def mean_maps(self, total: Float[np.ndarray, "logit *place"], number: int) -> Float[np.ndarray, "logit *place"]:
        """Turn the sum of the maps of several versions of an image into their mean; may write into the sum."""

    def classes(self, maps: Float[np.ndarray, "logit *place"]) -> UInt8[np.ndarray, "*place"]:
        """Choose the class of each pixel, an index into the class names."""

    def class_maps(self, maps: Float[np.ndarray, "logit *place"]) -> Float[np.ndarray, "klass *place"]:
        """Return the probability of each class of the targets; at a pixel they add up to 1."""

    def foreground(self, maps: Float[np.ndarray, "logit *place"], klass: int | None = None) -> Float[np.ndarray, "*place"]:
        """Return how likely, 0 to 1, each pixel lies in an object: of one class, or (None) of any but the background.

        :class:`unseam.heads.objects.Objects` makes objects from this map alone, in memory and chunk by chunk. The map must
        fall between two objects that touch. Raises `DataError` if there is no such class.
        """
