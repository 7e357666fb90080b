"""Eq. 1 as it is written: pixel by pixel, with logarithms and exponentials."""

import math

import numpy as np

IGNORE = 255


def energy(
    logits: np.ndarray, classes: np.ndarray, weights: np.ndarray | None = None, class_weights: tuple[float, ...] = ()
) -> float:
    """Mean over the annotated pixels of - w(x) log p_l(x)(x); logits (B, K, H, W), the others (B, H, W)."""
    total, count = 0.0, 0
    for image, row, column in np.ndindex(classes.shape):
        true_class = int(classes[image, row, column])
        if true_class == IGNORE:
            continue
        scores = logits[image, :, row, column].astype(float)
        largest = scores.max()
        sum_of_exponentials = sum(math.exp(a - largest) for a in scores)
        log_p = scores[true_class] - largest - math.log(sum_of_exponentials)
        weight = 1.0 if weights is None else float(weights[image, row, column])
        weight *= class_weights[true_class] if class_weights else 1.0
        total -= weight * log_p
        count += 1
    return total / count if count else 0.0
