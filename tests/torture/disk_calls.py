"""The calls of ``unseam.io.disk``, counted, recorded, and made to fail: every writer of the package goes through them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from unseam.io import disk

Call = tuple[str, tuple[object, ...]]


@contextmanager
def watched(before: Callable[[int, str], None] = lambda number, name: None) -> Iterator[list[Call]]:
    """Record each call; ``before`` is told its number, from 1, and its name, and may raise or kill the process instead."""
    calls: list[Call] = []
    real = {name: getattr(disk, name) for name in disk.NAMES}

    def wrapped(name: str) -> Callable[..., object]:
        def call(*words: object) -> object:
            calls.append((name, words))
            if name == "close":  # what fails to close is closed all the same
                real[name](*words)
                return before(len(calls), name)
            before(len(calls), name)
            return real[name](*words)

        return call

    for name in disk.NAMES:
        setattr(disk, name, wrapped(name))
    try:
        yield calls
    finally:
        for name in disk.NAMES:
            setattr(disk, name, real[name])


def failing(call: int, reason: int) -> Callable[[int, str], None]:
    """Let one call fail, as the operating system would."""

    def fail(number: int, name: str) -> None:
        if number == call:
            raise OSError(reason, os.strerror(reason))

    return fail
