"""The differences between a warped truth and a prediction: splits, mergers, and cells and holes invented or lost.

Each connected patch of differing pixels is classified by the effect of flipping it alone in the warped truth. The 2x2
windows that touch the patch give the change of the Euler number (cells minus holes). The number of components that the patch
touches gives the change of cells or of holes, and the difference gives the other. So no patch needs a new labelling of the
image.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Int, Integer
from scipy import ndimage

_FOUR = ndimage.generate_binary_structure(2, 1)
_EIGHT = ndimage.generate_binary_structure(2, 2)
# Four times the share of a 2x2 window in the Euler number, with cells over four neighbours. Bits: upper left, upper right,
# lower left, lower right.
_WINDOW = np.array([0, 1, 1, 0, 1, 0, 2, -1, 1, 2, 0, -1, 0, -1, -1, 0])


class Mistake(StrEnum):
    """The effect of a patch of differing pixels on the truth."""

    MERGER = "merger"
    SPLIT = "split"
    INVENTED_CELL = "invented cell"
    LOST_CELL = "lost cell"
    INVENTED_HOLE = "invented hole"
    LOST_HOLE = "lost hole"
    MOVED_BORDER = "moved border"


@dataclass(frozen=True)
class TopologyError:
    """One patch of differing pixels: its effect, its pixel nearest to its middle, and its size in px."""

    mistake: Mistake
    row: int
    column: int
    size: int


def topology_errors(
    warped: Bool[np.ndarray, "height width"], predicted: Bool[np.ndarray, "height width"]
) -> tuple[TopologyError, ...]:
    """List the patches in which two maps of cells differ, in reading order.

    Patches that would become cell are connected over four neighbours, as cells are; patches that would become background over
    eight. A patch with several effects is listed under the first of: merger or split, cell invented or lost, hole invented or
    lost. A patch that changes no number is a moved border: warping got stuck, or was not permitted there. Patches with the
    same mistake that touch, even at a corner, are listed as one: a missing diagonal membrane is one merger.

    Examples
    --------
    >>> warped, predicted = np.array([[True, True, False, True]]), np.array([[True, True, True, True]])
    >>> topology_errors(warped, predicted)
    (TopologyError(mistake=<Mistake.MERGER: 'merger'>, row=0, column=2, size=1),)
    """
    padded = np.pad(warped, 1)  # beyond the image lies background, which connects the grounds at the edge
    added, num_added = ndimage.label(np.pad(predicted & ~warped, 1), structure=_FOUR)
    removed, num_removed = ndimage.label(np.pad(warped & ~predicted, 1), structure=_EIGHT)
    patches = np.where(removed > 0, removed + num_added, added)
    num_patches = num_added + num_removed
    if not num_patches:
        return ()
    cells, _ = ndimage.label(padded, structure=_FOUR)
    grounds, _ = ndimage.label(~padded, structure=_EIGHT)
    euler = _euler_change(padded, patches, num_patches)
    more_cells, more_holes = np.zeros(num_patches, int), np.zeros(num_patches, int)
    is_added = np.arange(num_patches) < num_added
    # A patch that becomes cell turns the cells that it touches into one, so it changes their number by 1 - that many. The
    # holes follow from the Euler number. For a patch that becomes background, cells and holes change roles.
    more_cells[is_added] = 1 - _num_touched(added, cells, num_added, _FOUR)
    more_holes[is_added] = (more_cells - euler)[is_added]
    more_holes[~is_added] = 1 - _num_touched(removed, grounds, num_removed, _EIGHT)
    more_cells[~is_added] = (euler + more_holes)[~is_added]
    effects = zip(more_cells.tolist(), more_holes.tolist(), is_added.tolist(), strict=True)
    mistakes = [_mistake(c, h, is_added=a) for c, h, a in effects]
    return tuple(sorted(_listed(patches[1:-1, 1:-1], mistakes, num_added), key=lambda error: (error.row, error.column)))


def _listed(patches: Integer[np.ndarray, "height width"], mistakes: list[Mistake], num_added: int) -> Iterator[TopologyError]:
    """Join touching patches of one mistake and one direction, and yield each with its place and size."""
    of_patch = [(mistake, k < num_added) for k, mistake in enumerate(mistakes)]
    kinds = sorted(set(of_patch))
    kind_of_patch = np.array([0, *(1 + kinds.index(kind) for kind in of_patch)])
    kind_of_pixel = kind_of_patch[patches]
    for number, (mistake, _) in enumerate(kinds, start=1):
        joined, num_joined = ndimage.label(kind_of_pixel == number, structure=_EIGHT)
        rows, columns, sizes = _places(joined, num_joined)
        yield from map(TopologyError, [mistake] * num_joined, rows.tolist(), columns.tolist(), sizes.tolist())


def _mistake(more_cells: int, more_holes: int, *, is_added: bool) -> Mistake:
    if is_added and more_cells < 0:
        return Mistake.MERGER
    if not is_added and more_cells > 0:
        return Mistake.SPLIT
    if more_cells:
        return Mistake.INVENTED_CELL if more_cells > 0 else Mistake.LOST_CELL
    if more_holes:
        return Mistake.INVENTED_HOLE if more_holes > 0 else Mistake.LOST_HOLE
    return Mistake.MOVED_BORDER


def _num_touched(
    patches: Integer[np.ndarray, "height width"],
    components: Integer[np.ndarray, "height width"],
    num_patches: int,
    structure: Bool[np.ndarray, "3 3"],
) -> Int[np.ndarray, " patches"]:
    """Count the components next to each patch. The outermost pixels belong to no patch."""
    rows, columns = np.nonzero(patches)
    ids = patches[rows, columns].astype(np.int64)
    steps = np.argwhere(structure) - 1
    touched = [np.stack([ids, components[rows + down, columns + right]], axis=1) for down, right in steps]
    pairs = np.unique(np.concatenate(touched), axis=0)  # a component counts once, however many pixels touch it
    return np.bincount(pairs[pairs[:, 1] > 0, 0] - 1, minlength=num_patches)


def _euler_change(
    image: Bool[np.ndarray, "height width"], patches: Integer[np.ndarray, "height width"], num_patches: int
) -> Int[np.ndarray, " patches"]:
    """Return the change of cells minus holes for each patch, if only that patch is flipped."""
    corners = (slice(None, -1), slice(1, None))
    ids = np.stack([patches[rows, columns] for rows in corners for columns in corners])
    bits = np.stack([image[rows, columns] for rows in corners for columns in corners]).astype(int)
    is_touched = ids.any(axis=0)
    ids, bits = ids[:, is_touched], bits[:, is_touched]  # all other windows stay as they are
    place_values = np.array([1, 2, 4, 8])
    before = _WINDOW[place_values @ bits]
    change = np.zeros(num_patches + 1)
    for k in range(4):
        is_same = ids == ids[k]
        is_first = (ids[k] > 0) & ~is_same[:k].any(axis=0)  # a window counts once for each of its patches
        after = _WINDOW[place_values @ (bits ^ is_same)]
        change += np.bincount(ids[k], weights=np.where(is_first, after - before, 0), minlength=num_patches + 1)
    return (change[1:] / 4).astype(int)


def _places(
    patches: Integer[np.ndarray, "height width"], num_patches: int
) -> tuple[Int[np.ndarray, " patches"], Int[np.ndarray, " patches"], Int[np.ndarray, " patches"]]:
    """Return row, column and size of each patch. The place is its pixel nearest to its centre, which may lie outside it."""
    rows, columns = np.nonzero(patches)
    ids = patches[rows, columns].astype(np.int64) - 1
    sizes = np.bincount(ids, minlength=num_patches)
    middle_row = np.bincount(ids, weights=rows, minlength=num_patches) / sizes
    middle_column = np.bincount(ids, weights=columns, minlength=num_patches) / sizes
    away = (rows - middle_row[ids]) ** 2 + (columns - middle_column[ids]) ** 2
    order = np.lexsort((away, ids))
    first = order[np.searchsorted(ids[order], np.arange(num_patches))]
    return rows[first], columns[first], sizes
