"""Instance maps to measure: random ellipses that touch, overlap, fall apart and have holes."""

import numpy as np
from skimage.draw import ellipse


def blobs(rng: np.random.Generator, height: int = 120, width: int = 140, number: int = 40, largest: float = 14.0) -> np.ndarray:
    """Numbers have gaps; later ellipses cut earlier ones, some into pieces; some have holes."""
    labels = np.zeros((height, width), np.int32)
    for one in rng.permutation(np.arange(1, 2 * number, 2)):
        radii = rng.uniform(1, largest, 2)
        place = rng.uniform(0, height), rng.uniform(0, width)
        rows, columns = ellipse(*place, *radii, shape=labels.shape, rotation=rng.uniform(0, np.pi))
        labels[rows, columns] = one
    labels[rng.random(labels.shape) < 0.02] = 0
    return labels
