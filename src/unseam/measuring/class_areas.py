"""A class map: the area of each class, and in how many connected pieces it comes; window by window."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, Integer
from scipy import ndimage, sparse
from scipy.sparse.csgraph import connected_components

from unseam.geometry.chunk_grid import ChunkGrid
from unseam.io.large import LargeImage
from unseam.measuring.windows import SIDE, aligned_windows, read_numbers


@dataclass(frozen=True, eq=False)
class ClassAreas:
    """The values of a class map, rising; px and number of pieces of each. Pieces join at sides, not at corners."""

    values: Int64[np.ndarray, "values"]
    areas: Int64[np.ndarray, "values"]
    pieces: Int64[np.ndarray, "values"]


def number_pieces(
    labels: Integer[np.ndarray, "height width"],
) -> tuple[Int64[np.ndarray, "height width"], Int64[np.ndarray, "n"]]:
    """Number the connected pieces of all values from 0 on; also return the value of each.

    >>> number_pieces(np.array([[1, 1, 0], [0, 1, 2]]))[1].tolist()
    [0, 0, 1, 2]
    """
    numbers = np.zeros(labels.shape, np.int64)
    values: list[int] = []
    for value in np.unique(labels).tolist():
        found, number = ndimage.label(labels == value)
        numbers += np.where(found > 0, found + (len(values) - 1), 0)
        values += [value] * number
    return numbers, np.asarray(values, np.int64)


def measure_classes(class_map: LargeImage, plane: int, side: int = SIDE) -> ClassAreas:
    """Measure one plane of a class map. Only the pieces along the edges of windows are compared, so memory is bounded."""
    grid = ChunkGrid(class_map.height, class_map.width, side)
    areas: dict[int, int] = {}
    value_of: list[Int64[np.ndarray, "n"]] = []
    pairs: list[np.ndarray] = []
    num_pieces = 0
    bottoms: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # last row of the window above, by column of windows
    right = np.zeros(0, np.int64), np.zeros(0, np.int64)  # last column of the window before
    for chunk, window in enumerate(aligned_windows(grid)):
        labels = read_numbers(class_map, plane, window)
        numbers, values = number_pieces(labels)
        numbers += num_pieces
        num_pieces += len(values)
        value_of.append(values)
        for value, number in zip(*np.unique(labels, return_counts=True), strict=True):
            areas[int(value)] = areas.get(int(value), 0) + int(number)
        row, column = grid.place(chunk)
        if row:
            pairs.append(_joined((numbers[0], labels[0]), bottoms[column]))
        if column:
            pairs.append(_joined((numbers[:, 0], labels[:, 0]), right))
        bottoms[column] = numbers[-1].copy(), labels[-1].copy()
        right = numbers[:, -1].copy(), labels[:, -1].copy()
    joined = np.concatenate([np.zeros((0, 2), np.int64), *pairs])
    matrix = sparse.coo_matrix((np.ones(len(joined)), joined.T), shape=(num_pieces, num_pieces))
    _, component = connected_components(matrix, directed=False)
    _, one_of_each = np.unique(component, return_index=True)
    value = np.concatenate(value_of)[one_of_each]
    found = np.asarray(sorted(areas), np.int64)
    pieces = np.asarray([(value == one).sum() for one in found])
    return ClassAreas(found, np.asarray([areas[one] for one in found.tolist()]), pieces)


def _joined(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the pairs of pieces of one value that meet at the edge of two windows."""
    meets = one[1] == other[1]
    return np.unique(np.stack([one[0][meets], other[0][meets]], axis=1), axis=0)
