"""Cells of a map of membranes and cells: the connected components, as in the ISBI 2012 challenge."""

import numpy as np
from jaxtyping import Int, Int32
from scipy import ndimage

from unseam.errors import SettingsError
from unseam.metrics.contingency import Contingency, LabelMap, TrueMap, check_class_maps
from unseam.shapes import IGNORE, NOT_ANNOTATED


def cells_of_class_maps(
    predicted: LabelMap, truth: TrueMap, cell_class: int
) -> tuple[Int32[np.ndarray, "height width"], Int32[np.ndarray, "height width"]]:
    """Number the 4-connected components of one class in both maps.

    Four neighbours, not eight: a diagonal membrane one px wide still separates two cells. Unannotated pixels cut the
    components of *both* maps. Otherwise a cell that is in two pieces in the truth would count against a prediction that has
    it in one.

    Returns
    -------
    tuple
        Two instance maps, the second with ``NOT_ANNOTATED`` where the truth is ``IGNORE``.

    Raises
    ------
    DataError, LabelError
        The maps differ in size, or hold values that are not classes.

    Examples
    --------
    >>> predicted, truth = cells_of_class_maps(np.array([[1, 1, 1]]), np.array([[1, 0, 1]]), cell_class=1)
    >>> predicted.tolist(), truth.tolist()
    ([[1, 1, 1]], [[1, 0, 2]])
    """
    check_class_maps(predicted, truth)
    is_annotated = truth != IGNORE
    four = ndimage.generate_binary_structure(2, 1)
    predicted_cells, _ = ndimage.label((predicted == cell_class) & is_annotated, structure=four, output=np.int32)
    true_cells, _ = ndimage.label(truth == cell_class, structure=four, output=np.int32)
    true_cells[~is_annotated] = NOT_ANNOTATED
    return predicted_cells, true_cells


def check_cell_class(cell_class: int) -> None:
    """Raise SettingsError if a number is not a class."""
    if not 0 <= cell_class < IGNORE:
        raise SettingsError(f"cell_class is {cell_class}. It may be 0..{IGNORE - 1}. Give the class inside the cells.")


def segments_within_true_cells(
    table: Contingency,
) -> tuple[Int[np.ndarray, " both"], Int[np.ndarray, " true"], Int[np.ndarray, " predicted"], int]:
    """Count pixels inside the true cells only: the "foreground restriction" of the challenge's scores.

    Returns
    -------
    both, true, predicted
        Sizes in px: shared by a predicted and a true cell, of each true cell, of each predicted cell.
    num_border
        Pixels of true cells that the prediction calls border. They are in no size of ``both`` and ``predicted``: the
        challenge treats each of them as a separate segment, never as one large segment.
    """
    is_true_cell = table.truth > 0
    inside = Contingency(table.predicted[is_true_cell], table.truth[is_true_cell], table.count[is_true_cell])
    is_border = inside.predicted == 0
    ids, sizes = inside.predicted_sizes
    return inside.count[~is_border], inside.truth_sizes[1], sizes[ids > 0], int(inside.count[is_border].sum())
