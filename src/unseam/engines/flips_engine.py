"""An engine that looks at each tile in eight poses: the mean over the quarter turns and their mirror images.

The eight poses of a volume are its mirror images along each set of axes: its voxels need not be cubes, so it is not turned.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from jaxtyping import Float

from unseam.engines.base import Engine, TellsMemory, geometries_of
from unseam.engines.footprint import Footprint
from unseam.geometry import Geometry

NUM_POSES = 8


class FlipsEngine:
    """Computes the mean logits of the eight poses of a tile with another engine.

    A tile begins at a multiple of the phase, and all input tiles have the same length modulo the phase. So each pixel has the
    same place in the pooling windows of each pose, whatever the tile, and the mean has no seams if the engine has none.
    ``mean_logits`` is that of the head (:meth:`unseam.heads.HeadProtocol.mean_logits`).
    """

    def __init__(self, engine: Engine, mean_logits: Callable[[Iterable[np.ndarray]], np.ndarray]) -> None:
        self.engine, self._mean_logits = engine, mean_logits

    @property
    def geometry(self) -> Geometry:
        return self.engine.geometry

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        return geometries_of(self.engine)

    @property
    def num_classes(self) -> int:
        return self.engine.num_classes

    def __str__(self) -> str:
        return f"the mean of {NUM_POSES} flips, each with {self.engine}"

    def __call__(self, tile: Float[np.ndarray, "channel *space"]) -> Float[np.ndarray, "klass *smaller"]:
        return self._mean_logits(self._logits_of_poses(tile) if tile.ndim == 3 else self._logits_of_mirrored(tile))

    def _logits_of_poses(self, tile: np.ndarray) -> Iterator[np.ndarray]:
        # The poses of one shape come first: an engine may prepare itself anew for each new shape.
        for quarter_turns in (0, 2, 1, 3):
            for mirrored in (False, True):
                pose = np.rot90(tile, quarter_turns, axes=(1, 2))
                logits = self.engine(np.ascontiguousarray(pose[:, :, ::-1] if mirrored else pose))
                logits = logits[:, :, ::-1] if mirrored else logits
                yield np.ascontiguousarray(np.rot90(logits, -quarter_turns, axes=(1, 2)))

    def _logits_of_mirrored(self, volume: np.ndarray) -> Iterator[np.ndarray]:
        for number in range(4):
            for axes in itertools.combinations((1, 2, 3), number):
                yield np.ascontiguousarray(np.flip(self.engine(np.ascontiguousarray(np.flip(volume, axes))), axes))

    @property
    def kept_bytes(self) -> int:
        return self.engine.kept_bytes if isinstance(self.engine, TellsMemory) else 0

    def footprint(self, tile_shape: tuple[int, ...]) -> Footprint:
        """Return the bytes of the engine for the tile or the turned tile, with the maps of a pose and of the mean."""
        channels, *lengths = tile_shape
        logits = 4 * self.num_classes * math.prod(lengths)
        if not isinstance(self.engine, TellsMemory):
            return Footprint(0, 4 * logits)
        copies = 4 * logits + 4 * channels * math.prod(lengths)
        turned_shape = (channels, *reversed(lengths)) if len(lengths) == 2 else tile_shape
        upright, turned = (self.engine.footprint(shape) for shape in (tile_shape, turned_shape))
        kept = upright.kept if turned_shape == tile_shape else upright.kept + turned.kept
        return Footprint(kept, max(upright.passing, turned.passing) + copies)

    def release(self) -> None:
        if isinstance(self.engine, TellsMemory):
            self.engine.release()
