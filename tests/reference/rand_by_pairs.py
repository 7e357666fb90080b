"""Rand error by looking at every pair of pixels."""

from itertools import combinations

import numpy as np


def rand_by_pairs(predicted: np.ndarray, truth: np.ndarray) -> dict[str, int]:
    """Count pairs of annotated pixels; -1 in the truth is not annotated, 0 is background."""
    pixels = [(int(p), int(t)) for p, t in zip(predicted.flat, truth.flat, strict=True) if t != -1]
    together_in_both = together_in_truth = together_in_prediction = disagreeing = pairs = 0
    for (p1, t1), (p2, t2) in combinations(pixels, 2):
        pairs += 1
        disagreeing += (p1 == p2) != (t1 == t2)
        if t1 == 0 or t2 == 0:
            continue  # the foreground of the truth only
        in_truth = t1 == t2
        in_prediction = p1 == p2 and p1 != 0  # predicted background is together with nothing
        together_in_truth += in_truth
        together_in_prediction += in_prediction
        together_in_both += in_truth and in_prediction
    return {
        "num_together_in_both": together_in_both,
        "num_together_in_truth": together_in_truth,
        "num_together_in_prediction": together_in_prediction,
        "num_disagreeing": disagreeing,
        "num_pairs": pairs,
    }
