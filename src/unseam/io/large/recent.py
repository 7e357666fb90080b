"""Keeps the pieces that were decoded last: neighbouring windows overlap, and many windows cut the same strip of a TIFF."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
from jaxtyping import Shaped

_MAX_BYTES = 32 * 2**20


class Recent:
    """The last decoded pieces, up to 32 MiB but at least one; several threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: OrderedDict[Hashable, Shaped[np.ndarray, "..."] | None] = OrderedDict()
        self._num_bytes = 0

    def get(self, key: Hashable, make: Callable[[], Shaped[np.ndarray, "..."] | None]) -> Shaped[np.ndarray, "..."] | None:
        """Return the piece of this key, or make it. The piece is shared: do not change it."""
        with self._lock:
            if key in self._pieces:
                self._pieces.move_to_end(key)
                return self._pieces[key]
        piece = make()  # outside the lock: two threads may decode one piece, but none waits for another's
        with self._lock:
            if key not in self._pieces:
                self._pieces[key] = piece
                self._num_bytes += _size(piece)
            while self._num_bytes > _MAX_BYTES and len(self._pieces) > 1:
                self._num_bytes -= _size(self._pieces.popitem(last=False)[1])
        return piece


def _size(piece: Shaped[np.ndarray, "..."] | None) -> int:
    return 0 if piece is None else piece.nbytes
