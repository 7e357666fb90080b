"""Keeps what was decoded last: windows overlap by their rims, and many of them cut one strip of a TIFF."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
from jaxtyping import Shaped

_MOST_BYTES = 32 * 2**20


class Recent:
    """Decoded pieces, 32 MiB of them or the last one; several threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: OrderedDict[Hashable, Shaped[np.ndarray, "..."] | None] = OrderedDict()
        self._num_bytes = 0

    def get(self, key: Hashable, make: Callable[[], Shaped[np.ndarray, "..."] | None]) -> Shaped[np.ndarray, "..."] | None:
        """Return the piece of this key, or make it. It is shared and read-only."""
        with self._lock:
            if key in self._pieces:
                self._pieces.move_to_end(key)
                return self._pieces[key]
        piece = make()
        with self._lock:
            if key not in self._pieces:
                self._pieces[key] = piece
                self._num_bytes += _size(piece)
            while self._num_bytes > _MOST_BYTES and len(self._pieces) > 1:
                self._num_bytes -= _size(self._pieces.popitem(last=False)[1])
        return piece


def _size(piece: Shaped[np.ndarray, "..."] | None) -> int:
    return 0 if piece is None else piece.nbytes
