"""The trainer's process: frames come in on one pipe, go out on another, and work is done between them."""

import os
import queue
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import torch

from unseam.annotate.live.finish import Finishing, TrainsFolder
from unseam.annotate.live.kept import Kept
from unseam.annotate.live.means import Means
from unseam.annotate.live.trainer import Trainer
from unseam.annotate.messages import (
    Cancel,
    Finish,
    NextPlace,
    PredictedView,
    StartLearning,
    State,
    StrokeScore,
    read_message,
    write_message,
)
from unseam.engines import settle_precision
from unseam.machine.kept_memory import keep_freed_memory

_NICE = 10
_WAIT_SECONDS = 0.5

Frame = tuple[object, bytes]


class Ended(Exception):
    """The server closed the pipe: there is nothing more to do."""


class Inbox:
    """Frames that have come, read by a thread of its own so that a full pipe never makes the server wait for a step."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._frames: queue.SimpleQueue[Frame | Exception] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(stream,), name="inbox", daemon=True).start()

    def take(self, *, wait: bool) -> Frame | None:
        """Return the next frame; None if none has come, after half a second if ``wait``. Raises Ended, or DataError."""
        try:
            frame = self._frames.get(block=wait, timeout=_WAIT_SECONDS if wait else None)
        except queue.Empty:
            return None
        if isinstance(frame, Exception):
            raise frame
        return frame

    def _read(self, stream: IO[bytes]) -> None:
        try:
            while (frame := read_message(stream)) is not None:
                self._frames.put(frame)
        except Exception as error:  # raised in the main thread, which would wait for ever for what cannot come
            self._frames.put(error)
        self._frames.put(Ended())


def run_trainer(incoming: IO[bytes], outgoing: IO[bytes], train: TrainsFolder, means: Means | None = None) -> None:
    """Learn, predict and answer until the server closes the pipe."""
    with suppress(OSError, AttributeError):  # painting comes first; Windows has no nice
        os.nice(_NICE)
    keep_freed_memory()
    inbox = Inbox(incoming)

    def send(message: State | PredictedView | StrokeScore | NextPlace, body: bytes) -> None:
        try:
            write_message(outgoing, message, body)
        except OSError as error:
            raise Ended from error

    with suppress(Ended):
        first = None
        while first is None:
            first = inbox.take(wait=True)
        start = first[0]
        assert isinstance(start, StartLearning), "the first message is the start"
        kept = Kept(Path(start.folder) / ".annotate" / "live" / "weights.safetensors")
        trainer = Trainer(start, send, means or Means(precision=settle_precision("auto", torch.device("cpu"))), kept)
        is_busy = False
        while True:
            while (frame := inbox.take(wait=not is_busy)) is not None:
                is_busy = True
                if isinstance(frame[0], Finish):
                    Finishing(trainer, train, lambda: _answer(inbox, trainer)).run()
                else:
                    trainer.handle(*frame)
            is_busy = trainer.turn()


def _answer(inbox: Inbox, trainer: Trainer) -> bool:
    """Answer what has come during the final training; return whether it was cancelled."""
    while (frame := inbox.take(wait=False)) is not None:
        if isinstance(frame[0], Cancel):
            return True
        if not isinstance(frame[0], Finish):
            trainer.handle(*frame)
    trainer.look()
    return False
