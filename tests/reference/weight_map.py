"""Eq. 2 the slow and plain way: one Euclidean distance transform an object."""

import numpy as np
from scipy.ndimage import distance_transform_edt


def object_distances(objects: np.ndarray) -> np.ndarray:
    """(N, H, W) float64: the distance of each pixel to each object, between pixel centres."""
    ids = [i for i in np.unique(objects) if i > 0]
    if not ids:
        return np.empty((0, *objects.shape))
    return np.stack([distance_transform_edt(objects != i) for i in ids])


def separation_term(objects: np.ndarray, w0: float, sigma: float) -> np.ndarray:
    """w0 exp(-(d1 + d2)^2 / (2 sigma^2)) at background pixels, 0 elsewhere and with fewer than two objects."""
    distances = np.sort(object_distances(objects), axis=0)
    if len(distances) < 2:
        return np.zeros(objects.shape)
    term = w0 * np.exp(-((distances[0] + distances[1]) ** 2) / (2 * sigma**2))
    return np.where(objects == 0, term, 0.0)


def weight_map(objects: np.ndarray, w0: float, sigma: float, class_weights: tuple[float, float]) -> np.ndarray:
    """w(x) of Eq. 2 in float64; -1 is "not annotated" and weighs nothing."""
    background, foreground = class_weights
    weights = np.where(objects > 0, foreground, background) + separation_term(np.maximum(objects, 0), w0, sigma)
    return np.where(objects < 0, 0.0, weights)


def cut_ridge_once(instances: np.ndarray) -> np.ndarray:
    """One round of the cut, pixel by pixel; an object with no pixel left is put back whole."""
    height, width = instances.shape
    cut = instances.copy()
    for y in range(height):
        for x in range(width):
            near = instances[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            if instances[y, x] > 0 and ((near > 0) & (near != instances[y, x])).any():
                cut[y, x] = 0
    for i in np.unique(instances):
        if i > 0 and not (cut == i).any():
            cut[instances == i] = i
    return cut


def cut_ridge(instances: np.ndarray) -> np.ndarray:
    """Rounds of the cut until nothing changes."""
    while True:
        cut = cut_ridge_once(instances)
        if (cut == instances).all():
            return cut
        instances = cut
