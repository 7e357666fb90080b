"""Synthetic cells that touch: the nearest-seed regions of random points, rounded off at a radius."""

import numpy as np
from scipy.spatial import cKDTree


def touching_cells(rng: np.random.Generator, size: int, num_cells: int) -> np.ndarray:
    """(size, size) int32, ids 1..num_cells; about two thirds of the picture is cells."""
    seeds = rng.random((num_cells, 2)) * size
    pixels = np.stack(np.mgrid[:size, :size], axis=-1).reshape(-1, 2)
    distance, nearest = cKDTree(seeds).query(pixels)
    radius = 0.62 * size / np.sqrt(num_cells)
    return np.where(distance < radius, nearest + 1, 0).reshape(size, size).astype(np.int32)
