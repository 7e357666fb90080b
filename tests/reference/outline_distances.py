"""Outlines and their distances, pixel against pixel; calibration and thresholds, one pixel at a time."""

import math

import numpy as np


def outline_by_pixel(labels: np.ndarray, is_annotated: np.ndarray) -> list[tuple[int, int]]:
    height, width = labels.shape
    found = []
    for row in range(height):
        for column in range(width):
            if not is_annotated[row, column] or labels[row, column] <= 0:
                continue
            for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                inside = 0 <= r < height and 0 <= c < width
                if inside and is_annotated[r, c] and labels[r, c] != labels[row, column]:
                    found.append((row, column))
                    break
    return found


def directed(points, others, spacing) -> list[float]:
    return [min(math.hypot(*((a - b) * s for a, b, s in zip(p, o, spacing, strict=True))) for o in others) for p in points]


def percentile_95(values: list[float]) -> float:
    """Between the two nearest ranks, in proportion."""
    ordered = sorted(values)
    place = 0.95 * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def calibration_by_pixel(probabilities: np.ndarray, truth: np.ndarray, num_bins: int) -> float:
    pixels: list[list[tuple[float, bool]]] = [[] for _ in range(num_bins)]
    for row in range(truth.shape[0]):
        for column in range(truth.shape[1]):
            if truth[row, column] != 255:
                each = [float(p) for p in probabilities[:, row, column]]
                sure = max(each)
                number = min(int(sure * num_bins), num_bins - 1)
                pixels[number].append((sure, each.index(sure) == truth[row, column]))
    number = sum(len(part) for part in pixels)
    if not number:
        return math.nan
    gaps = (abs(sum(s for s, _ in part) - sum(r for _, r in part)) / len(part) * len(part) for part in pixels if part)
    return sum(gaps) / number


def dice_above(probabilities: np.ndarray, truth: np.ndarray, percent: int) -> float:
    both = wrong = true = 0
    for row in range(truth.shape[0]):
        for column in range(truth.shape[1]):
            if truth[row, column] != 255:
                is_found = 100 * float(probabilities[1:, row, column].sum(dtype=np.float64)) > percent
                is_true = bool(truth[row, column] > 0)
                both, wrong, true = both + (is_found and is_true), wrong + (is_found and not is_true), true + is_true
    return 2 * both / (true + both + wrong) if true + both + wrong else math.nan
