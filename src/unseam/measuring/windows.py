"""One plane, window by window: the memory does not depend on its size, only on the number of its objects."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Integer, Shaped

from unseam.data.label_evidence import whole_numbers
from unseam.errors import ImageReadError
from unseam.geometry.chunk_grid import ChunkGrid, Window
from unseam.io.large import LargeImage
from unseam.measuring.facts import Facts, facts_of_window, merged_facts
from unseam.measuring.outside import HALO
from unseam.measuring.region_properties import Box, ReadBox

SIDE = 1024
"""Side of a window, px. Arrays of this size are taken from memory that the last window left; larger ones are slower by half."""
_HELD = 16  # facts of windows that are held before they are joined


def measure_plane(
    labels: LargeImage, image: LargeImage | None, class_map: LargeImage | None, plane: int, side: int = SIDE
) -> Facts:
    """Find the facts about the objects of one plane; all three images have its size.

    Raises
    ------
    ImageReadError, LabelError
        If pixels cannot be read, a label is no whole number, or a grey value is no number.
    """
    grid = ChunkGrid(labels.height, labels.width, side)
    held: list[Facts] = []
    for window in aligned_windows(grid):
        wide = read_wide(labels, plane, window, HALO)
        held.append(
            facts_of_window(
                wide,
                None if image is None else read_greys(image, plane, window),
                None if class_map is None else read_numbers(class_map, plane, window),
                corner=(window[0].start, window[1].start),
            )
        )
        if len(held) == _HELD:
            held = [merged_facts(held)]
    return merged_facts(held)


def aligned_windows(grid: ChunkGrid) -> Iterator[Window]:
    """Yield the windows of a plane, row by row."""
    return (grid.window(chunk) for chunk in range(len(grid)))


def read_numbers(labels: LargeImage, plane: int, window: Window) -> Integer[np.ndarray, "height width"]:
    """Read whole numbers. Raises LabelError for fractions and for numbers below -1."""
    found = labels.read(plane, *window)
    return whole_numbers(found[..., 0] if labels.has_channels and labels.num_channels == 1 else found, str(labels.path))


def read_wide(labels: LargeImage, plane: int, window: Window, halo: int) -> Integer[np.ndarray, "wide_height wide_width"]:
    """Read a window with a halo, which is 0 outside the plane."""
    rows, columns = window
    top, left = min(halo, rows.start), min(halo, columns.start)
    bottom, right = min(halo, labels.height - rows.stop), min(halo, labels.width - columns.stop)
    larger = slice(rows.start - top, rows.stop + bottom), slice(columns.start - left, columns.stop + right)
    found = read_numbers(labels, plane, larger)
    return np.pad(found, ((halo - top, halo - bottom), (halo - left, halo - right)))


def read_greys(image: LargeImage, plane: int, window: Window) -> Shaped[np.ndarray, "height width channel"]:
    """Read grey values with an axis of channels. Raises ImageReadError if one is no number: it would spoil a mean."""
    found = image.read(plane, *window)
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ImageReadError(
            image.path, "holds NaN or infinity, and no mean can be taken over these; replace them, for instance by 0"
        )
    return found if image.has_channels else found[..., np.newaxis]


def reader_of_boxes(labels: LargeImage, image: LargeImage | None, plane: int) -> ReadBox:
    """Return the function that reads the box of an object."""

    def read(box: Box) -> tuple[np.ndarray, np.ndarray | None]:
        return read_numbers(labels, plane, box), None if image is None else read_greys(image, plane, box)

    return read
