"""What computes logits of an input tile; inference knows this and no network."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from unseam.geometry import Geometry


@runtime_checkable
class Engine(Protocol):
    """Input tiles in, logits out, and a geometry that says how much smaller these are."""

    @property
    def geometry(self) -> Geometry:
        """What it does to sizes."""
        ...

    @property
    def num_classes(self) -> int:
        """K: how many logits a pixel gets."""
        ...

    def __call__(self, tile: Float[np.ndarray, "channel height width"]) -> Float[np.ndarray, "klass rows cols"]:
        """Logits (K, H - 2 context, W - 2 context) of a normalised input tile (C, H, W).

        They hold until the next call: an engine may write the logits of the next tile into the same memory.
        """
        ...
