"""Colours of labels in a result: those of Okabe and Ito, which colour-blind people can tell apart."""

from collections.abc import Sequence
from typing import Any

PALETTE = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))
"""Okabe and Ito (2008), "Color universal design", without black and with the strongest first; each from 0 to 255."""

MOST_COLOURED = 4096
"""Objects of a plane that get colours. Each costs 100 bytes of metadata, and our reader takes a megabyte."""


def label_colours(values: Sequence[int]) -> list[dict[str, Any]]:
    """Return the ``colors`` of OME-NGFF for label values; the first is background and transparent.

    >>> label_colours((0, 255))
    [{'label-value': 0, 'rgba': [0, 0, 0, 0]}, {'label-value': 255, 'rgba': [230, 159, 0, 255]}]
    """
    shown = [[*PALETTE[at % len(PALETTE)], 255] for at in range(len(values) - 1)]
    return [{"label-value": value, "rgba": rgba} for value, rgba in zip(values, [[0, 0, 0, 0], *shown], strict=True)]


def object_colours(highest: int) -> list[dict[str, Any]]:
    """Return the colours of objects 1 to ``highest``; none beyond :data:`MOST_COLOURED`.

    All or none: napari draws a label without a colour as background if any other label has one, and colours all of them itself
    if none has.
    """
    return label_colours(range(highest + 1)) if highest <= MOST_COLOURED else []
