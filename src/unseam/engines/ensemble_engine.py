"""Several engines that act as one: the mean of their outputs."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Float

from unseam.engines.base import Engine, TellsMemory, geometries_of
from unseam.engines.footprint import Footprint
from unseam.geometry import Geometry


class EnsembleEngine:
    """Joins the logits of one or more engines with the same geometry and the same classes.

    ``mean_logits`` is that of the head (:meth:`unseam.heads.HeadProtocol.mean_logits`). It joins pixel by pixel, so the result
    has no seams if no engine has any. One engine computes at a time.
    """

    def __init__(self, engines: Sequence[Engine], mean_logits: Callable[[Iterable[np.ndarray]], np.ndarray]) -> None:
        assert engines, "the mean of no engine"
        first = engines[0]
        assert all((e.geometry, e.num_classes) == (first.geometry, first.num_classes) for e in engines)
        self.engines = tuple(engines)
        self._mean_logits = mean_logits

    @property
    def geometry(self) -> Geometry:
        return self.engines[0].geometry

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        return geometries_of(self.engines[0])

    @property
    def num_classes(self) -> int:
        return self.engines[0].num_classes

    def __str__(self) -> str:
        return f"{len(self.engines)} networks, each with {self.engines[0]}"

    def __call__(self, tile: Float[np.ndarray, "channel *space"]) -> Float[np.ndarray, "klass *smaller"]:
        return self._mean_logits(engine(tile) for engine in self.engines)

    @property
    def kept_bytes(self) -> int:
        return sum(engine.kept_bytes for engine in self.engines if isinstance(engine, TellsMemory))

    def footprint(self, tile_shape: tuple[int, ...]) -> Footprint:
        """Add up the bytes that the engines keep; the transient bytes are those of one engine, since one computes at a time."""
        parts = [engine.footprint(tile_shape) for engine in self.engines if isinstance(engine, TellsMemory)]
        logits = 4 * self.num_classes * math.prod(tile_shape[1:])
        return Footprint(sum(p.kept for p in parts), max((p.passing for p in parts), default=0) + 4 * logits)

    def release(self) -> None:
        for engine in self.engines:
            if isinstance(engine, TellsMemory):
                engine.release()


def average_engines(engines: Sequence[Engine], mean_logits: Callable[[Iterable[np.ndarray]], np.ndarray]) -> Engine:
    """Make one engine of several; a single one stays as it is."""
    return engines[0] if len(engines) == 1 else EnsembleEngine(engines, mean_logits)
