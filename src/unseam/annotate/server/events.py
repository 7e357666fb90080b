"""What happened, as numbered lines of JSON that every tab follows."""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

MOST_EVENTS = 5_000
ALIVE_SECONDS = 10.0


class Events:
    """The last events, and the tabs that wait for the next; :meth:`publish` may be called by any thread.

    ``epoch`` tells a page that the server was started again, so that the numbers began anew.
    """

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(8)
        self.number = 0
        self._lines: deque[tuple[int, bytes]] = deque(maxlen=MOST_EVENTS)
        self._waiting: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    def publish(self, event: str, **fields: Any) -> None:
        """Tell all tabs. Before the server runs, the event waits in the list."""
        if self._loop is None:
            self._add(event, fields)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._add, event, fields)

    def close(self) -> None:
        """End all streams; to be called in the loop."""
        self._is_closed = True
        for waiting in self._waiting:
            waiting.set()

    def bind(self) -> None:
        """Remember the running loop; to be called in it."""
        self._loop = asyncio.get_running_loop()

    async def follow(self, after: int | None) -> AsyncIterator[bytes]:
        """Yield the lines after a number (None: from now on), without end; a sign of life when nothing happens."""
        last = self.number if after is None else after
        missed = last > self.number or (last < self.number and (not self._lines or self._lines[0][0] > last + 1))
        yield _line({"event": "hello", "epoch": self.epoch, "n": self.number, "missed": missed})
        last = self.number if missed else last
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            while not self._is_closed:
                news.clear()
                fresh = [(number, line) for number, line in self._lines if number > last]
                if fresh:
                    last = fresh[-1][0]
                    yield b"".join(line for _, line in fresh)
                    continue
                try:
                    await asyncio.wait_for(news.wait(), ALIVE_SECONDS)
                except TimeoutError:
                    yield _line({"event": "alive"})
        finally:
            self._waiting.discard(news)

    def _add(self, event: str, fields: dict[str, Any]) -> None:
        self.number += 1
        self._lines.append((self.number, _line({"event": event, "n": self.number, **fields})))
        for waiting in self._waiting:
            waiting.set()


def _line(table: dict[str, Any]) -> bytes:
    return json.dumps(table, separators=(",", ":")).encode() + b"\n"
