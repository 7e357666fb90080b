"""DET with a set of pixels for each object."""

import numpy as np


def _objects(instance_map: np.ndarray, is_known: np.ndarray) -> list[set[int]]:
    ids = np.unique(instance_map[instance_map > 0])
    return [set(np.flatnonzero((instance_map == k) & is_known).tolist()) for k in ids]


def det_by_sets(predicted: np.ndarray, truth: np.ndarray) -> tuple[int, int, int]:
    """Splits, missed and invented objects."""
    is_known = truth != -1
    true_objects = _objects(truth, is_known)
    splits = invented = detected = 0
    for k in np.unique(predicted[predicted > 0]):
        everything = set(np.flatnonzero(predicted == k).tolist())
        known = set(np.flatnonzero((predicted == k) & is_known).tolist())
        detects = sum(len(true & known) > len(true) / 2 for true in true_objects)
        detected += detects
        splits += max(detects - 1, 0)
        invented += not detects and 2 * len(known) >= len(everything)
    return splits, len(true_objects) - detected, invented
