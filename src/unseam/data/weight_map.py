"""The weight map of Eq. 2: what a network loses by closing the gap between two cells.

``w(x) = w_c(x) + w0 exp(-(d1(x) + d2(x))² / (2 sigma²))``: the class weight w_c makes up for classes of unequal size;
the second term is large on thin strips of background, where the nearest and the second nearest object are both close.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int32, Integer, Shaped

from unseam.errors import SettingsError
from unseam.geometry.two_nearest import two_nearest
from unseam.heads.instance_map import checked_instance_map
from unseam.heads.ridge import cut_ridge, is_ridge
from unseam.shapes import NOT_ANNOTATED

__all__ = ["balanced_class_weights", "cut_ridge", "separation_term", "weight_map"]

NEGLIGIBLE = 2.0**-26  # what float32 rounds away beside a weight of 0.5, the least that a balanced class can have
ROWS_AT_ONCE = 64


def weight_map(
    instances: Shaped[np.ndarray, "..."],
    *,
    w0: float | int = 10.0,
    sigma: float | int = 5.0,
    class_weights: tuple[float | int, float | int] | Literal["balanced"] | None = None,
    cut: bool = True,
) -> Float32[np.ndarray, "height width"]:
    """w(x) of Eq. 2 for an instance map.

    d1 and d2 are Euclidean distances in px between pixel centres, from a background pixel to the nearest pixel of the
    nearest and of the second nearest object. The map belongs to the class map ``cut_ridge(instances) > 0``.

    Parameters
    ----------
    instances
        (H, W), any integer type: 0 background, 1 and up objects (in any number of pieces), -1 not annotated.
    w0
        Weight of a gap of no width, 0 to 1e6.
    sigma
        px; above 0, at most 1000. At d1 + d2 = 2 sigma the term has fallen to 14 % of w0.
    class_weights
        w_c: (background, foreground); ``"balanced"`` takes them from this very map by `balanced_class_weights`; None is
        1 everywhere. For a data set, count all its pixels and hand the pair over: a map with one tiny cell would
        otherwise weigh that cell enormously.
    cut
        Cut the ridge between touching objects first (`cut_ridge`; no harm if that was done already). Without it, pixels
        of touching objects are foreground, and foreground carries the class weight only.

    Returns
    -------
    Float32[np.ndarray, "height width"]
        Object pixels weigh w_c; background pixels w_c plus the term; pixels not annotated 0. With fewer than two
        objects the term is 0.

    Raises
    ------
    LabelError
        ``instances`` is no instance map.
    SettingsError
        ``w0``, ``sigma`` or ``class_weights`` out of range.

    Notes
    -----
    **Source:** section 3 of the paper, Eq. 2; w0 = 10 and sigma of about 5 px are the paper's.
    **Departs:** the paper balances w_c over the classes; here that is asked for, since the loss may do it already. A
    term below 2^-26 is taken as 0.

    Examples
    --------
    >>> weight_map(np.array([[1, 0, 2]])).round(2)  # d1 + d2 = 2 px, and 10 exp(-4 / 50) = 9.23
    array([[ 1.  , 10.23,  1.  ]], dtype=float32)
    """
    _check_settings(w0, sigma)
    objects = checked_instance_map(np.asarray(instances))
    if cut:
        objects[is_ridge(objects)] = 0
    background, foreground = _pair_of_weights(objects, class_weights)
    weights = separation_term(objects, w0, sigma)
    weights += np.where(objects > 0, np.float32(foreground), np.float32(background))
    weights[objects == NOT_ANNOTATED] = 0.0
    return weights


def separation_term(
    objects: Int32[np.ndarray, "height width"], w0: float | int, sigma: float | int
) -> Float32[np.ndarray, "height width"]:
    """The second term of Eq. 2 at background pixels, 0 elsewhere: w0 exp(-(d1 + d2)² / (2 sigma²)).

    Parameters
    ----------
    objects
        0 background, 1 and up objects, -1 not annotated; taken as it is, no ridge is cut.
    w0, sigma
        As for `weight_map`, in range.

    Returns
    -------
    Float32[np.ndarray, "height width"]
        0 at objects, where nobody annotated, and everywhere with fewer than two objects.

    Notes
    -----
    **Source:** section 3 of the paper, Eq. 2.
    """
    term = np.zeros(objects.shape, np.float32)
    if w0 <= NEGLIGIBLE:
        return term
    reach = sigma * math.sqrt(2 * math.log(w0 / NEGLIGIBLE))  # d1 + d2 beyond which the term is negligible
    near = two_nearest(np.maximum(objects, 0), reach)
    for top in range(0, len(objects), ROWS_AT_ONCE):
        rows = slice(top, top + ROWS_AT_ONCE)
        first, second = near.first[rows].astype(np.float32), near.second[rows].astype(np.float32)
        # (d1 + d2)² with one root, that of an exact product: half the rounding of summing two roots.
        squares = first + second + 2 * np.sqrt(first * second)
        matters = (objects[rows] == 0) & (squares <= np.float32(reach**2))
        np.multiply(np.exp(squares * np.float32(-0.5 / sigma**2)), np.float32(w0), out=term[rows], where=matters)
    return term


def balanced_class_weights(counts: Sequence[int] | Integer[np.ndarray, "classes"]) -> tuple[float, ...]:
    """Class weights inversely proportional to how often each class occurs, with mean 1 over the pixels counted.

    Parameters
    ----------
    counts
        Annotated pixels of class 0, 1, ...

    Returns
    -------
    tuple[float, ...]
        total / (number of classes that occur * count). A class that does not occur gets 1: no pixel carries it.

    Raises
    ------
    SettingsError
        No class, or a negative count.

    Examples
    --------
    >>> balanced_class_weights([300, 100])
    (0.6666666666666666, 2.0)
    """
    numbers = [int(count) for count in counts]
    if not numbers or min(numbers) < 0:
        raise SettingsError(
            f"Class counts came as {numbers}. They are numbers of pixels, 0 or more, one for each class. "
            "Count the annotated pixels of each class."
        )
    occurring = sum(1 for count in numbers if count)
    return tuple(sum(numbers) / (occurring * count) if count else 1.0 for count in numbers)


def _pair_of_weights(
    objects: Int32[np.ndarray, "height width"],
    class_weights: tuple[float | int, float | int] | Literal["balanced"] | None,
) -> tuple[float, float]:
    if class_weights is None:
        return 1.0, 1.0
    if class_weights == "balanced":
        background, foreground = int(np.sum(objects == 0)), int(np.sum(objects > 0))
        pair = balanced_class_weights((background, foreground))
        return pair[0], pair[1]
    is_pair = isinstance(class_weights, tuple | list) and len(class_weights) == 2
    if not is_pair or not all(math.isfinite(w) and w >= 0 for w in class_weights):
        raise SettingsError(
            f"Class weights came as {class_weights!r}. They may be two numbers of 0 or more, for background and "
            'foreground, "balanced" or None. Use balanced_class_weights(counts) to have them worked out.'
        )
    return class_weights[0], class_weights[1]


def _check_settings(w0: float | int, sigma: float | int) -> None:
    if not 0 <= w0 <= 1e6:
        raise SettingsError(f"w0 is {w0}. It may be 0 to 1e6; the paper has 10. Set w0 = 0 to go without the term.")
    if not 1e-3 <= sigma <= 1000:
        raise SettingsError(
            f"sigma is {sigma} px. It may be 0.001 to 1000; the paper has 5. "
            "Set it to about half the widest gap, in px, that the network must learn to keep open."
        )
