"""The soft-max (paper, section 3) and what is read from it: a brick for heads that tell classes apart."""

from collections.abc import Iterable
from types import UnionType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from unseam.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor


def softmax(logits: Float[np.ndarray, "klass *place"]) -> Float[np.ndarray, "klass *place"]:
    """Probabilities over the first axis (paper, section 3: p_k = exp(a_k) / sum exp(a_k'))."""
    shifted = logits - logits.max(axis=0)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=0)
    return shifted


def log_softmax(logits: Float[np.ndarray, "klass *place"]) -> Float[np.ndarray, "klass *place"]:
    """Logarithms of the probabilities."""
    shifted: np.ndarray = logits - logits.max(axis=0)
    shifted -= np.log(np.exp(shifted).sum(axis=0))
    return shifted


class SoftMax:
    """The methods of a head that has a soft-max over its logits; final, none is overridden."""

    def energies(self) -> type | UnionType:
        """All that judge the probability of the true class."""
        from unseam.losses import Loss

        return Loss

    def likeliest(self, logits: "Tensor") -> "Tensor":
        """The class with the largest logit, the first of equals."""
        return logits.argmax(dim=1)

    def activate(self, logits: Float[np.ndarray, "klass *place"]) -> Float[np.ndarray, "klass *place"]:
        """Probabilities, which sum to 1 over the first axis."""
        return softmax(logits)

    def mean_logits(self, logits: Iterable[Float[np.ndarray, "klass *place"]]) -> Float[np.ndarray, "klass *place"]:
        """log of the mean probability: a valid logit, for the soft-max of log p is p."""
        total: np.ndarray | None = None
        number = 0
        for of_one in logits:
            number += 1
            log_of_p = log_softmax(of_one)
            total = log_of_p if total is None else np.logaddexp(total, log_of_p, out=total)
        assert total is not None, "the mean of no network"
        total -= np.log(number).astype(total.dtype)
        return total

    def mean_maps(self, total: Float[np.ndarray, "klass *place"], number: int) -> Float[np.ndarray, "klass *place"]:
        """Divided by the sum over the classes, so that rounding leaves a sum of 1."""
        total /= total.sum(axis=0)
        return total


def likeliest_class(probabilities: Float[np.ndarray, "klass *place"]) -> UInt8[np.ndarray, "*place"]:
    """The class with the largest probability at each place, the first of equals; ``argmax`` of the first axis, but faster.

    NumPy's goes through the classes of each pixel, which lie far apart; here each class is a few passes over all pixels. One
    that is likelier than all before it has a larger number than they have, so the larger number is kept.
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


def foreground_of(
    probabilities: Float[np.ndarray, "klass *place"], foreground: int | None = None
) -> Float[np.ndarray, "*place"]:
    """Probability of the foreground: of one class, or (None) of all but the background together.

    Raises
    ------
    DataError
        Fewer than two classes, or no such class.
    """
    classes = len(probabilities)
    if classes < 2:
        raise DataError(
            f"Probabilities of {classes} class came. A foreground needs 2 or more: background, then the others. Train with two "
            "classes or more."
        )
    if foreground is None:
        # Two classes need no sum, and a sum in the array's own type would round.
        return probabilities[1] if classes == 2 else probabilities[1:].sum(axis=0)
    if not 0 <= foreground < classes:
        raise DataError(
            f"Foreground class {foreground} came. These probabilities have classes 0 to {classes - 1}; "
            "name one of them, or none to take every class but 0."
        )
    chosen: Float[np.ndarray, "*place"] = probabilities[foreground]
    return chosen
