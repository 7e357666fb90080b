"""Executors compute chunks: in this process, or (`unseam.scale.cluster`) on the workers of a Dask cluster."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

from unseam.scale.stages import perform_pass
from unseam.scale.task import ChunkTask, Failed
from unseam.scale.worker import ChunkWorker

Answer = tuple[ChunkTask, Any | Failed]
"""A task and its facts, or the reason why it failed."""


@runtime_checkable
class Executor(Protocol):
    """Computes tasks in any order."""

    def perform(self, tasks: Iterable[ChunkTask]) -> Iterator[Answer]:
        """Yield the answers as they arrive. Take each task only when there is room for it: a million tasks need no list."""
        ...

    def settle(self) -> None:
        """Wait until the pixels of all answers so far are on the disk."""
        ...

    def close(self) -> None:
        """End the workers that the executor started."""
        ...


class LocalExecutor:
    """Computes in this process: while the network works on one chunk, the next is read and the last one is written.

    Two threads, so at most two chunks are in memory. The network computes one tile at a time, on all cores.
    """

    def __init__(self, worker: ChunkWorker, num_threads: int = 2) -> None:
        self._worker, self._num_threads = worker, num_threads
        _ = worker.predictor  # fail before any work if the memory is too small

    def perform(self, tasks: Iterable[ChunkTask]) -> Iterator[Answer]:
        """Yield the answers in order; an error ends it."""
        running: deque[tuple[ChunkTask, Future[Any]]] = deque()
        pool = ThreadPoolExecutor(self._num_threads, thread_name_prefix="chunks")
        try:
            for task in tasks:
                running.append((task, pool.submit(perform_pass, self._worker, task)))
                if len(running) >= self._num_threads:
                    first, future = running.popleft()
                    yield first, future.result()
            for last, future in running:
                yield last, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def settle(self) -> None:
        self._worker.files.settle()

    def close(self) -> None:
        """Do nothing: no worker was started."""
