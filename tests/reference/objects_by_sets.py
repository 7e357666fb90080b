"""SEG and matched objects, with an object as the set of its pixels."""

from fractions import Fraction

import numpy as np

Pixels = set[tuple[int, int]]


def objects(instance_map: np.ndarray, is_annotated: np.ndarray) -> list[Pixels]:
    found: dict[int, Pixels] = {}
    for row in range(instance_map.shape[0]):
        for column in range(instance_map.shape[1]):
            if is_annotated[row, column] and instance_map[row, column] > 0:
                found.setdefault(int(instance_map[row, column]), set()).add((row, column))
    return list(found.values())


def seg_by_sets(predicted: np.ndarray, truth: np.ndarray) -> list[Fraction]:
    """Jaccard index of each true object with its match, 0 without one."""
    is_annotated = truth != -1
    jaccards = []
    for true_object in objects(truth, is_annotated):
        best = Fraction(0)
        for candidate in objects(predicted, is_annotated):
            shared = len(true_object & candidate)
            if shared > Fraction(len(true_object), 2):
                assert best == 0, "two matches"
                best = Fraction(shared, len(true_object | candidate))
        jaccards.append(best)
    return jaccards


def matches_by_sets(predicted: np.ndarray, truth: np.ndarray, threshold: Fraction) -> tuple[int, int, int, Fraction]:
    """True positives, false positives, false negatives, sum of the IoU of the true positives."""
    is_annotated = truth != -1
    true_objects, candidates = objects(truth, is_annotated), objects(predicted, is_annotated)
    ious = [Fraction(len(t & c), len(t | c)) for t in true_objects for c in candidates]
    matched = [iou for iou in ious if iou > threshold]
    return len(matched), len(candidates) - len(matched), len(true_objects) - len(matched), sum(matched, Fraction(0))
