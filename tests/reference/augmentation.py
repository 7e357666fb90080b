"""Augmentation, slow and plain: float64, one pixel at a time, SciPy for the splines. The judge of ``augment/``."""

import math

import numpy as np
from scipy.ndimage import map_coordinates


def elastic_field(vectors, size):
    """Displacement of each pixel of a tile: SciPy's cubic spline through the vectors of a lattice."""
    grid = vectors.shape[1]
    axis = np.linspace(0, grid - 1, size)
    places = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([map_coordinates(v.astype(np.float64), places, order=3, mode="mirror") for v in vectors])


def places_in_image(centre, matrix, vectors, size):
    """Row and column in the image of each pixel of a tile: the formula of ``Augment``, as it stands there."""
    displacement = elastic_field(vectors, size) if vectors is not None else np.zeros((2, size, size))
    places = np.empty((2, size, size))
    for i in range(size):
        for j in range(size):
            offset = np.array([i - (size - 1) / 2, j - (size - 1) / 2])
            places[:, i, j] = centre + matrix @ offset + displacement[:, i, j]
    return places


def mirrored(index, size):
    """Walk back and forth between the first and the last pixel."""
    if size == 1:
        return 0
    while not 0 <= index < size:
        index = -index if index < 0 else 2 * (size - 1) - index
    return index


def keys(distance, a=-0.75):
    """Cubic convolution kernel of Keys (1981)."""
    t = abs(distance)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    if t < 2:
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return 0.0


def cubic(plane, places):
    """Sixteen pixels round each place, weighted by their distances."""
    result = np.zeros(places.shape[1:])
    for i, j in np.ndindex(*result.shape):
        row, column = places[:, i, j]
        for r in range(math.floor(row) - 1, math.floor(row) + 3):
            for c in range(math.floor(column) - 1, math.floor(column) + 3):
                pixel = float(plane[mirrored(r, plane.shape[0]), mirrored(c, plane.shape[1])])
                result[i, j] += pixel * keys(row - r) * keys(column - c)
    return result


def nearest(plane, places):
    """The pixel at each place; half-way between two, the later one."""
    result = np.zeros(places.shape[1:], plane.dtype)
    for i, j in np.ndindex(*result.shape):
        row, column = (math.floor(p + 0.5) for p in places[:, i, j])
        result[i, j] = plane[mirrored(row, plane.shape[0]), mirrored(column, plane.shape[1])]
    return result


def blurred(plane, deviation):
    """Gaussian weights of the pixels up to four standard deviations away, along rows and then along columns."""
    radius = int(4 * deviation + 0.5)
    result = np.asarray(plane, np.float64)
    for _ in range(2):
        before, result = result, np.zeros(result.shape)
        for i, j in np.ndindex(*result.shape):
            total = 0.0
            for k in range(-radius, radius + 1):
                weight = math.exp(-0.5 * (k / deviation) ** 2)
                result[i, j] += weight * before[mirrored(i + k, len(before)), j]
                total += weight
            result[i, j] /= total
        result = result.T
    return result
