"""What a training begins with: the one place where that is decided, unless the user names a start.

``--from nothing`` draws the weights. ``--from auto`` begins with a network that ships if that network already finds the objects
of the user's images as they are, and draws the weights otherwise. `DEFAULT` is what training does without ``--from``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

NOTHING = "nothing"
AUTO = "auto"

DEFAULT: Literal["nothing", "auto"] = "auto"
"""What training does without ``--from``."""

LEAST = 0.5
"""Least panoptic quality with which a network finds objects that it was never trained on, to be their start. Measured: a
network with 0.69 is a start that pays, and those with 0.02 and 0.14 do not (docs/networks.md)."""


@dataclass(frozen=True)
class Chosen:
    """What a training begins with, and why, as words that continue the sentence "training begins with".

    ``is_measured``: a network was asked; otherwise there was nothing to choose from.
    """

    start: str
    reason: str
    is_measured: bool = True


def is_to_be_decided(start: object, *, is_settled: bool) -> bool:
    """Return whether the start is to be decided. ``is_settled``: recipe or settings say what it is, or contradict any start."""
    return start == AUTO or (start is None and not is_settled and DEFAULT == AUTO)


def decide(candidates: Iterable[str], quality_of: Callable[[str], float]) -> Chosen:
    """Decide what a training begins with.

    Parameters
    ----------
    candidates
        The networks that may be a start for these masks.
    quality_of
        Returns the panoptic quality of a network on annotated images of the user.

    Examples
    --------
    >>> decide(["cells", "nuclei"], {"cells": 0.1, "nuclei": 0.6875}.__getitem__).reason
    'nuclei, which finds the annotated objects before any training: panoptic quality 0.69'
    >>> decide(["nuclei"], {"nuclei": 0.1}.__getitem__).reason
    'drawn weights: no network that ships knows these objects (panoptic quality: nuclei 0.10)'
    """
    qualities = {name: quality_of(name) for name in candidates}
    if not qualities:
        return Chosen(NOTHING, "drawn weights: no network that ships is for such masks", is_measured=False)
    best = max(qualities, key=lambda name: qualities[name])
    if qualities[best] >= LEAST:
        how = f"panoptic quality {qualities[best]:.2f}"
        return Chosen(best, f"{best}, which finds the annotated objects before any training: {how}")
    figures = ", ".join(f"{name} {quality:.2f}" for name, quality in qualities.items())
    return Chosen(NOTHING, f"drawn weights: no network that ships knows these objects (panoptic quality: {figures})")
