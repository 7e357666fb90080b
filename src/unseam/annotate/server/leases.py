"""One tab paints in an image: a lease, which lasts as long as the tab follows the events, and 15 s longer."""

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock

from unseam.errors import DataError

LEASE_SECONDS = 15.0


class LeaseError(DataError):
    """Another tab paints in the image; ``holder`` is its id."""

    def __init__(self, holder: str) -> None:
        super().__init__("Another tab paints in this image. Take over there, or go on in that tab.")
        self.holder = holder


class Leases:
    """Who paints where.

    >>> leases = Leases()
    >>> leases.get(0, "one"), leases.holder(0)
    (True, 'one')
    >>> leases.take(0, "two"), leases.holder(0)
    (True, 'two')
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._holders: dict[int, str] = {}
        self._streams: Counter[str] = Counter()
        self._seen: dict[str, float] = {}

    def holder(self, image: int) -> str | None:
        """Return the tab that may paint in an image now; None: nobody."""
        with self._lock:
            return self._holder(image)

    def get(self, image: int, tab: str) -> bool:
        """Give a lease if it is free; return whether the holder changed. Raises LeaseError if another tab has it."""
        with self._lock:
            holder = self._holder(image)
            if holder not in (None, tab):
                raise LeaseError(str(holder))
            return self._give(image, tab)

    def take(self, image: int, tab: str) -> bool:
        """Give a lease even if another tab has it; return whether the holder changed."""
        with self._lock:
            return self._give(image, tab)

    def came(self, tab: str) -> None:
        """A tab follows the events."""
        with self._lock:
            self._streams[tab] += 1

    def left(self, tab: str) -> None:
        """A stream of a tab ended."""
        with self._lock:
            self._streams[tab] -= 1
            self._seen[tab] = self._clock()

    def _give(self, image: int, tab: str) -> bool:
        self._seen[tab] = self._clock()
        changed = self._holder(image) != tab
        self._holders[image] = tab
        return changed

    def _holder(self, image: int) -> str | None:
        tab = self._holders.get(image)
        if tab is None or self._streams[tab] > 0 or self._clock() - self._seen.get(tab, 0.0) < LEASE_SECONDS:
            return tab
        return None
