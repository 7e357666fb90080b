"""The one table behind every metric: how many pixels have id p in the prediction and id t in the truth.

Two maps of many million pixels become a few thousand pairs; all that follows (errors, overlaps, pairs of
pixels) is arithmetic on the table. Pixels that nobody annotated are left out here, once, so no metric can
count them by accident.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from unseam.errors import DataError, LabelError
from unseam.shapes import IGNORE, NOT_ANNOTATED

# Up to this many cells a dense table is counted directly. It lies in the cache, so noise costs what discs cost.
_DENSE_CELLS = 2**16
_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Contingency:
    """Sparse contingency table of two maps over the annotated pixels; one entry a pair of ids that occurs.

    Parameters
    ----------
    predicted, truth
        The two ids of each pair (0 is background), sorted by predicted id, then by true id.
    count
        Pixels that have this pair; always at least 1.
    unknown
        Predicted objects more than half of whose pixels nobody annotated, ascending. Nobody knows whether they are
        right, so they are no false positives.
    """

    predicted: Int[np.ndarray, " pairs"]
    truth: Int[np.ndarray, " pairs"]
    count: Int[np.ndarray, " pairs"]
    unknown: Int[np.ndarray, " unknown"] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @cached_property
    def num_pixels(self) -> int:
        """Annotated pixels in all."""
        return int(self.count.sum())

    @cached_property
    def predicted_sizes(self) -> tuple[Int[np.ndarray, " ids"], Int[np.ndarray, " ids"]]:
        """Ids of the prediction, ascending, and the annotated pixels of each."""
        return _sums(self.predicted, self.count)

    @cached_property
    def truth_sizes(self) -> tuple[Int[np.ndarray, " ids"], Int[np.ndarray, " ids"]]:
        """Ids of the truth, ascending, and the pixels of each."""
        return _sums(self.truth, self.count)

    @cached_property
    def predicted_size_of_pair(self) -> Int[np.ndarray, " pairs"]:
        """Size of the predicted object of each pair, in px."""
        ids, sizes = self.predicted_sizes
        return sizes[np.searchsorted(ids, self.predicted)]

    @cached_property
    def truth_size_of_pair(self) -> Int[np.ndarray, " pairs"]:
        """Size of the true object of each pair, in px."""
        ids, sizes = self.truth_sizes
        return sizes[np.searchsorted(ids, self.truth)]

    @cached_property
    def iou(self) -> Float[np.ndarray, " pairs"]:
        """Intersection over union of each pair's two objects."""
        return self.count / (self.predicted_size_of_pair + self.truth_size_of_pair - self.count)

    @cached_property
    def is_object_pair(self) -> Bool[np.ndarray, " pairs"]:
        """Whether both ids of the pair are objects, neither of them background."""
        return (self.predicted > 0) & (self.truth > 0)

    @cached_property
    def num_truth_objects(self) -> int:
        """True objects with a pixel that was annotated."""
        return int((self.truth_sizes[0] > 0).sum())

    def matched(self, threshold: float) -> Int[np.ndarray, " matches"]:
        """Give the entries whose two objects have an IoU above a threshold of at least 0.5, below which a match need not be
        the only one of its object.
        """
        assert threshold >= 0.5
        return np.flatnonzero(self.is_object_pair & (self.iou > threshold))

    def invented(self, used: Int[np.ndarray, " used"]) -> Int[np.ndarray, " ids"]:
        """Give the predicted objects that are not among the used ones, but for the :attr:`unknown`."""
        ids = self.predicted_sizes[0]
        return np.setdiff1d(ids[ids > 0], np.concatenate([used, self.unknown]))

    def as_foreground(self) -> "Contingency":
        """Forget which object a pixel belongs to: 1 is any object, 0 is background."""
        code = 2 * (self.predicted > 0).astype(np.int64) + (self.truth > 0)
        codes, counts = _sums(code, self.count)
        return Contingency(codes >> 1, codes & 1, counts)


def contingency_of_class_maps(
    predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "_height _width"]
) -> Contingency:
    """Count pairs of classes over the pixels whose truth is not ``IGNORE``.

    Parameters
    ----------
    predicted
        Class map. ``IGNORE`` in it means that no class was given: wrong wherever the truth has one.
    truth
        Class map of the same size.

    Raises
    ------
    DataError
        The two differ in size.
    LabelError
        A value is no class (negative, or above ``IGNORE``).

    Examples
    --------
    >>> table = contingency_of_class_maps(np.array([[0, 1, 1]]), np.array([[0, 0, 255]]))
    >>> table.predicted.tolist(), table.truth.tolist(), table.count.tolist()
    ([0, 1], [0, 0], [1, 1])
    """
    check_class_maps(predicted, truth)
    return _annotated(_count_pairs(predicted, truth), IGNORE)


def contingency_of_instance_maps(
    predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "_height _width"]
) -> Contingency:
    """Count pairs of object ids over the pixels whose truth is not ``NOT_ANNOTATED``.

    Parameters
    ----------
    predicted, truth
        Instance maps of one size: 0 background, 1.. objects; in the truth also ``NOT_ANNOTATED``.

    Raises
    ------
    DataError
        The two differ in size.
    LabelError
        A value is no id: negative in the prediction, below ``NOT_ANNOTATED`` in the truth, or above 2^31 - 1.
    """
    check_instance_maps(predicted, truth)
    pairs = _count_pairs(predicted, truth)
    outside = (pairs.truth == NOT_ANNOTATED) & (pairs.predicted > 0) & (2 * pairs.count > pairs.predicted_size_of_pair)
    return _annotated(pairs, NOT_ANNOTATED, unknown=pairs.predicted[outside])


def check_class_maps(
    predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "_height _width"]
) -> None:
    """Refuse what cannot be scored as class maps.

    Raises
    ------
    DataError
        The two differ in size.
    LabelError
        A value is no class (negative, or above ``IGNORE``).
    """
    _check_same_size(predicted, truth)
    for name, class_map in (("predicted", predicted), ("true", truth)):
        if class_map.size and (class_map.min() < 0 or class_map.max() > IGNORE):
            raise LabelError(
                f"The {name} class map holds values from {class_map.min()} to {class_map.max()}; classes are "
                f"0..{IGNORE - 1}, and {IGNORE} is for what nobody annotated. Score object ids as instance maps."
            )


def check_instance_maps(
    predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "_height _width"]
) -> None:
    """Refuse what cannot be scored as instance maps.

    Raises
    ------
    DataError
        The two differ in size.
    LabelError
        A value is no id.
    """
    _check_same_size(predicted, truth)
    for name, instance_map, lowest in (("predicted", predicted, 0), ("true", truth, NOT_ANNOTATED)):
        if instance_map.size and (instance_map.min() < lowest or instance_map.max() > _LARGEST_ID):
            raise LabelError(
                f"The {name} instance map holds values from {instance_map.min()} to {instance_map.max()}; "
                f"ids are {lowest}..{_LARGEST_ID} ({NOT_ANNOTATED} only in a truth, for what nobody annotated). "
                "Renumber the map."
            )


def _check_same_size(predicted: np.ndarray, truth: np.ndarray) -> None:
    if predicted.shape != truth.shape:
        raise DataError(
            f"The prediction is {_size(predicted)} and its truth {_size(truth)}; both must have one size. "
            "Score the prediction of the very image that was annotated, not of a resized or cropped one."
        )


def _size(array: np.ndarray) -> str:
    return " x ".join(str(length) for length in array.shape) + " px"


def _sums(
    ids: Int[np.ndarray, " entries"], weights: Int[np.ndarray, " entries"]
) -> tuple[Int[np.ndarray, " ids"], Int[np.ndarray, " ids"]]:
    """Add up the weights of each id; float64 carries the sums exactly up to 2^53 px."""
    unique, inverse = np.unique(ids, return_inverse=True)
    sums = np.bincount(inverse, weights=weights, minlength=unique.size)
    return unique, sums.astype(np.int64)


def _annotated(pairs: Contingency, not_annotated: int, unknown: np.ndarray | None = None) -> Contingency:
    kept = pairs.truth != not_annotated
    parts = pairs.predicted[kept], pairs.truth[kept], pairs.count[kept]
    return Contingency(*parts) if unknown is None else Contingency(*parts, unknown)


def _count_pairs(predicted: np.ndarray, truth: np.ndarray) -> Contingency:
    """Count all pixels, those that nobody annotated too."""
    flat_predicted, flat_truth = predicted.ravel(), truth.ravel()
    if flat_truth.size == 0:
        none = np.zeros(0, dtype=np.int64)
        return Contingency(none, none, none)
    num_truth = int(flat_truth.max()) + 2  # ids from -1 on, as columns from 0 on
    cells = (int(flat_predicted.max()) + 1) * num_truth
    count = _count_dense if cells <= _DENSE_CELLS else _count_runs
    return count(flat_predicted, flat_truth)


def _count_dense(predicted: np.ndarray, truth: np.ndarray) -> Contingency:
    num_truth = int(truth.max()) + 2
    code = predicted.astype(np.int64) * num_truth + (truth.astype(np.int64) + 1)
    counts = np.bincount(code)
    found = np.flatnonzero(counts)
    return Contingency(found // num_truth, found % num_truth - 1, counts[found].astype(np.int64))


def _count_runs(predicted: np.ndarray, truth: np.ndarray) -> Contingency:
    """Sort runs of equal pairs instead of pixels: objects are compact, so a run is some ten px long."""
    is_start = np.ones(truth.size, dtype=bool)
    np.not_equal(predicted[1:], predicted[:-1], out=is_start[1:])
    is_start[1:] |= truth[1:] != truth[:-1]
    starts = np.flatnonzero(is_start)
    lengths = np.diff(starts, append=truth.size)
    code = (predicted[starts].astype(np.int64) << 32) | (truth[starts].astype(np.int64) + 1)
    codes, counts = _sums(code, lengths)
    return Contingency(codes >> 32, (codes & 0xFFFFFFFF) - 1, counts)
