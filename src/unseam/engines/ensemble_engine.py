"""Several engines as one: the mean of their answers."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Float

from unseam.engines.base import Engine, TellsMemory
from unseam.engines.footprint import Footprint
from unseam.geometry import Geometry


class EnsembleEngine:
    """The mean of the answers of several engines, as logits.

    The mean is taken pixel by pixel, so it has no seams if no engine has any. One engine computes at a time.

    Parameters
    ----------
    engines
        One or more, of the same geometry and the same classes.
    mean_logits
        Joins the logits of all engines, as the head of the network says (:meth:`unseam.heads.HeadProtocol.mean_logits`).
    """

    def __init__(self, engines: Sequence[Engine], mean_logits: Callable[[Iterable[np.ndarray]], np.ndarray]) -> None:
        assert engines, "the mean of no engine"
        first = engines[0]
        assert all((e.geometry, e.num_classes) == (first.geometry, first.num_classes) for e in engines)
        self.engines = tuple(engines)
        self._mean_logits = mean_logits

    @property
    def geometry(self) -> Geometry:
        """That of each engine."""
        return self.engines[0].geometry

    @property
    def num_classes(self) -> int:
        """K of each engine."""
        return self.engines[0].num_classes

    def __str__(self) -> str:
        return f"{len(self.engines)} networks, each with {self.engines[0]}"

    def __call__(self, tile: Float[np.ndarray, "channel height width"]) -> Float[np.ndarray, "klass rows cols"]:
        """Logits of one input tile, joined."""
        return self._mean_logits(engine(tile) for engine in self.engines)

    @property
    def kept_bytes(self) -> int:
        """Bytes that all of them keep."""
        return sum(engine.kept_bytes for engine in self.engines if isinstance(engine, TellsMemory))

    def footprint(self, tile_shape: tuple[int, int, int]) -> Footprint:
        """Bytes for an input tile (C, H, W): the sum of what each keeps, and the most that one of them takes in passing."""
        parts = [engine.footprint(tile_shape) for engine in self.engines if isinstance(engine, TellsMemory)]
        logits = 4 * self.num_classes * tile_shape[1] * tile_shape[2]
        return Footprint(sum(p.kept for p in parts), max((p.passing for p in parts), default=0) + 4 * logits)

    def release(self) -> None:
        """Free what each of them keeps."""
        for engine in self.engines:
            if isinstance(engine, TellsMemory):
                engine.release()


def average_engines(engines: Sequence[Engine], mean_logits: Callable[[Iterable[np.ndarray]], np.ndarray]) -> Engine:
    """One engine for several: itself if there is only one."""
    return engines[0] if len(engines) == 1 else EnsembleEngine(engines, mean_logits)
