"""V-Rand and V-Info, unthinned, by looking at every pixel and every pair of them."""

import math
from collections import Counter

import numpy as np


def _segments(predicted: np.ndarray, truth: np.ndarray) -> tuple[list[object], list[int]]:
    """Segment and true cell of each pixel inside the true cells; a predicted border pixel is a segment of its own."""
    inside = [
        (int(p) or f"alone {k}", int(t)) for k, (p, t) in enumerate(zip(predicted.flat, truth.flat, strict=True)) if t > 0
    ]
    return [p for p, _ in inside], [t for _, t in inside]


def v_rand_by_pairs(predicted: np.ndarray, truth: np.ndarray) -> dict[str, int]:
    segments, cells = _segments(predicted, truth)
    both = in_truth = in_prediction = 0
    for p, t in zip(segments, cells, strict=True):
        for q, u in zip(segments, cells, strict=True):  # each pixel also with itself
            in_truth += t == u
            in_prediction += p == q
            both += t == u and p == q
    return {"together_in_both": both, "together_in_truth": in_truth, "together_in_prediction": in_prediction}


def v_info_by_pixels(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """I(S; T), H(T) and H(S), in bits, the first as the mean over the pixels of log p(s, t) / (p(s) p(t))."""
    segments, cells = _segments(predicted, truth)
    n = len(cells)
    of_segment, of_cell, of_both = Counter(segments), Counter(cells), Counter(zip(segments, cells, strict=True))
    mutual = sum(math.log2(of_both[p, t] * n / (of_segment[p] * of_cell[t])) for p, t in zip(segments, cells, strict=True))
    of_truth = -sum(math.log2(of_cell[t] / n) for t in cells)
    of_prediction = -sum(math.log2(of_segment[p] / n) for p in segments)
    return (mutual / n, of_truth / n, of_prediction / n) if n else (0.0, 0.0, 0.0)
