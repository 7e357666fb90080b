"""Runs of pixels: a start in reading order, a length, and the value that the pixels get."""

from collections.abc import Collection

import numpy as np
from jaxtyping import Integer, Shaped

from unseam.errors import DataError

RUN = np.dtype([("start", "<u4"), ("length", "<u4"), ("value", "<i4")])
"""One run as it travels: 12 bytes."""


def check_runs(data: bytes, height: int, width: int, values: Collection[int] | range) -> Shaped[np.ndarray, " run"]:
    """Read runs that come from outside.

    Parameters
    ----------
    values
        The values that a run may have.

    Returns
    -------
    array of RUN
        Sorted, without overlap; each run lies in one row of the image.

    Raises
    ------
    DataError
        If the bytes are anything else; it says what.
    """
    if len(data) % RUN.itemsize:
        raise DataError(f"The runs take {len(data)} bytes; each takes {RUN.itemsize}. Send them again.")
    runs = np.frombuffer(data, RUN)
    if not len(runs):
        raise DataError("The operation has no runs. Send at least one.")
    start, length = runs["start"].astype(np.int64), runs["length"].astype(np.int64)
    if (length < 1).any() or (start + length > height * width).any():
        raise DataError(f"A run leaves the image of {height} x {width} px, or is empty. Send runs inside the image.")
    if (start // width != (start + length - 1) // width).any():
        raise DataError("A run goes over the end of its row. Cut it there.")
    if (start[1:] < start[:-1] + length[:-1]).any():
        raise DataError("The runs overlap, or are not sorted by their start. Sort and join them.")
    wrong = [int(value) for value in np.unique(runs["value"]) if int(value) not in values]
    if wrong:
        raise DataError(f"A run has the value {wrong[0]}, which no class has. Add the class first.")
    return runs


def pixels_of(runs: Shaped[np.ndarray, " run"]) -> Integer[np.ndarray, " pixel"]:
    """Return the index of each pixel of the runs, in their order.

    >>> pixels_of(np.array([(2, 2, 1), (9, 1, 1)], RUN))
    array([2, 3, 9])
    """
    length = runs["length"].astype(np.int64)
    ends = np.cumsum(length)
    offset = np.repeat(runs["start"].astype(np.int64) - (ends - length), length)
    return offset + np.arange(len(offset))


def values_of(runs: Shaped[np.ndarray, " run"]) -> Integer[np.ndarray, " pixel"]:
    """Return the value of each pixel of the runs, in the order of :func:`pixels_of`."""
    return np.repeat(runs["value"].astype(np.int32), runs["length"].astype(np.int64))


def join_runs(
    pixels: Integer[np.ndarray, " pixel"], values: Integer[np.ndarray, " pixel"], width: int
) -> Shaped[np.ndarray, " run"]:
    """Return the fewest runs for sorted pixels and their values; no run goes over the end of a row.

    >>> join_runs(np.array([2, 3, 4, 5]), np.array([1, 1, 1, 0]), width=4).tolist()
    [(2, 2, 1), (4, 1, 1), (5, 1, 0)]
    """
    if not len(pixels):
        return np.zeros(0, RUN)
    is_new = np.ones(len(pixels), bool)
    is_new[1:] = (np.diff(pixels) != 1) | (np.diff(values) != 0) | (pixels[1:] % width == 0)
    first = np.flatnonzero(is_new)
    runs = np.zeros(len(first), RUN)
    runs["start"], runs["value"] = pixels[first], values[first]
    runs["length"] = np.diff(np.append(first, len(pixels)))
    return runs
