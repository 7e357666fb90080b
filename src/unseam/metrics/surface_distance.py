"""Distances between outlines: Hausdorff 95 and surface Dice, in micrometres if the size of a pixel is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.spatial import cKDTree

from unseam.errors import SettingsError
from unseam.metrics.contingency import LabelMap, TrueMap, check_class_maps, check_instance_maps
from unseam.metrics.score import NOTHING_TO_SCORE, Column, Figure, Figures, Reads, Score, class_figures, mean, ratios
from unseam.shapes import IGNORE, NOT_ANNOTATED

_MEANING = "Hausdorff 95: 95 % of the outlines are at most this far apart"
_FAR = {
    unit: Column(f"hausdorff95_{unit}", f"HD95 {unit}", _MEANING, 0, place=15, place_of_objects=8, decimals=2)
    for unit in ("px", "um")
}
_NEAR_MEANING = "share of the outlines within the tolerance (--tolerance) of the other"
_NEAR = Column("surface_dice", "surf Dice", _NEAR_MEANING, 1, place=16, place_of_objects=9)


@dataclass(frozen=True)
class SurfaceScore(Score):
    """Distances between the outlines of each class. The background, class 0, has none.

    Parameters
    ----------
    unit
        Unit of the distances.
    hausdorff95
        One per class; NaN if neither map has an outline of it.
    num_near, num_outline
        Outline pixels of both maps: those within the tolerance of the other map's outline, and all of them.
    """

    unit: Literal["px", "um"]
    hausdorff95: tuple[float, ...]
    num_near: tuple[int, ...]
    num_outline: tuple[int, ...]

    @property
    def surface_dice(self) -> tuple[float, ...]:
        return ratios(self.num_near, self.num_outline)

    @property
    def num_classes(self) -> int:
        """K, background included."""
        return len(self.hausdorff95)

    def for_classes(self, num_classes: int) -> "SurfaceScore":
        """Return the same score with further classes, which neither map has."""
        missing = num_classes - len(self.hausdorff95)
        distances, none = self.hausdorff95 + (NOTHING_TO_SCORE,) * missing, (0,) * missing
        return SurfaceScore(self.unit, distances, self.num_near + none, self.num_outline + none)

    def figures(self) -> Figures:
        dice = self.surface_dice
        return (
            *class_figures(_FAR[self.unit], mean(self.hausdorff95[1:]), self.hausdorff95),
            *class_figures(_NEAR, mean(dice[1:]), dice),
        )

    @classmethod
    def pool(cls, scores: Sequence["SurfaceScore"]) -> dict[str, Figure]:
        """Average Hausdorff 95 over the images; pool the outlines of all images for the surface Dice."""
        distances = tuple(map(mean, zip(*(score.hausdorff95 for score in scores), strict=True)))
        near, whole = ([getattr(score, name) for score in scores] for name in ("num_near", "num_outline"))
        return cls(scores[0].unit, distances, *(tuple(map(sum, zip(*each, strict=True))) for each in (near, whole))).columns()


@dataclass(frozen=True)
class SurfaceDistance:
    """Distances from each outline pixel of one map to the nearest outline pixel of the other.

    The outline of a class (of an object, in instance maps) consists of its pixels that share a side with an annotated pixel
    of something else. An object has no outline at the edge of the image, or next to unannotated pixels. *Hausdorff 95* is
    the 95th percentile of the distances, the larger of the two directions. *Surface Dice* is the share of both outlines
    within a tolerance of the other.

    Parameters
    ----------
    tolerance
        In ``unit``.
    unit
        ``um`` if ``spacing`` is in micrometres.
    spacing
        Size of a pixel, row and column, in ``unit``; 1 and 1 for px.

    Raises
    ------
    SettingsError
        The tolerance is below 0, or a size is not above 0; both must be finite.

    **Source:** Huttenlocher et al. (1993), IEEE PAMI 15:850-863, with the percentile as usual in medical challenges;
    surface Dice: Nikolov et al. (2021), Journal of Medical Internet Research 23:e26151.

    **Departs:** outlines are counted in pixels, not in lengths between pixels. If only one of the maps has an outline,
    the distance is the diagonal of the image, the largest possible: infinity would spoil every mean.

    Examples
    --------
    A square of 3 px, and the same one column to the right.

    >>> truth, predicted = np.zeros((7, 7), int), np.zeros((7, 7), int)
    >>> truth[2:5, 1:4] = predicted[2:5, 2:5] = 1
    >>> score = SurfaceDistance(tolerance=0.5, unit="um", spacing=(0.5, 0.25))(predicted, truth)
    >>> score.columns()
    {'hausdorff95_um': 0.25, 'surface_dice': 1.0}
    """

    reads: ClassVar = Reads.OUTLINES
    pooling: ClassVar = "Hausdorff 95: mean over images; surface Dice: outlines of all images together; both per class"

    tolerance: float = 2.0
    unit: Literal["px", "um"] = "px"
    spacing: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < math.inf:
            raise SettingsError(f"tolerance is {self.tolerance}; it may be 0 or more. Give a distance in {self.unit}.")
        if not all(0 < size < math.inf for size in self.spacing):
            raise SettingsError(f"spacing is {self.spacing}; the size of a pixel must be above 0. Give row and column.")

    def __call__(self, predicted: LabelMap, truth: TrueMap) -> SurfaceScore:
        """Score the outlines of each class 1, 2, ... of a predicted class map; symmetric where all is annotated.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold values that are not classes.
        """
        check_class_maps(predicted, truth)
        is_annotated = truth != IGNORE
        present = [int(value) for labels in (predicted, truth) for value in np.unique(labels) if value != IGNORE]
        num_classes = max([1, *present]) + 1
        return self._score([self._compare(predicted == k, truth == k, is_annotated) for k in range(1, num_classes)])

    def from_instance_maps(self, predicted: LabelMap, truth: TrueMap) -> SurfaceScore:
        """Score the outlines of all objects together, including those between touching objects; errors as in the call."""
        check_instance_maps(predicted, truth)
        return self._score([self._compare(predicted, truth, truth != NOT_ANNOTATED)])

    def _score(self, classes: Sequence[tuple[float, int, int]]) -> SurfaceScore:
        distances, near, whole = zip((NOTHING_TO_SCORE, 0, 0), *classes, strict=True)
        return SurfaceScore(self.unit, tuple(distances), tuple(near), tuple(whole))

    def _compare(self, predicted: np.ndarray, truth: np.ndarray, is_annotated: np.ndarray) -> tuple[float, int, int]:
        """Return Hausdorff 95, the number of near outline pixels, and that of all outline pixels."""
        points, others = (np.argwhere(outlines(labels, is_annotated)) * self.spacing for labels in (predicted, truth))
        num_pixels = len(points) + len(others)
        if not num_pixels:
            return NOTHING_TO_SCORE, 0, 0
        if not len(points) or not len(others):
            return math.hypot(*(n * size for n, size in zip(truth.shape, self.spacing, strict=True))), 0, num_pixels
        directions = (_nearest(points, others), _nearest(others, points))
        # 3 px of 0.1 um are 0.30000000000000004 um: without the slack a distance of the tolerance would count as farther.
        near = sum(int(np.count_nonzero(distances <= self.tolerance * (1 + 1e-9))) for distances in directions)
        return float(max(np.percentile(distances, 95) for distances in directions)), near, num_pixels


def outlines(
    labels: Integer[np.ndarray, "height width"] | Bool[np.ndarray, "height width"],
    is_annotated: Bool[np.ndarray, "height width"],
) -> Bool[np.ndarray, "height width"]:
    """Mark the annotated pixels other than 0 that share a side with an annotated pixel of another label.

    >>> outlines(np.array([[0, 1, 1, 1, 2]]), np.array([[True, True, True, True, True]])).astype(int)
    array([[0, 1, 0, 1, 1]])
    """
    found = np.zeros(labels.shape, dtype=bool)
    for axis in (0, 1):
        first, second = (np.moveaxis(array, axis, 0) for array in (labels, is_annotated))
        differs = (first[1:] != first[:-1]) & second[1:] & second[:-1]
        along = np.moveaxis(found, axis, 0)
        along[1:] |= differs
        along[:-1] |= differs
    return found & (labels > 0)


def _nearest(points: Float[np.ndarray, "points 2"], others: Float[np.ndarray, "others 2"]) -> Float[np.ndarray, " points"]:
    return np.asarray(cKDTree(others).query(points)[0])
