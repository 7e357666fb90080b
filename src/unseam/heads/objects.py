"""From the foreground of a head to objects: components, gaps closed, holes filled, specks dropped, numbers without gaps.

Where the network learnt a ridge of background between touching objects (`unseam.heads.ridge`), its components are the
objects less their ridge. The quantity that marked the ridge in training, d1 + d2 of Eq. 2, gives it back::

    1 1 0 0 2 2        1 1 1 2 2 2
    1 1 0 0 2 2   ->   1 1 1 2 2 2
    1 1 0 0 0 0        1 1 1 0 0 0     only between two objects, never outwards
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32
from scipy import ndimage

from unseam.errors import SettingsError
from unseam.geometry.two_nearest import two_nearest
from unseam.heads.flood import LIKELY, flood, steps_to_core


@dataclass(frozen=True)
class Objects:
    """Separate the objects in the foreground of a head; a setting, and the function that goes with it.

    Examples
    --------
    >>> likely = np.array([[0.9, 0.9, 0.1, 0.8, 0.9, 0.2, 0.2, 0.2, 0.1]], np.float32)
    >>> Objects(min_size=1)(likely).tolist()
    [[1, 1, 1, 2, 2, 0, 0, 0, 0]]
    """

    threshold: float = 0.5
    """An object starts where P(foreground) is above it. Raise it when objects melt together: what lies between 0.5 and
    the threshold is given back to the object that it touches, and starts none."""

    min_size: int = 16
    """px; smaller objects are dropped. Measured on the finished object, its ridge and holes included."""

    fill_holes: bool = True
    """Fill background that one object encloses alone. A hole that holds another object, or at the border, stays."""

    grow_px: float = 3.9
    """px; background with d1 + d2 up to this goes to the nearer of the two objects. The ridge of `cut_ridge` has 3
    along the axes and 3.83 along a diagonal; 0 gives nothing back. Gaps of one or two pixels are closed, too: they
    look the same as a ridge."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise SettingsError(f"threshold is {self.threshold}. It may lie between 0 and 1, e.g. 0.5.")
        if self.min_size < 0:
            raise SettingsError(f"min_size is {self.min_size} px. It may be 0 or more; 0 keeps every object.")
        if not (math.isfinite(self.grow_px) and 0 <= self.grow_px <= 100):
            raise SettingsError(f"grow_px is {self.grow_px} px. It may be 0 to 100; 3.9 undoes the ridge, 0 keeps it.")

    def __call__(self, likely: Float[np.ndarray, "height width"]) -> Int32[np.ndarray, "height width"]:
        """Find the objects of an image in the foreground of a head.

        Components are 4-connected: a ridge that runs diagonally and is one pixel wide separates the two sides then;
        with 8-connectivity they would meet across its corners.

        Parameters
        ----------
        likely
            (H, W), 0 to 1: how likely each pixel lies in an object.

        Returns
        -------
        Int32[np.ndarray, "height width"]
            0 background, 1..N the objects, numbered without gaps in the order in which a scan by rows meets them.
        """
        cores, _ = ndimage.label(likely > self.threshold)  # 4-connected by default
        cores = cores.astype(np.int32, copy=False)
        if self.threshold > LIKELY:
            cores = flood(cores, likely, steps_to_core(cores > 0))
        objects = self._complete(cores)
        while (is_small := self._is_small(objects)).any():
            # Specks took part of the ridges beside them and spoilt holes: without them once more, until none is left.
            cores[is_small[cores]] = 0
            objects = self._complete(cores)
        return _renumber_in_scan_order(objects)

    def _is_small(self, objects: Int32[np.ndarray, "height width"]) -> Bool[np.ndarray, "numbers"]:
        """Of each number, whether an object has it that is too small."""
        areas = np.bincount(objects.ravel())
        is_small = (areas > 0) & (areas < self.min_size)
        is_small[0] = False
        return is_small

    def _complete(self, cores: Int32[np.ndarray, "height width"]) -> Int32[np.ndarray, "height width"]:
        objects = close_ridges(cores, self.grow_px) if self.grow_px > 0 else cores
        return _fill_holes(objects) if self.fill_holes else objects


def close_ridges(cores: Int32[np.ndarray, "height width"], grow_px: float) -> Int32[np.ndarray, "height width"]:
    """Give background between two objects, d1 + d2 <= grow_px, to the nearer one (the smaller number on a tie)."""
    near = two_nearest(cores, grow_px)
    total: Float32[np.ndarray, "height width"] = np.sqrt(near.first, dtype=np.float32)
    total += np.sqrt(near.second, dtype=np.float32)
    return np.where(total <= np.float32(grow_px), near.nearest, cores).astype(np.int32)


def _fill_holes(objects: Int32[np.ndarray, "height width"]) -> Int32[np.ndarray, "height width"]:
    """Give each piece of background that borders on one object alone, and not on the image border, to that object.

    Background is 8-connected where objects are 4-connected: a hole does not leak, and does not end, at a corner.
    """
    gaps, num_gaps = ndimage.label(objects == 0, structure=np.ones((3, 3), bool))
    owner = np.zeros(num_gaps + 1, np.int32)
    is_contested = np.zeros(num_gaps + 1, bool)
    pairs = [(gaps[1:], objects[:-1]), (gaps[:-1], objects[1:])]
    pairs += [(gaps[:, 1:], objects[:, :-1]), (gaps[:, :-1], objects[:, 1:])]
    for here, beside in pairs:
        is_border = (here > 0) & (beside > 0)
        gap, neighbour = here[is_border], beside[is_border]
        before = owner[gap]
        is_contested[gap[(before > 0) & (before != neighbour)]] = True
        owner[gap] = neighbour
        is_contested[gap[owner[gap] != neighbour]] = True  # two neighbours in this one direction
    for edge in (gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]):
        is_contested[edge] = True
    owner[is_contested] = 0
    return objects + owner[gaps]


def _renumber_in_scan_order(objects: Int32[np.ndarray, "height width"]) -> Int32[np.ndarray, "height width"]:
    """1..N in the order of each object's first pixel; growing may have changed which pixel that is."""
    line = objects.ravel()
    first = np.full(int(line.max(initial=0)) + 1, line.size, np.int64)
    starts = np.flatnonzero(np.diff(line, prepend=0))
    first[line[starts[::-1]]] = starts[::-1]  # the last written is the first met
    first[0] = -1
    order = np.argsort(first, kind="stable")
    num_objects = int(np.sum(first < line.size)) - 1
    number = np.zeros(len(first), np.int32)
    number[order[1 : num_objects + 1]] = np.arange(1, num_objects + 1)
    return number[objects]
