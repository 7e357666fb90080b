"""From the foreground of a head to objects: find components, close ridges, fill holes, drop specks, renumber.

Where the network learnt a ridge of background between touching objects (`unseam.heads.ridge`), its components are the
objects without their ridge. The quantity that marked the ridge in training, d1 + d2 of Eq. 2, gives it back::

    1 1 0 0 2 2        1 1 1 2 2 2
    1 1 0 0 2 2   ->   1 1 1 2 2 2
    1 1 0 0 0 0        1 1 1 0 0 0     only between two objects, never outwards
"""

import math
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32

from unseam.errors import SettingsError
from unseam.geometry.two_nearest import two_nearest
from unseam.heads.flood import LIKELY, flood, steps_to_core
from unseam.heads.split import LEVELS, label_levels, raised_in_cores, split_cores


@dataclass(frozen=True)
class Objects:
    """Find separate objects in the foreground of a head; both setting and function.

    Examples
    --------
    >>> likely = np.array([[0.9, 0.9, 0.1, 0.8, 0.9, 0.2, 0.2, 0.2, 0.1]], np.float32)
    >>> Objects(min_size=1)(likely).tolist()
    [[1, 1, 1, 2, 2, 0, 0, 0, 0]]
    """

    threshold: float = 0.5
    """An object starts where P(foreground) is above it. Raise it when objects merge: pixels between 0.5 and the threshold go
    to the object that they touch, and start none."""

    split: float = 0.0
    """Split an object where the network is surer of its parts than of what joins them: each part has at least this share of
    its pixels (:mod:`unseam.heads.split`). Lower it when objects merge; 0 splits nothing."""

    min_size: int = 16
    """px; smaller objects are dropped. The finished object is measured, with its ridge and holes."""

    fill_holes: bool = True
    """Fill background that a single object encloses. A hole stays if it holds another object or lies at the border."""

    grow_px: float = 3.9
    """px; background with d1 + d2 up to this goes to the nearer of the two objects. The ridge of `cut_ridge` has 3 along the
    axes and 3.83 along a diagonal; 0 gives nothing back. Real gaps of one or two pixels look the same and are closed, too."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise SettingsError(f"threshold is {self.threshold}. It may lie between 0 and 1, e.g. 0.5.")
        if not 0 <= self.split <= 0.5:
            raise SettingsError(f"split is {self.split}. It may be 0 to 0.5, e.g. 0.15; 0 splits nothing.")
        if self.min_size < 0:
            raise SettingsError(f"min_size is {self.min_size} px. It may be 0 or more; 0 keeps every object.")
        if not (math.isfinite(self.grow_px) and 0 <= self.grow_px <= 100):
            raise SettingsError(f"grow_px is {self.grow_px} px. It may be 0 to 100; 3.9 undoes the ridge, 0 keeps it.")

    def __call__(self, likely: Float[np.ndarray, "height width"]) -> Int32[np.ndarray, "height width"]:
        """Find the objects of an image in the foreground of a head.

        Parameters
        ----------
        likely
            (H, W), 0 to 1: how likely each pixel lies in an object.

        Returns
        -------
        Int32[np.ndarray, "height width"]
            0 background, 1..N the objects, numbered without gaps in the order of a scan by rows.
        """
        # 4-connected: with 8-connectivity a diagonal ridge of one pixel would leak at its corners.
        if self.split:
            cores = _renumber_in_scan_order(split_cores(likely, self.levels, self.split, self.smallest_part))
        else:
            cores = label_levels(likely, self.levels)[0][0]
        if self.is_flooded:
            cores = flood(cores, self.flood_order(likely, cores > 0), steps_to_core(cores > 0))
        objects = self._complete(cores)
        while (is_small := self._is_small(objects)).any():
            # Specks took part of the ridges next to them and spoilt holes, so ridges and holes are done again without them.
            # Dropping finished specks would leave notches in their neighbours; and without them others may turn out small.
            cores[is_small[cores]] = 0
            objects = self._complete(cores)
        return _renumber_in_scan_order(objects)

    @property
    def levels(self) -> tuple[float, ...]:
        """The threshold, and the levels above it at which objects are split."""
        return (self.threshold, *(level for level in LEVELS if self.split and level > self.threshold))

    @property
    def smallest_part(self) -> float:
        """px of the core of a part; the finished part has the ridge and what it floods besides."""
        return self.min_size / 2

    @property
    def is_flooded(self) -> bool:
        """Whether likely pixels outside the cores are given to them."""
        return self.levels[-1] > LIKELY

    def flood_order(
        self, likely: Float[np.ndarray, "height width"], is_core: Bool[np.ndarray, "height width"]
    ) -> Float[np.ndarray, "height width"]:
        """Return the foreground as the flood reads it. Without splits the cores are the most probable pixels as they are."""
        return raised_in_cores(likely, is_core) if self.split else likely

    def _is_small(self, objects: Int32[np.ndarray, "height width"]) -> Bool[np.ndarray, "numbers"]:
        """Return for each number whether its object is too small."""
        areas = np.bincount(objects.ravel())
        is_small = (areas > 0) & (areas < self.min_size)
        is_small[0] = False
        return is_small

    def _complete(self, cores: Int32[np.ndarray, "height width"]) -> Int32[np.ndarray, "height width"]:
        objects = close_ridges(cores, self.grow_px) if self.grow_px > 0 else cores
        return _fill_holes(objects) if self.fill_holes else objects


def fitted_to(head_objects: Objects, settings: Objects) -> Objects:
    """Return the objects of a head, with the settings in place of it that differ from the general default."""
    general = Objects()
    given = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return replace(head_objects, **{name: value for name, value in given.items() if value != getattr(general, name)})


def close_ridges(cores: Int32[np.ndarray, "height width"], grow_px: float) -> Int32[np.ndarray, "height width"]:
    """Give background with d1 + d2 <= grow_px to the nearer of its two objects (the smaller number on a tie)."""
    # The sum is bounded, not d1: an object grows only towards another one, never outwards.
    near = two_nearest(cores, grow_px)
    total: Float32[np.ndarray, "height width"] = np.sqrt(near.first, dtype=np.float32)
    total += np.sqrt(near.second, dtype=np.float32)
    return np.where(total <= np.float32(grow_px), near.nearest, cores).astype(np.int32)


def _fill_holes(objects: Int32[np.ndarray, "height width"]) -> Int32[np.ndarray, "height width"]:
    """Give each piece of background that borders on a single object, and not on the image border, to that object."""
    # Background is 8-connected because objects are 4-connected: otherwise a corner would belong to both or to neither.
    from scipy import ndimage

    gaps, num_gaps = ndimage.label(objects == 0, structure=np.ones((3, 3), bool))
    owner = np.zeros(num_gaps + 1, np.int32)
    is_contested = np.zeros(num_gaps + 1, bool)
    pairs = [(gaps[1:], objects[:-1]), (gaps[:-1], objects[1:])]
    pairs += [(gaps[:, 1:], objects[:, :-1]), (gaps[:, :-1], objects[:, 1:])]
    for gap_side, object_side in pairs:
        is_contact = (gap_side > 0) & (object_side > 0)
        gap, neighbour = gap_side[is_contact], object_side[is_contact]
        before = owner[gap]
        is_contested[gap[(before > 0) & (before != neighbour)]] = True
        # One gap occurs many times here and the last write wins. Reading it back shows whether all writes agreed.
        owner[gap] = neighbour
        is_contested[gap[owner[gap] != neighbour]] = True
    for edge in (gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]):
        is_contested[edge] = True
    owner[is_contested] = 0
    return objects + owner[gaps]


def _renumber_in_scan_order(objects: Int32[np.ndarray, "height width"]) -> Int32[np.ndarray, "height width"]:
    """Number objects 1..N by their first pixel; growing may have changed which pixel that is."""
    line = objects.ravel()
    first = np.full(int(line.max(initial=0)) + 1, line.size, np.int64)
    starts = np.flatnonzero(np.diff(line, prepend=0))
    first[line[starts[::-1]]] = starts[::-1]  # backwards, so that the first pixel is written last and stays
    first[0] = -1
    order = np.argsort(first, kind="stable")
    num_objects = int(np.sum(first < line.size)) - 1
    number = np.zeros(len(first), np.int32)
    number[order[1 : num_objects + 1]] = np.arange(1, num_objects + 1)
    return number[objects]
