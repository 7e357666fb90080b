"""The grey ranges of the planes of stacks: which planes share one, and what a user should know where they differ."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from jaxtyping import Shaped

from unseam.data.normalise import Normalise, Ranges

_TENFOLD = 8.0  # a plane with a tenth of the light has a little more of the range, because its noise has not shrunk
_MOST_RUNS = 6


def ranges_by_stack(
    images: Sequence[Shaped[np.ndarray, "_ _ ..."]], stacks: Sequence[str], normalise: Normalise
) -> list[Ranges]:
    """Return the ranges of each image; those with the same name of a stack are its planes, those without are alone.

    Raises DataError if an image cannot be normalised.
    """
    members: dict[str, list[int]] = {}
    for number, stack in enumerate(stacks):
        members.setdefault(stack or f"\0{number}", []).append(number)
    found: dict[int, Ranges] = {}
    for numbers in members.values():
        found |= zip(numbers, normalise.ranges_of([images[number] for number in numbers]), strict=True)
    return [found[number] for number in range(len(images))]


def stack_note(ranges: Sequence[Ranges], normalise: Normalise, option: str) -> tuple[str, ...]:
    """Return a sentence for the user if planes of a stack with these ranges are stretched by very different factors.

    ``option`` is what to give for one range over all planes.
    """
    words = uneven_planes(ranges) if normalise.over == "plane" else None
    if words is None:
        return ()
    remedy = f"if planes are dim because they are empty or out of focus, {option} takes one range for the whole stack"
    return (f"{words}; each plane is stretched to its own range, so noise may look like objects: {remedy}",)


def uneven_planes(ranges: Sequence[Ranges]) -> str | None:
    """Say which planes of a stack span less than a tenth of the grey values of another; None if none does.

    A plane of a single grey value is left out: there is nothing to stretch in it.

    >>> from unseam.data.normalise import GreyRange
    >>> uneven_planes([(GreyRange(0, span),) for span in (20, 5, 900, 0, 30)])
    'planes 0, 1 and 4 span 5 to 30 grey levels, plane 2 spans 900'
    """
    spans = np.array([[one.high - one.low for one in plane] for plane in ranges])
    is_dim = (spans > 0) & (spans * _TENFOLD <= spans.max(axis=0, keepdims=True))
    if not is_dim.any():
        return None
    channel = int(np.argmax(is_dim.sum(axis=0)))
    dim, widest = spans[is_dim[:, channel], channel], int(np.argmax(spans[:, channel]))
    few, most = f"{dim.min():,.4g}", f"{dim.max():,.4g}"
    levels = few if few == most else f"{few} to {most}"
    where = f" of channel {channel}" if spans.shape[1] > 1 else ""
    names = np.flatnonzero(is_dim[:, channel]).tolist()
    verb = "span" if len(names) > 1 else "spans"
    return f"{_listed(names)} {verb} {levels} grey levels{where}, plane {widest} spans {spans[widest, channel]:,.4g}"


def _listed(numbers: Sequence[int]) -> str:
    """Return words for numbers in order, with runs.

    >>> _listed([3]), _listed([0, 1, 2, 5, 7]), _listed([4, 5])
    ('plane 3', 'planes 0 to 2, 5 and 7', 'planes 4 and 5')
    """
    if len(numbers) == 1:
        return f"plane {numbers[0]}"
    parts: list[str] = []
    for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        parts += [f"{members[0]} to {members[-1]}"] if len(members) > 2 else [str(number) for number in members]
    if len(parts) > _MOST_RUNS:
        return f"{len(numbers)} planes ({', '.join(parts[: _MOST_RUNS - 1])} and more)"
    return f"planes {', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else f"planes {parts[0]}"
