"""Treat signals that end a process like Ctrl-C, so that training can save its state first.

SIGTERM comes from ``kill``, from a shutdown, and from the queue of a cluster when the time is up. SIGHUP comes when a terminal
is closed; :mod:`unseam.cli.streams` lets the words for it go nowhere.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP", "SIGBREAK")


@contextmanager
def ending_like_ctrl_c() -> Iterator[Callable[[], int | None]]:
    """Raise KeyboardInterrupt on these signals. Yields a function that returns the number of the first one, or None.

    An ignored signal (SIGHUP under nohup) stays ignored.
    """
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt(signal.Signals(number).name)

    changed = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            changed[number] = signal.signal(number, end)
    try:
        yield lambda: received[0] if received else None
    finally:
        for number, before in changed.items():
            signal.signal(number, before)
