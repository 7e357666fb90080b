"""Volumes as planes of three orientations, so that a network of planes learns and segments them.

A volume (D, H, W) is cut along each of its axes::

    axis 0, planes    one plane (H, W) for each of the D planes, as it is stored
    axis 1, rows      one plane (D, W) for each row
    axis 2, columns   one plane (D, H) for each column

Each voxel lies in three planes, one of each orientation. What is held out of one orientation must not be learnt in another.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Shaped

from unseam.errors import DataError
from unseam.io import ImageFile
from unseam.io.calibration import Calibration

NAMES = ("plane", "row", "column")
"""What is counted along each axis of a volume."""

_ALIKE = 1.5
"""Factor by which the distance of planes may differ from the size of a pixel. Beyond, orientations look unlike."""


def check_volume(file: ImageFile, called: str) -> None:
    """Raise DataError unless a file holds one volume, whose voxels are nearly cubes. A single plane is not a volume.

    If the file does not state the size of its voxels, they count as cubes.
    """
    if "T" in file.axes:
        raise DataError(f"{called} is a movie of volumes. Save each time as a file of its own.")
    if "Z" not in file.axes:
        raise DataError(f"{called} is a single plane, not a volume. Leave --volumes out, or give stacks.")
    check_cubes(file.calibration, called)


def check_cubes(calibration: Calibration, called: str) -> None:
    """Raise DataError if planes lie much farther apart than pixels, or much closer."""
    if calibration.plane_um is None or calibration.pixel_um is None:
        return
    ratio = calibration.plane_um / (sum(calibration.pixel_um) / 2)
    if not 1 / _ALIKE <= ratio <= _ALIKE:
        raise DataError(
            f"{called}: its planes lie {ratio:.2g} times as far apart as its pixels, so rows and columns of planes look unlike "
            "the planes themselves. Treat it plane by plane (without --volumes, --average none), or resample it to cubes."
        )


def sliced(volume: Shaped[np.ndarray, "..."]) -> Iterator[tuple[int, int, Shaped[np.ndarray, "..."]]]:
    """Yield the planes of all orientations: axis, number along it, and pixels; further axes, such as channels, come last.

    >>> [(axis, number, plane.shape) for axis, number, plane in sliced(np.zeros((1, 2, 3)))][:2]
    [(0, 0, (2, 3)), (1, 0, (1, 3))]
    """
    for axis in range(3):
        for number, plane in enumerate(np.moveaxis(volume, axis, 0)):
            yield axis, number, plane


def crossing(axis: int, numbers: Sequence[int], other_axis: int) -> tuple[slice, slice]:
    """Return the rows and columns of a plane cut along ``other_axis`` that lie in neighbouring planes cut along ``axis``.

    >>> crossing(0, [3, 4], 1), crossing(2, [7], 0)
    ((slice(3, 5, None), slice(None, None, None)), (slice(None, None, None), slice(7, 8, None)))
    """
    assert axis != other_axis
    place = [one for one in range(3) if one != other_axis].index(axis)
    inside, whole = slice(min(numbers), max(numbers) + 1), slice(None)
    return (inside, whole) if place == 0 else (whole, inside)


def as_stack(file: ImageFile) -> Shaped[np.ndarray, "..."]:
    """Return the pixels of a volume as (D, H, W), or (D, H, W, C)."""
    return np.stack(file.planes())
