"""The ridge of background between touching objects: the separation border of the paper's section 3.

A class map knows no objects, so two that touch would merge. A ridge of background keeps them apart, and Eq. 2 puts its
weight on that ridge::

    1 1 1 2 2 2        1 1 0 0 2 2
    1 1 1 2 2 2   ->   1 1 0 0 2 2
    1 1 1 0 2 2        1 1 0 0 2 2
"""

import numpy as np
from jaxtyping import Bool, Int32, Integer, Shaped

from unseam.heads.instance_map import checked_instance_map


def cut_ridge(instances: Shaped[np.ndarray, "..."]) -> Integer[np.ndarray, "height width"]:
    """Turn into background each object pixel that has a pixel of another object among its eight neighbours.

    The ridge is two pixels wide, one from either side. An object that would lose every pixel (it is one or two pixels
    wide) keeps all of them, and only its neighbours are cut; the cut is repeated until nothing changes. So no object ever
    vanishes, a second call changes nothing, and two objects still touch only if both consist of border pixels alone.

    Parameters
    ----------
    instances
        (H, W), any integer type: 0 background, 1 and up objects, -1 not annotated. The cut does not treat -1 as an object.

    Returns
    -------
    Integer[np.ndarray, "height width"]
        The same type and object numbers; a new array.

    Raises
    ------
    LabelError
        Not an instance map.

    Notes
    -----
    **Source:** section 3 of the paper: the separation border is found by morphological operations.
    **Departs:** the paper does not say which; ours is the object minus the dilation, by a 3x3 square, of the others.

    Examples
    --------
    >>> cut_ridge(np.array([[1, 1, 1, 2, 2, 2], [1, 1, 1, 0, 2, 2]]))
    array([[1, 1, 0, 0, 2, 2],
           [1, 1, 0, 0, 2, 2]])
    """
    objects = checked_instance_map(instances)
    return np.where(is_ridge(objects), instances.dtype.type(0), instances)


def is_ridge(objects: Int32[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return which object pixels the cut turns into background; the object numbers must be moderate.

    Each round of the loop removes at least one pixel. Another is needed only while some object would vanish.
    """
    ridge = np.zeros(objects.shape, bool)
    while True:
        touching = _touches_another(objects)
        if not touching.any():
            return ridge
        cut = np.where(touching, np.int32(0), objects)
        vanishes = _present(objects) & ~np.pad(_present(cut), (0, objects.max() - cut.max()))
        touching &= ~vanishes[np.maximum(objects, 0)]
        ridge |= touching
        if not vanishes.any() or not touching.any():
            return ridge
        objects = np.where(touching, np.int32(0), objects)


def _touches_another(objects: Int32[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return the object pixels with another object in their 3x3 square: its largest or smallest number is not theirs."""
    none = np.int32(np.iinfo(np.int32).max)
    largest = _over_square(objects, np.maximum)
    smallest = _over_square(np.where(objects > 0, objects, none), np.minimum)
    touching: Bool[np.ndarray, "height width"] = ((largest != objects) | (smallest != objects)) & (objects > 0)
    return touching


def _over_square(values: Int32[np.ndarray, "height width"], best: np.ufunc) -> Int32[np.ndarray, "height width"]:
    """Return the maximum or minimum over the 3x3 square around each pixel."""
    across = values.copy()
    best(across[:, 1:], values[:, :-1], out=across[:, 1:])
    best(across[:, :-1], values[:, 1:], out=across[:, :-1])
    down = across.copy()
    best(down[1:], across[:-1], out=down[1:])
    best(down[:-1], across[1:], out=down[:-1])
    return down


def _present(objects: Int32[np.ndarray, "height width"]) -> Bool[np.ndarray, "numbers"]:
    """Return for each number from 0 to the largest whether an object has it."""
    present = np.zeros(max(0, int(objects.max(initial=0))) + 1, bool)
    present[np.maximum(objects, 0)] = True
    present[0] = False
    return present
