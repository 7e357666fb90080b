"""The outlines of the objects of a plane, window by window: no more than a window, or one object, is in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from unseam.geometry.chunk_grid import ChunkGrid
from unseam.io.large import LargeImage
from unseam.measuring.region_properties import MOST_BOX
from unseam.measuring.windows import SIDE, aligned_windows, read_numbers
from unseam.outlines.outline import At, Outline
from unseam.outlines.trace import trace_outlines


@dataclass(frozen=True, eq=False)
class Located:
    """Where the objects of one plane of a source are.

    Attributes
    ----------
    source, plane
        Their numbers.
    first_row
        Number of the row of the first object in the table of all.
    boxes
        Top, left, bottom, right.
    classes
        The class of each; None without classes.
    """

    source: int
    plane: int
    first_row: int
    ids: Int64[np.ndarray, "objects"]
    boxes: Int64[np.ndarray, "objects 4"]
    classes: Int64[np.ndarray, "objects"] | None = None


def outlines_of_plane(labels: LargeImage, located: Located, side: int = SIDE) -> Iterator[tuple[int, Outline]]:
    """Yield the number of the row of each object in the table, and its outline; objects over :data:`MOST_BOX` are left out.

    An object that lies in several windows is read on its own.
    """
    ids, boxes = located.ids, located.boxes
    grid = ChunkGrid(labels.height, labels.width, side)
    first, last = boxes[:, :2] // side, (boxes[:, 2:] - 1) // side
    is_inside = (first == last).all(axis=1)
    chunk_of = first[:, 0] * grid.num_columns + first[:, 1]
    for chunk, window in enumerate(aligned_windows(grid)):
        here = np.flatnonzero(is_inside & (chunk_of == chunk))
        if len(here):
            found = read_numbers(labels, located.plane, window)
            found = np.where(np.isin(found, ids[here]), found, 0)
            for at, outline in zip(here.tolist(), trace_outlines(found, (window[0].start, window[1].start)), strict=True):
                yield located.first_row + at, _placed(outline, labels, located, at)
    sizes = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    for at in np.flatnonzero(~is_inside & (sizes <= MOST_BOX)).tolist():
        top, left, bottom, right = boxes[at].tolist()
        found = read_numbers(labels, located.plane, (slice(top, bottom), slice(left, right)))
        (outline,) = trace_outlines(np.where(found == ids[at], found, 0), (top, left))
        yield located.first_row + at, _placed(outline, labels, located, at)


def _placed(outline: Outline, labels: LargeImage, located: Located, at: int) -> Outline:
    index = np.unravel_index(located.plane, labels.plane_shape) if labels.plane_shape else ()
    place = dict(zip(labels.plane_axes, (int(one) for one in index), strict=True))
    name = "" if located.classes is None else str(located.classes[at])
    return replace(outline, class_name=name, at=At(place.get("T", 0), place.get("Z", 0)))
