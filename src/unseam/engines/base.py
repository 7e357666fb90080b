"""The interface of engines. Inference knows this interface and no network."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from torch import nn

from unseam.engines.footprint import Footprint
from unseam.geometry import Geometry


@runtime_checkable
class Engine(Protocol):
    """Turns input tiles into logits and states how it changes sizes."""

    @property
    def geometry(self) -> Geometry:
        """How the engine changes rows and columns. One for volumes also has ``geometries``, one an axis."""

    @property
    def num_classes(self) -> int:
        """K: the number of logits per pixel."""

    def __call__(self, tile: Float[np.ndarray, "channel *space"]) -> Float[np.ndarray, "klass *smaller"]:
        """Return the logits (K, H - 2 context, W - 2 context) of a normalised input tile (C, H, W), or of one (C, D, H, W).

        They are valid until the next call: an engine may write the logits of the next tile into the same memory.
        """


@runtime_checkable
class TellsMemory(Engine, Protocol):
    """An engine that knows how much memory its tiles take, so that tiles can be chosen to fit."""

    def footprint(self, tile_shape: tuple[int, ...]) -> Footprint:
        """Return the bytes of this process for an input tile, channels first; weights in the engine's own format count."""

    @property
    def kept_bytes(self) -> int:
        """Bytes kept for the sizes computed so far."""

    def release(self) -> None:
        """Free the kept memory; the next tile allocates it again."""


def geometry_of(net: nn.Module) -> Geometry:
    """Return the geometry that a network states."""
    geometry = net.geometry
    assert isinstance(geometry, Geometry), f"{type(net).__name__} states no geometry"
    return geometry


def geometries_of(of: Engine | nn.Module) -> tuple[Geometry, ...]:
    """Return the geometry of each axis of an engine's or a network's images; rows and columns, if it states one only."""
    stated: tuple[Geometry, ...] | None = getattr(of, "geometries", None)
    if stated is not None:
        return stated
    geometry: Geometry = of.geometry  # type: ignore[assignment]
    return geometry, geometry
