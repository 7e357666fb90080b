"""The one table behind every metric: how many pixels have id p in the prediction and id t in the truth.

Two maps of millions of pixels become a few thousand pairs of ids. Errors, overlaps and pairs of pixels are then arithmetic
on the table. Unannotated pixels are removed here, once, so no metric can count them by accident.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from unseam.errors import DataError, LabelError
from unseam.shapes import IGNORE, NOT_ANNOTATED

LabelMap = Integer[np.ndarray, "height width"]
"""A class map or an instance map."""

TrueMap = Integer[np.ndarray, "_height _width"]
"""The true map. Its size is free here, because our own check of the sizes has the more helpful message."""

# Up to this many cells we count into a dense table. It fits in the cache, so scattered ids cost no more than compact ones.
_DENSE_CELLS = 2**16
_LARGEST_ID = 2**31 - 1


def _no_ids() -> Int[np.ndarray, " 0"]:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Contingency:
    """Sparse contingency table of two maps over the annotated pixels, with one entry per pair of ids that occurs.

    Parameters
    ----------
    predicted, truth
        The two ids of each pair (0 is background), sorted by predicted id, then by true id.
    count
        Number of pixels with this pair, at least 1.
    unknown
        Predicted objects with more than half of their pixels unannotated, ascending. They may be right or wrong, so they
        are not false positives.
    """

    predicted: Int[np.ndarray, " pairs"]
    truth: Int[np.ndarray, " pairs"]
    count: Int[np.ndarray, " pairs"]
    unknown: Int[np.ndarray, " unknown"] = field(default_factory=_no_ids)

    @cached_property
    def num_pixels(self) -> int:
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
        return self.count / (self.predicted_size_of_pair + self.truth_size_of_pair - self.count)

    @cached_property
    def is_object_pair(self) -> Bool[np.ndarray, " pairs"]:
        """Whether both ids of the pair are objects, not background."""
        return (self.predicted > 0) & (self.truth > 0)

    @cached_property
    def num_truth_objects(self) -> int:
        return int((self.truth_sizes[0] > 0).sum())

    @cached_property
    def covers_true_object(self) -> Bool[np.ndarray, " pairs"]:
        """Whether the predicted object covers more than half of the true one, as the Cell Tracking Challenge matches."""
        return self.is_object_pair & (2 * self.count > self.truth_size_of_pair)

    def matched(self, threshold: float) -> Int[np.ndarray, " matches"]:
        """Return the entries whose two objects have an IoU above the threshold."""
        assert threshold >= 0.5  # below 0.5 an object could have several matches
        return np.flatnonzero(self.is_object_pair & (self.iou > threshold))

    def invented(self, used: Int[np.ndarray, " used"]) -> Int[np.ndarray, " ids"]:
        """Return the predicted objects that are neither used nor :attr:`unknown`."""
        ids = self.predicted_sizes[0]
        return np.setdiff1d(ids[ids > 0], np.concatenate([used, self.unknown]))

    def as_foreground(self) -> "Contingency":
        """Merge all objects of each map into id 1; 0 stays background."""
        code = 2 * (self.predicted > 0).astype(np.int64) + (self.truth > 0)
        codes, counts = _sums(code, self.count)
        return Contingency(codes >> 1, codes & 1, counts)


def contingency_of_class_maps(predicted: LabelMap, truth: TrueMap) -> Contingency:
    """Count pairs of classes over the pixels whose truth is not ``IGNORE``.

    Parameters
    ----------
    predicted, truth
        Class maps of one size. ``IGNORE`` in the prediction means no class: wrong wherever the truth has a class.

    Raises
    ------
    DataError
        The two differ in size.
    LabelError
        A value is not a class (negative, or above ``IGNORE``).

    Examples
    --------
    >>> table = contingency_of_class_maps(np.array([[0, 1, 1]]), np.array([[0, 0, 255]]))
    >>> table.predicted.tolist(), table.truth.tolist(), table.count.tolist()
    ([0, 1], [0, 0], [1, 1])
    """
    check_class_maps(predicted, truth)
    return _annotated(_count_pairs(predicted, truth), IGNORE, _no_ids())


def contingency_of_instance_maps(predicted: LabelMap, truth: TrueMap) -> Contingency:
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
        A value is not an id: negative in the prediction, below ``NOT_ANNOTATED`` in the truth, or above 2^31 - 1.
    """
    check_instance_maps(predicted, truth)
    pairs = _count_pairs(predicted, truth)
    # This needs the unannotated pixels, so it comes before they are dropped: only now are the predicted sizes complete.
    outside = (pairs.truth == NOT_ANNOTATED) & (pairs.predicted > 0) & (2 * pairs.count > pairs.predicted_size_of_pair)
    return _annotated(pairs, NOT_ANNOTATED, pairs.predicted[outside])


def check_class_maps(predicted: LabelMap, truth: TrueMap) -> None:
    """Raise DataError if two class maps differ in size, and LabelError if a value is not a class."""
    _check_same_size(predicted, truth)
    for name, class_map in (("predicted", predicted), ("true", truth)):
        if class_map.size and (class_map.min() < 0 or class_map.max() > IGNORE):
            raise LabelError(
                f"The {name} class map holds values from {class_map.min()} to {class_map.max()}. Classes are 0..{IGNORE - 1}, "
                f"and {IGNORE} marks unannotated pixels. Score object ids as instance maps."
            )


def check_instance_maps(predicted: LabelMap, truth: TrueMap) -> None:
    """Raise DataError if two instance maps differ in size, and LabelError if a value is not an id."""
    _check_same_size(predicted, truth)
    for name, instance_map, lowest in (("predicted", predicted, 0), ("true", truth, NOT_ANNOTATED)):
        if instance_map.size and (instance_map.min() < lowest or instance_map.max() > _LARGEST_ID):
            raise LabelError(
                f"The {name} instance map holds values from {instance_map.min()} to {instance_map.max()}. Ids are "
                f"{lowest}..{_LARGEST_ID} ({NOT_ANNOTATED} marks unannotated pixels, only in a truth). Renumber the map."
            )


def _check_same_size(predicted: np.ndarray, truth: np.ndarray) -> None:
    if predicted.shape != truth.shape:
        sizes = [" x ".join(map(str, labels.shape)) for labels in (predicted, truth)]
        raise DataError(
            f"The prediction is {sizes[0]} px and its truth {sizes[1]} px. They must have the same size. Score the prediction "
            "for the annotated image itself, not for a resized or cropped copy."
        )


def _sums(
    ids: Int[np.ndarray, " entries"], weights: Int[np.ndarray, " entries"]
) -> tuple[Int[np.ndarray, " ids"], Int[np.ndarray, " ids"]]:
    """Return the ids in ascending order, and the sum of the weights of each."""
    unique, inverse = np.unique(ids, return_inverse=True)
    sums = np.bincount(inverse, weights=weights, minlength=unique.size)  # float64, which is exact up to 2^53 px
    return unique, sums.astype(np.int64)


def _annotated(pairs: Contingency, not_annotated: int, unknown: np.ndarray) -> Contingency:
    kept = pairs.truth != not_annotated
    return Contingency(pairs.predicted[kept], pairs.truth[kept], pairs.count[kept], unknown)


def _count_pairs(predicted: np.ndarray, truth: np.ndarray) -> Contingency:
    """Count all pixels, including unannotated ones."""
    if truth.size == 0:
        return Contingency(_no_ids(), _no_ids(), _no_ids())
    cells = (int(predicted.max()) + 1) * (int(truth.max()) + 2)
    count = _count_dense if cells <= _DENSE_CELLS else _count_runs
    return count(predicted.ravel(), truth.ravel())


def _count_dense(predicted: np.ndarray, truth: np.ndarray) -> Contingency:
    num_truth = int(truth.max()) + 2  # ids start at NOT_ANNOTATED, -1; bincount takes no negative number, hence the + 1 below
    code = predicted.astype(np.int64) * num_truth + (truth.astype(np.int64) + 1)
    counts = np.bincount(code)
    found = np.flatnonzero(counts)
    return Contingency(found // num_truth, found % num_truth - 1, counts[found].astype(np.int64))


def _count_runs(predicted: np.ndarray, truth: np.ndarray) -> Contingency:
    """Count runs of equal pairs along the rows. Objects are compact, so there are far fewer runs to sort than pixels."""
    is_start = np.ones(truth.size, dtype=bool)
    np.not_equal(predicted[1:], predicted[:-1], out=is_start[1:])
    is_start[1:] |= truth[1:] != truth[:-1]
    starts = np.flatnonzero(is_start)
    lengths = np.diff(starts, append=truth.size)
    # One sort of packed ids replaces a sort by two keys. The checks of the ids guarantee that each fits in its 32 bits.
    code = (predicted[starts].astype(np.int64) << 32) | (truth[starts].astype(np.int64) + 1)
    codes, counts = _sums(code, lengths)
    return Contingency(codes >> 32, (codes & 0xFFFFFFFF) - 1, counts)
