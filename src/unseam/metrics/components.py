"""From a map of membrane and cell to the cells, as the ISBI 2012 challenge did it: connected components, and only those."""

import numpy as np
from jaxtyping import Int32, Integer
from scipy import ndimage

from unseam.errors import SettingsError
from unseam.metrics.contingency import Contingency, check_class_maps
from unseam.shapes import IGNORE, NOT_ANNOTATED


def cells_of_class_maps(
    predicted: Integer[np.ndarray, "height width"],
    truth: Integer[np.ndarray, "_height _width"],
    cell_class: int,
) -> tuple[Int32[np.ndarray, "height width"], Int32[np.ndarray, "height width"]]:
    """Number the 4-connected components of one class in both maps.

    Four neighbours, not eight: a membrane that is one px wide and runs diagonally still separates two cells.

    Pixels that nobody annotated cut the components of *both* maps, so that a cell which the truth shows in
    two pieces is not held against a prediction that has it in one.

    Raises
    ------
    DataError, LabelError
        The maps differ in size, or hold something else than classes.

    Returns
    -------
    tuple
        Two instance maps, the second with ``NOT_ANNOTATED`` where the truth was ``IGNORE``.

    Examples
    --------
    >>> predicted, truth = cells_of_class_maps(np.array([[1, 1, 1]]), np.array([[1, 0, 1]]), cell_class=1)
    >>> predicted.tolist(), truth.tolist()
    ([[1, 1, 1]], [[1, 0, 2]])
    """
    check_class_maps(predicted, truth)
    is_annotated = truth != IGNORE
    four = ndimage.generate_binary_structure(2, 1)
    is_predicted = (predicted == cell_class) & is_annotated
    predicted_cells, _ = ndimage.label(is_predicted, structure=four, output=np.int32)
    true_cells, _ = ndimage.label(truth == cell_class, structure=four, output=np.int32)
    true_cells[~is_annotated] = NOT_ANNOTATED
    return predicted_cells, true_cells


def check_cell_class(cell_class: int) -> None:
    """Refuse what cannot be a class.

    Raises
    ------
    SettingsError
        That.
    """
    if not 0 <= cell_class < IGNORE:
        raise SettingsError(f"cell_class is {cell_class}; it may be 0..{IGNORE - 1}. Give the class inside the cells.")


def within_true_cells(table: Contingency) -> Contingency:
    """Leave out the background of the truth: the "foreground restriction" of the challenge's scores."""
    is_cell = table.truth > 0
    return Contingency(table.predicted[is_cell], table.truth[is_cell], table.count[is_cell])
