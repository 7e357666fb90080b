"""Wrong objects, one by one: split, merged, missed or invented, each with its place in the image."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Int, Integer
from scipy import ndimage

from unseam.metrics.contingency import Contingency, contingency_of_instance_maps

ObjectErrorKind = Literal["split", "merged", "missed", "invented"]
KINDS: tuple[ObjectErrorKind, ...] = get_args(ObjectErrorKind)


@dataclass(frozen=True)
class ObjectError:
    """One wrong object.

    ``split``: a true object that holds more than half of each of several predicted objects. ``merged``: a predicted object
    that holds more than half of each of several true objects. ``missed``: a true object that matches no predicted one with an
    IoU above 0.5, and is neither split nor part of a merged one. ``invented``: a predicted object that matches no true one, is
    neither merged nor part of a split one, and does not lie mostly in pixels without annotation. An object with a bad outline
    is therefore both missed and invented, as it is for F1.
    """

    kind: ObjectErrorKind
    label: int
    """Id in the truth for split and missed, in the prediction for merged and invented."""
    box: tuple[slice, slice]
    """Rows and columns."""
    num_pixels: int


def object_errors(
    predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "height width"]
) -> list[ObjectError]:
    """List the wrong objects: kind by kind, the largest first. Only annotated pixels count.

    Raises DataError if the maps differ in size, LabelError if they hold anything but ids.

    Examples
    --------
    >>> truth = np.array([[1, 1, 1, 1, 0, 2]])
    >>> [(e.kind, e.label) for e in object_errors(np.array([[3, 3, 4, 4, 0, 0]]), truth)]
    [('split', 1), ('missed', 2)]
    """
    table = contingency_of_instance_maps(predicted, truth)
    wrong = _wrong(table)
    boxes = {True: _boxes(truth), False: _boxes(predicted)}
    found: list[ObjectError] = []
    for kind in KINDS:
        is_true = kind in ("split", "missed")
        ids, sizes = table.truth_sizes if is_true else table.predicted_sizes
        of_kind = [
            ObjectError(kind, label, boxes[is_true][label], int(sizes[np.searchsorted(ids, label)]))
            for label in wrong[kind].tolist()
        ]
        found += sorted(of_kind, key=lambda error: (-error.num_pixels, error.label))
    return found


def matched_pairs(
    predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """Return the pixels whose true and predicted objects match with an IoU above 0.5."""
    table = contingency_of_instance_maps(predicted, truth)
    matches = table.matched(0.5)
    partner = np.zeros(max(1, int(truth.max(initial=0)) + 1), np.int64)
    partner[table.truth[matches]] = table.predicted[matches]
    return (truth > 0) & (predicted > 0) & (partner[np.maximum(truth, 0)] == predicted)


def _wrong(table: Contingency) -> dict[ObjectErrorKind, Int[np.ndarray, " _ids"]]:
    """Return the ids of the wrong objects of each kind."""
    pairs = table.is_object_pair
    matches = table.matched(0.5)
    # More than half of an object can lie in one other object only, so each object belongs to at most one split or merger.
    in_truth = pairs & (2 * table.count > table.predicted_size_of_pair)
    in_predicted = pairs & (2 * table.count > table.truth_size_of_pair)
    split = _repeated(table.truth[in_truth])
    merged = _repeated(table.predicted[in_predicted])
    # A split or merger already explains its pieces; without this, each of them would be listed again as missed or invented.
    pieces = table.predicted[in_truth & np.isin(table.truth, split)]
    parts = table.truth[in_predicted & np.isin(table.predicted, merged)]
    ids = table.truth_sizes[0]
    return {
        "split": split,
        "merged": merged,
        "missed": np.setdiff1d(ids[ids > 0], np.concatenate([table.truth[matches], split, parts])),
        "invented": table.invented(np.concatenate([table.predicted[matches], merged, pieces])),
    }


def _boxes(ids: np.ndarray) -> dict[int, tuple[slice, slice]]:
    """Return the box of each object. Pixels without annotation (-1) count as background."""
    # find_objects makes a list as long as the largest id, so ids that are large or have gaps are numbered again first.
    labels, dense = np.unique(np.maximum(ids, 0), return_inverse=True)
    boxes = ndimage.find_objects(dense.reshape(ids.shape) + 1)
    return dict(zip(labels.tolist(), boxes, strict=True))


def _repeated(ids: np.ndarray) -> np.ndarray:
    values, counts = np.unique(ids, return_counts=True)
    return values[counts > 1]
