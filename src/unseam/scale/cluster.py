"""Computes chunks on the workers of a Dask cluster: an existing one, or one that is started on this machine.

A task is a whole output chunk, and the model reaches each worker once, when it joins. Whatever happens to workers, a chunk can
be computed again with the same result. The journal of finished chunks belongs to the process that asked, not to the cluster.

Dask's messages are pickles: whoever may talk to a scheduler may run code on its workers. Local clusters listen on 127.0.0.1
alone; the owner of an existing cluster decides who may reach it.

Dask is an extra (``pip install 'unseam[cluster]'``) and is imported here and in :mod:`unseam.scale.cluster_workers` only.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import distributed

import unseam
from unseam.errors import ClusterError, UnseamError
from unseam.model import Model
from unseam.scale.cluster_workers import Setup, cluster_here, end_cluster_here, perform_there, version_there
from unseam.scale.executors import Answer
from unseam.scale.prediction import LargePrediction
from unseam.scale.task import ChunkTask, Failed

_SECONDS = 10
"""Time that a scheduler has to answer."""
_SECONDS_OF_ANSWER = 2
"""Time that facts on a worker have to arrive."""
_PATIENCE = 20
"""Seconds without an answer, after which the scheduler is asked whether a worker is busy."""
_NOBODY_SECONDS = 300
"""Seconds that work waits without a single worker."""
_DEATHS = 2
"""Workers that may die at a chunk before it is set aside; then it is tried once more, alone."""
_AHEAD = 3
"""Tasks per thread of a worker that are submitted ahead."""


class Cluster:
    """An executor on the workers of a Dask cluster.

    Parameters
    ----------
    work
        The prediction; sent to each worker once.
    scheduler
        Address of an existing scheduler, ``tcp://HOST:8786``; None: a cluster of this machine is started.
    num_workers
        Processes of this machine, without a scheduler.
    make_model
        As for :class:`~unseam.scale.worker.ChunkWorker`.

    Raises
    ------
    ClusterError
        If the scheduler does not answer, or workers have another version of the package.
    """

    def __init__(
        self,
        work: LargePrediction,
        scheduler: str | None = None,
        num_workers: int = 1,
        make_model: Callable[[], Model] | None = None,
    ) -> None:
        self._own: Any = None
        self._num_workers = num_workers
        self._revived = time.monotonic()
        if scheduler is None:
            self._own = cluster_here(num_workers, _DEATHS)
        address = scheduler or str(self._own.scheduler_address)
        try:
            self._client = distributed.Client(address, timeout=_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            if self._own is not None:
                self._own.close(timeout=_SECONDS)
            raise ClusterError(
                f"{address}: no scheduler answers there within {_SECONDS} s ({_first_line(error)}). Check the address, and "
                "that the scheduler runs: dask scheduler"
            ) from error
        self._name = f"unseam-{os.urandom(6).hex()}"
        self._is_set_up = False
        try:
            self._check_versions()
            self._client.register_plugin(Setup(work, make_model, unseam.__version__), name=self._name)
            self._is_set_up = True
        except UnseamError:
            self.close()
            raise
        except Exception as error:  # whatever a worker raises while it sets up comes here as it was
            self.close()
            raise ClusterError(f"{address}: the workers could not be set up ({_first_line(error)}).") from error

    def perform(self, tasks: Iterable[ChunkTask]) -> Iterator[Answer]:
        """Return the answers as they come. A chunk that killed workers is tried once more at the end, alone."""
        set_aside = []
        for task, answer in self._perform(tasks, self._room()):
            if isinstance(answer, Failed):
                set_aside.append(task)
            else:
                yield task, answer
        for task in set_aside:  # it may be that only its neighbour was to blame
            yield from self._perform([task], 1)

    def settle(self) -> None:
        """Do nothing: each worker settles before it answers."""

    def close(self) -> None:
        """Leave the cluster; end it if it was started for this."""
        if self._is_set_up and self._own is None:
            with suppress(Exception):  # it may be gone, and then there is nothing to leave
                self._client.unregister_worker_plugin(self._name)
        is_lost = not self._is_alive()
        with suppress(Exception):
            self._client.close(timeout=5)
        if self._own is not None:
            with suppress(Exception):  # its scheduler may be the one that was lost
                end_cluster_here(self._own, is_lost)
            with suppress(Exception):
                self._own.status = distributed.Status.closed  # or it would complain at the end of the process

    def _room(self) -> int:
        with self._asked():
            return max(2, _AHEAD * sum(self._client.nthreads().values()))

    def _perform(self, tasks: Iterable[ChunkTask], room: int) -> Iterator[Answer]:
        waiting = iter(tasks)
        begun: dict[Any, ChunkTask] = {}
        last = time.monotonic()
        while True:
            while len(begun) < room and (task := next(waiting, None)) is not None:
                begun[self._submitted(task)] = task
            if not begun:
                return
            for future in self._finished(begun):
                task = begun.pop(future)
                try:
                    yield task, self._answer(future)
                except TimeoutError:  # the worker died that held the answer, and another one computes it again
                    self._check_alive()
                    begun[future] = task
                else:
                    last = time.monotonic()
            self._revive()
            if time.monotonic() - last > _PATIENCE:
                self._await_somebody()
                begun, last = self._handed_in_again(begun), time.monotonic()

    def _finished(self, begun: Iterable[Any]) -> Iterable[Any]:
        """Those that have ended, after a second at most."""
        with self._asked(), self._client.as_current():
            try:
                return list(distributed.wait(list(begun), timeout=1, return_when="FIRST_COMPLETED").done)
            except TimeoutError:
                self._check_alive()
                return []

    def _revive(self) -> None:
        """Keep the number of our own workers: Dask gives up on one that dies while it joins."""
        if self._own is not None and time.monotonic() - self._revived > _PATIENCE / 4:
            self._revived = time.monotonic()
            with self._asked():
                self._own.scale(self._num_workers)

    def _await_somebody(self) -> None:
        """Wait until there is a worker. Raises ClusterError if none comes."""
        until = time.monotonic() + _NOBODY_SECONDS
        while time.monotonic() < until:
            with self._asked():
                if self._client.nthreads():
                    return
            self._revive()
            time.sleep(1)
        raise ClusterError(
            f"The cluster has had no worker for {_NOBODY_SECONDS} s. Finished chunks are kept: start workers, and run the same "
            "command with --resume."
        )

    def _handed_in_again(self, begun: dict[Any, ChunkTask]) -> dict[Any, ChunkTask]:
        """After many deaths a scheduler may wait for workers that are gone: submit again what no worker computes."""
        with self._asked():
            if any(self._client.processing().values()):
                return begun
            self._client.cancel(list(begun), force=True)
        return {self._submitted(task): task for task in begun.values()}

    def _answer(self, future: Any) -> Any | Failed:
        """The facts, or the reason why there are none.

        Raises
        ------
        TimeoutError
            If they were lost on the way, and will come later.
        """
        try:
            return future.result(timeout=_SECONDS_OF_ANSWER)
        except distributed.KilledWorker:
            return Failed(f"its worker died {_DEATHS + 1} times")
        except MemoryError as error:
            return Failed(f"its worker ran out of memory ({_first_line(error)})")
        except (UnseamError, TimeoutError):
            raise
        except Exception as error:
            if future.status in ("cancelled", "lost") or not self._is_alive():
                raise self._lost(error) from error
            raise

    def _submitted(self, task: ChunkTask) -> Any:
        with self._asked():
            return self._client.submit(perform_there, self._name, task, pure=False, retries=0)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Wrap every call to the scheduler: it may be lost at any moment, and Dask has many errors for that."""
        try:
            yield
        except UnseamError:
            raise
        except Exception as error:
            raise self._lost(error) from error

    def _is_alive(self) -> bool:
        return bool(self._client.status == "running")

    def _check_alive(self) -> None:
        if not self._is_alive():
            raise self._lost(ConnectionError("the connection was closed"))

    def _lost(self, error: BaseException) -> ClusterError:
        return ClusterError(
            f"The scheduler of the cluster was lost ({_first_line(error)}). Finished chunks are kept: run the same command "
            "with --resume."
        )

    def _check_versions(self) -> None:
        """Another version may compute otherwise: all chunks of a result come from one version."""
        self._client.wait_for_workers(1, timeout=_SECONDS)
        for address, version in self._client.run(version_there).items():
            if version != unseam.__version__:
                has = f"unseam {version}" if version else "no unseam"
                raise ClusterError(
                    f"The worker {address} has {has}; here it is {unseam.__version__}. Install the same version on all "
                    "workers, and start them again."
                )


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
