"""One judge for all tools: label maps against the truth, by scikit-image, SciPy and NumPy alone.

Objects match where their IoU is above 0.5, so each has at most one match. Figures of objects and IoU of classes are pooled
over all images, the adapted Rand error is the mean over images.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from skimage.measure import label
from skimage.metrics import adapted_rand_error

Pair = tuple[np.ndarray, np.ndarray]
"""Prediction and truth, (H, W)."""
FIGURES = {
    "objects": {"seg": "SEG", "f1": "F1", "pq": "PQ", "iou": "IoU foreground"},
    "classes": {"iou": "mean IoU", "pixel_error": "pixel error", "rand_error": "adapted Rand error"},
}
LOWER_IS_BETTER = ("pixel_error", "rand_error")
MATCH = 0.5


def score(pairs: Sequence[Pair], kind: str) -> dict[str, float | None]:
    """Return the figures of ``FIGURES[kind]``; None where nothing is there to be scored."""
    return score_objects(pairs) if kind == "objects" else score_classes(pairs)


def ious(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """IoU of each true object (row) with each predicted one (column), both in the order of their numbers."""
    _, at = np.unique(np.append(0, truth.ravel()), return_inverse=True)
    _, found = np.unique(np.append(0, predicted.ravel()), return_inverse=True)
    ones = np.ones(truth.size, np.int64)
    both = sparse.coo_array((ones, (at.ravel()[1:], found.ravel()[1:])), (at.max() + 1, found.max() + 1)).toarray()
    union = both.sum(1, keepdims=True) + both.sum(0, keepdims=True) - both
    return both[1:, 1:] / np.maximum(union[1:, 1:], 1)


def score_objects(pairs: Sequence[Pair]) -> dict[str, float | None]:
    matched, num_true, num_found, in_both, in_either = [], 0, 0, 0, 0
    for predicted, truth in pairs:
        iou = ious(predicted, truth)
        matched += list(iou[iou > MATCH])
        num_true += iou.shape[0]
        num_found += iou.shape[1]
        in_both += np.count_nonzero((predicted > 0) & (truth > 0))
        in_either += np.count_nonzero((predicted > 0) | (truth > 0))
    total = float(np.sum(matched))
    return {
        "seg": _part(total, num_true),
        "f1": _part(2 * len(matched), num_true + num_found),
        "pq": _part(2 * total, num_true + num_found),
        "iou": _part(in_both, in_either),
    }


def score_classes(pairs: Sequence[Pair]) -> dict[str, float | None]:
    num_classes = 1 + max(max(int(truth.max()), int(predicted.max())) for predicted, truth in pairs)
    both = sum(
        np.bincount(truth.ravel().astype(np.int64) * num_classes + predicted.ravel(), minlength=num_classes**2)
        for predicted, truth in pairs
    ).reshape(num_classes, num_classes)
    union = both.sum(0) + both.sum(1) - both.diagonal()
    of_class = [_part(both[k, k], union[k]) for k in range(num_classes)]
    present = [iou for iou in of_class[1:] if iou is not None]
    cell = max(int(truth.max()) for _, truth in pairs)
    rand = [
        adapted_rand_error(label(truth == cell, connectivity=1), label(predicted == cell, connectivity=1), ignore_labels=(0,))[
            0
        ]
        for predicted, truth in pairs
        if cell > 0 and (truth == cell).any()
    ]
    return {
        "iou": _part(sum(present), len(present)),
        "pixel_error": 1 - both.diagonal().sum() / both.sum(),
        "rand_error": float(np.mean(rand)) if rand else None,
        **{f"iou_class_{k}": iou for k, iou in enumerate(of_class) if k},
    }


def _part(some: float, whole: float) -> float | None:
    return float(some / whole) if whole else None
