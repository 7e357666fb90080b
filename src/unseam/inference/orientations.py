"""The mean over three orientations: a network of planes segments a volume, and each voxel is looked at from three sides."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from unseam.heads import Head

NUM_ORIENTATIONS = 3

Maps = Callable[[Float[np.ndarray, "channel height width"]], Float[np.ndarray, "klass height width"]]


def average_orientations(
    maps_of: Maps,
    volume: Float[np.ndarray, "channel planes height width"],
    head: Head,
    on_plane: Callable[[int, int], None] | None = None,
) -> Float[np.ndarray, "klass planes height width"]:
    """Return the mean maps of a volume over its planes, the planes of its rows and those of its columns.

    Parameters
    ----------
    maps_of
        (C, h, w) -> (K, h, w), for any size.
    volume
        Normalised, (C, D, H, W); its voxels are about cubes.
    head
        Makes the mean of the maps.
    on_plane
        Called with (planes done, planes in all).
    """
    total: np.ndarray | None = None
    done, number = 0, sum(volume.shape[1:])
    for axis in (1, 2, 3):
        for index in range(volume.shape[axis]):
            maps = maps_of(np.ascontiguousarray(volume.take(index, axis)))
            if total is None:
                total = np.zeros((len(maps), *volume.shape[1:]), maps.dtype)
            np.moveaxis(total, axis, 1)[:, index] += maps
            done += 1
            if on_plane is not None:
                on_plane(done, number)
    assert total is not None, "a volume has planes"
    return head.mean_maps(total, NUM_ORIENTATIONS)
