"""What the tools of the page paint, pixel by pixel: the judge of `annotate/page/shapes.js` and `regions.js`."""

import numpy as np
from scipy import ndimage


def centres(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(width)[None, :] + 0.5, np.arange(height)[:, None] + 0.5


def capsule(start, end, radius: float, height: int, width: int) -> np.ndarray:
    """Pixels whose centre is at most `radius` from the line between two points; a thin brush paints what its ends lie in."""
    x, y = centres(height, width)
    along = np.array([end[0] - start[0], end[1] - start[1]], float)
    squared = float(along @ along)
    share = np.zeros((height, width)) if squared == 0 else ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / squared
    share = np.clip(share, 0, 1)
    distance = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
    painted = distance <= radius
    if radius < 1:
        for px, py in (start, end):
            if 0 <= px < width and 0 <= py < height:
                painted[int(py), int(px)] = True
    return painted


def polygon(points, height: int, width: int) -> np.ndarray:
    """Pixels whose centre is inside a closed line, by the even-odd rule."""
    x, y = centres(height, width)
    inside = np.zeros((height, width), bool)
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        if ay == by:
            continue
        crosses = (ay <= y) != (by <= y)
        inside ^= crosses & (x < ax + (y - ay) / (by - ay) * (bx - ax))
    return inside


def connected(belongs: np.ndarray, column: int, row: int) -> np.ndarray:
    """The pixels that hang together with one by their sides."""
    labels = ndimage.label(belongs)[0]
    return (labels == labels[row, column]) & belongs if belongs[row, column] else np.zeros_like(belongs)


def closed(shape: np.ndarray, ring: int) -> tuple[np.ndarray, np.ndarray]:
    """The shape without holes, and what lies round it at a chessboard distance of at most `ring`."""
    inside = ndimage.binary_fill_holes(shape)
    return inside, ndimage.maximum_filter(inside, 2 * ring + 1, mode="constant") & ~inside
