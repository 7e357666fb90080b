"""Contingency table, one pixel at a time."""

from collections import Counter

import numpy as np


def contingency_by_pixel(predicted: np.ndarray, truth: np.ndarray, not_annotated: int) -> Counter[tuple[int, int]]:
    pairs: Counter[tuple[int, int]] = Counter()
    for row in range(truth.shape[0]):
        for column in range(truth.shape[1]):
            if truth[row, column] != not_annotated:
                pairs[int(predicted[row, column]), int(truth[row, column])] += 1
    return pairs
