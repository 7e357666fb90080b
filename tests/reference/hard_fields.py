"""Probability maps on which objects, gaps and floods cross every border that there is."""

import numpy as np
from scipy import ndimage

from reference.touching_cells import touching_cells
from unseam.heads.ridge import cut_ridge


def smooth(rng: np.random.Generator, shape: tuple[int, int], sigma: float, level: float) -> np.ndarray:
    """A logistic of filtered noise: blobs, necks, holes; ``level`` moves what is foreground."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), sigma)
    return np.float32(1 / (1 + np.exp(-3 * (field / (field.std() + 1e-9) - level))))


def coarse(rng: np.random.Generator, shape: tuple[int, int], sigma: float, level: float) -> np.ndarray:
    """The same in steps of a tenth: plateaus, on which a flood meets ties only."""
    return np.float32(np.round(smooth(rng, shape, sigma, level), 1))


def specks(rng: np.random.Generator, shape: tuple[int, int], sigma: float, level: float) -> np.ndarray:
    """Blobs strewn with noise: many objects of a few pixels, many holes."""
    return np.clip(smooth(rng, shape, sigma, level) + np.float32(0.25) * rng.standard_normal(shape, np.float32), 0, 1)


def noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float, level: float) -> np.ndarray:
    """Pixels for themselves: diagonal contacts everywhere."""
    return rng.random(shape, np.float32)


def cells(rng: np.random.Generator, shape: tuple[int, int], sigma: float, level: float) -> np.ndarray:
    """Touching cells with their ridges, a little blurred."""
    size = max(shape)
    picture = cut_ridge(touching_cells(rng, size, max(2, size * size // int(60 * sigma + 40))))[: shape[0], : shape[1]] > 0
    return ndimage.gaussian_filter(picture.astype(np.float32), 0.4 + 0.1 * sigma)


def rings(rng: np.random.Generator, shape: tuple[int, int], sigma: float, level: float) -> np.ndarray:
    """Nested rings round a point: each hole holds another object but the innermost."""
    rows, columns = np.indices(shape)
    centre = rng.random(2) * shape
    radius = np.hypot(rows - centre[0], columns - centre[1])
    return np.float32(0.5 + 0.45 * np.sin(radius / (0.6 + 0.5 * sigma)))


def spiral(rng: np.random.Generator, shape: tuple[int, int], sigma: float, level: float) -> np.ndarray:
    """One object that winds through many chunks, and one gap beside it."""
    rows, columns = np.indices(shape)
    down, across = rows - shape[0] / 2, columns - shape[1] / 2
    winding = np.hypot(down, across) / (1 + sigma) + np.arctan2(down, across)
    ripple = 0.1 * ndimage.gaussian_filter(rng.standard_normal(shape), 1.5)
    return np.float32(np.clip(0.5 + 0.4 * np.sin(winding) + ripple, 0, 1))


def combs(rng: np.random.Generator, shape: tuple[int, int], sigma: float, level: float) -> np.ndarray:
    """Teeth that hang together only at one far side: numbers and floods travel over the whole plane."""
    pitch = 3 + int(sigma)
    picture = np.full(shape, 0.1, np.float32)
    picture[:, ::pitch] = rng.uniform(0.55, 0.95, picture[:, ::pitch].shape).astype(np.float32)
    picture[-1 - pitch // 2 :][:1] = 0.75
    picture[rng.random(shape) < 0.01] = 0.1
    return picture


FIELDS = [smooth, coarse, specks, noise, cells, rings, spiral, combs]
