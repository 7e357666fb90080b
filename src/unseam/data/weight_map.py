"""The weight map of Eq. 2, which makes it costly for a network to close the gap between two cells.

``w(x) = w_c(x) + w0 exp(-(d1(x) + d2(x))² / (2 sigma²))``: the class weight w_c makes up for classes of unequal size;
the second term is large on thin strips of background, where the nearest and the second nearest object are both close.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int32, Integer, Shaped, UInt8

from unseam.errors import SettingsError
from unseam.geometry.two_nearest import two_nearest
from unseam.heads.instance_map import checked_instance_map
from unseam.heads.ridge import is_ridge
from unseam.settings import check_range
from unseam.shapes import IGNORE, NOT_ANNOTATED

NEGLIGIBLE = 2.0**-26  # float32 rounds this away next to a weight of 0.5, the least that a balanced class can have
ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class WeightMap:
    """w(x) of Eq. 2: its settings, and the function that training calls.

    Attributes
    ----------
    w0
        Weight of the gap between two objects that touch; 0 switches the term off.
    sigma
        Distance, px, over which the term decays. At d1 + d2 = 2 sigma it is 14 % of w0.
    balance
        Class weights w_c are frequencies to the power ``-balance``: 1 balances the classes as in the paper, 0 ignores their
        frequencies.

    Source: paper, section 3, Eq. 2; the defaults are the paper's.

    Departs: distances are measured between pixel centres, and a term below 2^-26 counts as 0.

    Examples
    --------
    >>> cells = np.array([[1, 0, 2]], np.int32)  # d1 + d2 = 2 px, and 10 exp(-4 / 50) = 9.23
    >>> WeightMap()((cells > 0).astype(np.uint8), cells, class_weights=(1.0, 1.0)).round(2)
    array([[ 1.  , 10.23,  1.  ]], dtype=float32)
    """

    w0: float = 10.0
    sigma: float = 5.0
    balance: float = 1.0

    def __post_init__(self) -> None:
        check_range("weight_map", "w0", self.w0, 0.0, 1e6)
        check_range("weight_map", "sigma", self.sigma, 1e-3, 1000.0)
        check_range("weight_map", "balance", self.balance, 0.0, 1.0)

    def __call__(
        self,
        class_map: UInt8[np.ndarray, "height width"],
        cells: Int32[np.ndarray, "height width"] | None,
        class_weights: Sequence[float],
    ) -> Float32[np.ndarray, "height width"]:
        """Return w(x) of one annotated image: w_c, plus the term at background pixels; 0 where not annotated.

        Parameters
        ----------
        class_map
            Class of each pixel, ``IGNORE`` where not annotated.
        cells
            0 background, 1 and up separate objects (ridges already cut); None: there are no gaps to keep open, and w(x) is w_c.
        class_weights
            w_c of class 0, 1, ...
        """
        lookup = np.zeros(256, np.float32)
        lookup[: len(class_weights)] = class_weights
        weights: Float32[np.ndarray, "height width"] = lookup[class_map]
        if cells is not None:
            weights += separation_term(cells, self.w0, self.sigma)
            weights[class_map == IGNORE] = 0.0
        return weights

    def class_weights(self, counts: Sequence[int] | Integer[np.ndarray, "classes"]) -> tuple[float, ...]:
        """Return w_c of each class: frequencies to the power ``-balance``, with mean 1 over the annotated pixels.

        ``counts`` are the annotated pixels of class 0, 1, ... in all images together.
        """
        weights = np.asarray(balanced_class_weights(counts)) ** self.balance
        mean = float((weights * counts).sum() / max(1, np.sum(counts)))
        return tuple(float(w) for w in weights / mean)


def weight_map(
    instances: Shaped[np.ndarray, "..."],
    *,
    w0: float | int = 10.0,
    sigma: float | int = 5.0,
    class_weights: tuple[float | int, float | int] | Literal["balanced"] | None = None,
    cut: bool = True,
) -> Float32[np.ndarray, "height width"]:
    """Compute w(x) of Eq. 2 for an instance map, as training does with `WeightMap`.

    The map belongs to the class map ``cut_ridge(instances) > 0``.

    Parameters
    ----------
    instances
        (H, W), any integer type: 0 background, 1 and up objects (in any number of pieces), -1 not annotated.
    w0, sigma
        See `WeightMap`.
    class_weights
        w_c: (background, foreground); ``"balanced"`` counts the pixels of this map; None is 1 everywhere. For a data set,
        count all its pixels and pass the result of `balanced_class_weights`: otherwise a map with one tiny cell would give
        that cell an enormous weight.
    cut
        Cut the ridge between touching objects first (`cut_ridge`; harmless if already cut). Otherwise the pixels of touching
        objects are foreground, which carries the class weight only.

    Returns
    -------
    Float32[np.ndarray, "height width"]
        w_c, plus the term at background pixels; 0 where not annotated.

    Raises
    ------
    LabelError
        ``instances`` is not an instance map.
    SettingsError
        ``w0``, ``sigma`` or ``class_weights`` is out of range.
    """
    equation = WeightMap(w0, sigma)
    objects = checked_instance_map(np.asarray(instances))
    if cut:
        objects[is_ridge(objects)] = 0
    class_map = (objects > 0).astype(np.uint8)
    class_map[objects == NOT_ANNOTATED] = IGNORE
    return equation(class_map, objects, _pair_of_weights(class_map, class_weights))


def separation_term(
    objects: Int32[np.ndarray, "height width"], w0: float | int, sigma: float | int
) -> Float32[np.ndarray, "height width"]:
    """Return the second term of Eq. 2, w0 exp(-(d1 + d2)² / (2 sigma²)), at background pixels and 0 elsewhere.

    ``objects``: 0 background, 1 and up objects (no ridge is cut here), -1 not annotated. With fewer than two objects the term
    is 0 everywhere.

    Source: paper, section 3, Eq. 2.
    """
    term = np.zeros(objects.shape, np.float32)
    if w0 <= NEGLIGIBLE:
        return term
    reach = sigma * math.sqrt(2 * math.log(w0 / NEGLIGIBLE))  # d1 + d2 beyond which the term is negligible
    near = two_nearest(np.maximum(objects, 0), reach)
    for top in range(0, len(objects), ROWS_AT_ONCE):
        rows = slice(top, top + ROWS_AT_ONCE)
        first, second = near.first[rows].astype(np.float32), near.second[rows].astype(np.float32)
        # (d1 + d2)² = d1² + d2² + 2 sqrt(d1² d2²): one root of an exact product rounds half as much as the sum of two roots.
        squares = first + second + 2 * np.sqrt(first * second)
        matters = (objects[rows] == 0) & (squares <= np.float32(reach**2))
        np.multiply(np.exp(squares * np.float32(-0.5 / sigma**2)), np.float32(w0), out=term[rows], where=matters)
    return term


def balanced_class_weights(counts: Sequence[int] | Integer[np.ndarray, "classes"]) -> tuple[float, ...]:
    """Return class weights inversely proportional to the frequency of each class, with mean 1 over the counted pixels.

    ``counts`` are the annotated pixels of class 0, 1, ... The weight is total / (number of classes that occur * count); a
    class that does not occur gets 1, which no pixel carries. Raises SettingsError for no class or a negative count.

    >>> balanced_class_weights([300, 100])
    (0.6666666666666666, 2.0)
    """
    numbers = [int(count) for count in counts]
    if not numbers or min(numbers) < 0:
        raise SettingsError(
            f"Got the class counts {numbers}. Class counts are numbers of pixels, 0 or more, one per class. "
            "Count the annotated pixels of each class."
        )
    occurring = sum(1 for count in numbers if count)
    return tuple(sum(numbers) / (occurring * count) if count else 1.0 for count in numbers)


def _pair_of_weights(
    class_map: UInt8[np.ndarray, "height width"], class_weights: tuple[float | int, float | int] | Literal["balanced"] | None
) -> tuple[float, float]:
    if class_weights is None:
        return 1.0, 1.0
    if class_weights == "balanced":
        background, foreground = balanced_class_weights(np.bincount(class_map.ravel(), minlength=2)[:2])
        return background, foreground
    is_pair = isinstance(class_weights, tuple | list) and len(class_weights) == 2
    if not is_pair or not all(math.isfinite(w) and w >= 0 for w in class_weights):
        raise SettingsError(
            f"Got the class weights {class_weights!r}. They may be two numbers of 0 or more, for background and "
            'foreground, "balanced" or None. Use balanced_class_weights(counts) to compute them.'
        )
    return class_weights[0], class_weights[1]
