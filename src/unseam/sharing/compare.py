"""The proof of an export: what was read back from its bytes, against `Model.predict` on an image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from unseam.sharing.plain_form import PlainForm
from unseam.sharing.torch_files import Runner

LIMIT = 1e-5
"""Largest difference of a map that counts as rounding."""

_SIDE = 176
"""px; each image of the batch."""


@dataclass(frozen=True)
class Difference:
    """What one exported network makes of one input, beside `Model.predict`.

    Attributes
    ----------
    weights
        The kind of file that was read back.
    case
        ``whole image``, ``odd size``, ``batch of two``, or ``as described``: grey values scaled by
        the words of the description.
    height, width
        Of the input, px.
    largest
        Largest absolute difference in a map.
    other_class
        Share of the pixels that get another class, 0 to 1.
    is_limited
        Whether more than `LIMIT` means that nothing is written.
    """

    weights: str
    case: str
    height: int
    width: int
    largest: float
    other_class: float
    is_limited: bool = True


@dataclass(frozen=True, eq=False)
class Proof:
    """One input of the network, and what `Model.predict` makes of the same pixels."""

    name: str
    images: Float[np.ndarray, "batch channel height width"]
    expected: Float[np.ndarray, "batch klass height width"]
    is_limited: bool = True


def cases_of(form: PlainForm, pixels: Shaped[np.ndarray, "height width *channel"]) -> tuple[Proof, ...]:
    """Return the inputs on which an export is compared: an image as a whole, with odd sides, and two parts of it as a batch."""
    height, width = pixels.shape[:2]
    odd = pixels[: _odd_below(height), : _odd_below(_odd_below(width))]
    rows, columns = min(height, _SIDE), min(width, _SIDE)
    two = (pixels[:rows, :columns], pixels[height - rows :, width - columns :])
    return (_case("whole image", form, [pixels]), _case("odd size", form, [odd]), _case("batch of two", form, two))


def compared(form: PlainForm, weights: str, run: Runner, cases: Sequence[Proof]) -> Iterator[Difference]:
    """Compute each case with an exported network, and compare."""
    classes = form.info.head.classes
    for case in cases:
        maps = run(case.images)
        assert maps.shape == case.expected.shape, f"{weights}: {maps.shape} instead of {case.expected.shape}"
        gap = np.abs(maps - case.expected)
        largest = float(gap.max()) if np.isfinite(gap).all() else float("inf")
        changed = [classes(ours) != classes(theirs) for ours, theirs in zip(case.expected, maps, strict=True)]
        height, width = case.images.shape[2:]
        other_class = float(np.mean(np.stack(changed)))
        yield Difference(weights, case.name, height, width, largest, other_class, case.is_limited)


def _case(name: str, form: PlainForm, parts: Sequence[np.ndarray]) -> Proof:
    ranges = form.grey.ranges(form.info.net.in_channels)
    images = np.stack([form.model.normalised(part, ranges) for part in parts])
    return Proof(name, images, np.stack([form.model.predict(part, ranges=ranges).probabilities for part in parts]))


def _odd_below(length: int) -> int:
    """Return the largest odd number below a length; 1 of 1.

    >>> [_odd_below(length) for length in (1, 2, 3, 100, 101)]
    [1, 1, 1, 99, 99]
    """
    return max(1, (length - 2) | 1)
