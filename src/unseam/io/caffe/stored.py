"""An array that lies in a file and is read later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32


@dataclass(frozen=True)
class StoredArray:
    """The shape of an array in a file, and what reads it: float32 of that shape. Reading raises ModelFileError."""

    shape: tuple[int, ...]
    read: Callable[[], Float32[np.ndarray, "..."]]


Layers = Mapping[str, tuple[StoredArray, ...]]
"""By the name of a layer, its arrays: weight, then bias."""
