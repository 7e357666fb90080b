"""Executors compute chunks: in this process, or (`unseam.scale.cluster`) on the workers of a Dask cluster."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

from unseam.scale.stages import perform_pass
from unseam.scale.task import ChunkTask, Failed
from unseam.scale.worker import ChunkWorker

Answer = tuple[ChunkTask, Any | Failed]
"""A task and its facts, or why it could not be done."""


@runtime_checkable
class Executor(Protocol):
    """Computes tasks in any order."""

    def perform(self, tasks: Iterable[ChunkTask]) -> Iterator[Answer]:
        """Return the answers as they come; it takes a task when there is room for it, so a million tasks need no list."""
        ...

    def settle(self) -> None:
        """Wait until everything that was answered so far is on the disk."""
        ...

    def close(self) -> None:
        """Release the workers that were started for this."""
        ...


class LocalExecutor:
    """Computes in this process: while the network works on one chunk, the next is read and the last one is written.

    Two threads, so at most two chunks are in memory. The network computes one tile at a time, on all cores.
    """

    def __init__(self, worker: ChunkWorker, num_threads: int = 2) -> None:
        self._worker, self._num_threads = worker, num_threads
        _ = worker.predictor  # what cannot fit into memory is found before any work

    def perform(self, tasks: Iterable[ChunkTask]) -> Iterator[Answer]:
        """Return the answers in order; an error ends it."""
        pool = ThreadPoolExecutor(self._num_threads, thread_name_prefix="chunks")
        try:
            yield from _in_order(pool, self._worker, tasks, self._num_threads)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def settle(self) -> None:
        """Wait for the files of many chunks at once."""
        self._worker.files.settle()

    def close(self) -> None:
        """Do nothing: no worker was started."""


def _in_order(pool: ThreadPoolExecutor, worker: ChunkWorker, tasks: Iterable[ChunkTask], most: int) -> Iterator[Answer]:
    begun: deque[tuple[ChunkTask, Future[Any]]] = deque()
    for task in tasks:
        begun.append((task, pool.submit(perform_pass, worker, task)))
        if len(begun) >= most:
            yield _next(begun)
    while begun:
        yield _next(begun)


def _next(begun: deque[tuple[ChunkTask, Future[Any]]]) -> Answer:
    task, future = begun.popleft()
    return task, future.result()
