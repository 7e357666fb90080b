"""The soft-max (paper, section 3), shared by the heads that distinguish classes."""

from collections.abc import Callable, Iterable
from functools import reduce
from types import UnionType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Float, UInt8

from unseam.errors import DataError
from unseam.heads.base import Way
from unseam.heads.objects import Objects

if TYPE_CHECKING:
    from torch import Tensor

    from unseam.losses import Loss


def softmax(logits: Float[np.ndarray, "klass *place"]) -> Float[np.ndarray, "klass *place"]:
    """Return probabilities over the first axis (paper, section 3: p_k = exp(a_k) / sum exp(a_k'))."""
    # Plane by plane: NumPy's reductions along a first axis of two or three entries take 4 to 20 times as long.
    shifted = logits - reduce(np.maximum, logits)
    np.exp(shifted, out=shifted)
    shifted /= reduce(np.add, shifted)
    return shifted


def log_softmax(logits: Float[np.ndarray, "klass *place"]) -> Float[np.ndarray, "klass *place"]:
    """Return the logarithms of the probabilities."""
    shifted: np.ndarray = logits - reduce(np.maximum, logits)
    shifted -= np.log(reduce(np.add, np.exp(shifted)))
    return shifted


class SoftMax:
    """The methods of a head with a soft-max over its logits.

    A head that learns more classes than it finds, such as a border, has its own `likeliest`.
    """

    objects: ClassVar[Objects] = Objects()
    ways: ClassVar[tuple[Way, ...]] = (
        *((0.5, split) for split in (0.15, 0.2, 0.1, 0.3)), *((0.35, split) for split in (0.15, 0.2, 0.3)),
        *((threshold, 0.0) for threshold in (0.5, 0.7, 0.9)),
    )  # fmt: skip

    def energies(self) -> type | UnionType:
        """Return all energies that judge the probability of the true class."""
        from unseam.losses import Loss

        return Loss

    def energy_of(self, energy: "Loss") -> "Callable[..., Tensor]":
        """Return the energy itself: all logits are classes, and there are no further planes."""
        return energy

    def likeliest(self, logits: "Tensor") -> "Tensor":
        """Return the class with the largest logit, the first of equals."""
        return logits.argmax(dim=1)

    def activate(self, logits: Float[np.ndarray, "klass *place"]) -> Float[np.ndarray, "klass *place"]:
        return softmax(logits)

    def mean_logits(self, logits: Iterable[Float[np.ndarray, "klass *place"]]) -> Float[np.ndarray, "klass *place"]:
        """Return the logarithm of the mean probability: a valid logit, since the soft-max of log p is p."""
        # One network at a time: all maps of all networks would not fit into memory.
        total: np.ndarray | None = None
        number = 0
        for network_logits in logits:
            number += 1
            log_p = log_softmax(network_logits)
            total = log_p if total is None else np.logaddexp(total, log_p, out=total)
        assert total is not None, "the mean of no network"
        total -= np.log(number).astype(total.dtype)
        return total

    def class_maps(self, maps: Float[np.ndarray, "klass *place"]) -> Float[np.ndarray, "klass *place"]:
        return maps

    def mean_maps(self, total: Float[np.ndarray, "klass *place"], number: int) -> Float[np.ndarray, "klass *place"]:
        """Divide by the sum over the classes rather than by the number, so that rounding leaves a sum of 1."""
        total /= reduce(np.add, total)
        return total


def likeliest_class(probabilities: Float[np.ndarray, "klass *place"]) -> UInt8[np.ndarray, "*place"]:
    """Return the class with the largest probability at each place, the first of equals.

    This is a faster ``argmax`` of the first axis. NumPy's visits the classes of one pixel after another, which lie far apart
    in memory. Here each class takes a few passes over all pixels; a class that is likelier than all before it has a larger
    number than they have, so keeping the larger number is enough.
    """
    assert len(probabilities) <= 256
    highest = probabilities[0]
    found = np.zeros(highest.shape, np.uint8)
    for klass, candidate in enumerate(probabilities[1:], start=1):
        is_higher = (candidate > highest).view(np.uint8)
        np.maximum(found, is_higher * np.uint8(klass), out=found)
        if klass + 1 < len(probabilities):
            highest = np.maximum(highest, candidate)
    return found


def foreground_of(probabilities: Float[np.ndarray, "klass *place"], klass: int | None = None) -> Float[np.ndarray, "*place"]:
    """Return the probability of one class, or (None) of all but the background together.

    Raises `DataError` for fewer than two classes, or if there is no such class.
    """
    num_classes = len(probabilities)
    if num_classes < 2:
        raise DataError(
            f"Got probabilities of {num_classes} class. A foreground needs 2 or more, background first. Train with two classes "
            "or more."
        )
    if klass is None:
        # Two classes need no sum, and a sum in the array's own type would round.
        return probabilities[1] if num_classes == 2 else probabilities[1:].sum(axis=0)
    if not 0 <= klass < num_classes:
        raise DataError(
            f"Got foreground class {klass}. These probabilities have classes 0 to {num_classes - 1}; "
            "name one of them, or none to take every class but 0."
        )
    chosen: Float[np.ndarray, "*place"] = probabilities[klass]
    return chosen
