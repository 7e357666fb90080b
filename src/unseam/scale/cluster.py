"""Compute chunks on the workers of a Dask cluster: an existing one, or one started on this machine.

A task is a whole output chunk, and each worker loads the model once, when it joins. Workers may die at any time: a chunk can
always be computed again with the same result. The journal of finished chunks stays with this process, not with the cluster.

Dask's messages are pickles: whoever can talk to a scheduler can run code on its workers. Local clusters listen on 127.0.0.1
only; the owner of an existing cluster decides who can reach it.

Dask is an extra (``pip install 'unseam[cluster]'``). Only this module and :mod:`unseam.scale.cluster_workers` import it.
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
from unseam.scale.cluster_workers import Setup, end_local_cluster, perform_on_worker, start_local_cluster, version_on_worker
from unseam.scale.executors import Answer
from unseam.scale.prediction import LargePrediction
from unseam.scale.task import ChunkTask, Failed

_SECONDS = 10  # for a scheduler to answer
_ANSWER_SECONDS = 2  # for the facts on a finished chunk to arrive from their worker
_PATIENCE = 20  # seconds without an answer before the scheduler is asked whether any worker is busy
_NO_WORKER_SECONDS = 300  # without a single worker before the work ends
_DEATHS = 2  # workers that may die at a chunk before it is set aside for one more try, alone
_AHEAD = 3  # tasks submitted ahead, per thread of a worker


class Cluster:
    """Compute tasks on the workers of a Dask cluster.

    Parameters
    ----------
    work, make_model
        As in :class:`~unseam.scale.worker.ChunkWorker`; sent to each worker once.
    scheduler
        Address of an existing scheduler, ``tcp://HOST:8786``; None: start a cluster on this machine.
    num_workers
        Processes of the cluster on this machine.

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
        self._num_workers = num_workers
        self._revived = time.monotonic()
        self._own: Any = None
        if scheduler is None:
            self._own = start_local_cluster(num_workers, _DEATHS)
        address = scheduler or str(self._own.scheduler_address)
        try:
            self._client = distributed.Client(address, timeout=_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            if self._own is not None:
                self._own.close(timeout=_SECONDS)
            raise ClusterError(
                f"{address}: no scheduler answers there within {_SECONDS} s ({_first_line(error)}). Check the address, and "
                "check that the scheduler is running: dask scheduler"
            ) from error
        self._name = f"unseam-{os.urandom(6).hex()}"  # several predictions may share one cluster
        self._is_set_up = False
        try:
            self._check_versions()
            self._client.register_plugin(Setup(work, make_model, unseam.__version__), name=self._name)
            self._is_set_up = True
        except UnseamError:
            self.close()
            raise
        except Exception as error:  # Dask raises whatever a worker raised during its setup
            self.close()
            raise ClusterError(
                f"{address}: the workers could not be set up ({_first_line(error)}). Check that the scheduler has workers, and "
                "that they have the same packages as this machine."
            ) from error

    def perform(self, tasks: Iterable[ChunkTask]) -> Iterator[Answer]:
        """Yield the answers in the order in which they arrive. Retry a chunk that killed workers once, alone, at the end."""
        set_aside = []
        for task, answer in self._perform(tasks, self._most_submitted()):
            if isinstance(answer, Failed):
                set_aside.append(task)
            else:
                yield task, answer
        # Dask blames each task that a dead worker held. Alone, an innocent chunk succeeds, and a deadly one fails by itself.
        for task in set_aside:
            yield from self._perform([task], 1)

    def settle(self) -> None:
        """Do nothing: each worker settles before it answers."""

    def close(self) -> None:
        """Leave the cluster, and end it if it is our own."""
        if self._is_set_up and self._own is None:
            with suppress(Exception):  # if the scheduler is gone, there is nothing to leave
                self._client.unregister_worker_plugin(self._name)
        is_lost = not self._is_alive()  # a closed client no longer knows
        with suppress(Exception):
            self._client.close(timeout=5)
        if self._own is not None:
            with suppress(Exception):  # a lost scheduler must not hide the error that made us close
                end_local_cluster(self._own, is_lost)
            with suppress(Exception):
                self._own.status = distributed.Status.closed  # otherwise Dask complains when the process ends

    def _most_submitted(self) -> int:
        with self._reporting_loss():
            return max(2, _AHEAD * sum(self._client.nthreads().values()))

    def _perform(self, tasks: Iterable[ChunkTask], most: int) -> Iterator[Answer]:
        waiting = iter(tasks)
        submitted: dict[Any, ChunkTask] = {}
        last_answer = time.monotonic()
        while True:
            # A scheduler holds every task that it gets. It must not hold those of a plane of a million chunks.
            while len(submitted) < most and (task := next(waiting, None)) is not None:
                submitted[self._submit(task)] = task
            if not submitted:
                return
            for future in self._wait_for_any(submitted):
                task = submitted.pop(future)
                try:
                    yield task, self._answer(future)
                except TimeoutError:  # the worker that held the answer died; Dask computes the chunk again on another one
                    self._check_alive()
                    submitted[future] = task
                else:
                    last_answer = time.monotonic()
            self._revive()
            if time.monotonic() - last_answer > _PATIENCE:
                self._wait_for_worker()
                submitted, last_answer = self._resubmit(submitted), time.monotonic()

    def _wait_for_any(self, submitted: Iterable[Any]) -> Iterable[Any]:
        """Return the finished ones. Wait a second at most: silent workers and a lost scheduler must be noticed meanwhile."""
        with self._reporting_loss(), self._client.as_current():
            try:
                return list(distributed.wait(list(submitted), timeout=1, return_when="FIRST_COMPLETED").done)
            except TimeoutError:
                self._check_alive()
                return []

    def _revive(self) -> None:
        """Replace our own workers that died while they joined: Dask gives them up."""
        if self._own is not None and time.monotonic() - self._revived > _PATIENCE / 4:
            self._revived = time.monotonic()
            with self._reporting_loss():
                self._own.scale(self._num_workers)

    def _wait_for_worker(self) -> None:
        """Wait until there is a worker. Raise ClusterError if none joins: without this, Dask would wait forever."""
        until = time.monotonic() + _NO_WORKER_SECONDS
        while time.monotonic() < until:
            with self._reporting_loss():
                if self._client.nthreads():
                    return
            self._revive()
            time.sleep(1)
        raise ClusterError(
            f"The cluster has had no worker for {_NO_WORKER_SECONDS} s. Finished chunks are kept: start workers, and run the "
            "same command with --resume."
        )

    def _resubmit(self, submitted: dict[Any, ChunkTask]) -> dict[Any, ChunkTask]:
        """Submit the tasks again unless a worker is busy: after many deaths, a scheduler may wait for workers that are gone."""
        with self._reporting_loss():
            if any(self._client.processing().values()):
                return submitted
            self._client.cancel(list(submitted), force=True)  # two workers must not write one chunk
        return {self._submit(task): task for task in submitted.values()}

    def _answer(self, future: Any) -> Any | Failed:
        """Return the facts, or the reason why there are none. Raise TimeoutError if they were lost and will come later."""
        try:
            return future.result(timeout=_ANSWER_SECONDS)
        except distributed.KilledWorker:
            return Failed(f"its worker died {_DEATHS + 1} times")
        except MemoryError as error:
            return Failed(f"its worker ran out of memory ({_first_line(error)})")
        except (UnseamError, TimeoutError):
            raise
        except Exception as error:  # either the task's own error, or the scheduler took the task with it
            if future.status in ("cancelled", "lost") or not self._is_alive():
                raise self._lost(error) from error
            raise

    def _submit(self, task: ChunkTask) -> Any:
        with self._reporting_loss():
            # A pure task has a hash of its arguments as key: a second try could get the answer of the first, which failed.
            return self._client.submit(perform_on_worker, self._name, task, pure=False, retries=0)

    @contextmanager
    def _reporting_loss(self) -> Iterator[None]:
        """Wrap a call to the scheduler: it may be lost at any moment, and Dask has many different errors for that."""
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
        """Check that all chunks come from one version: another one may compute them differently."""
        self._client.wait_for_workers(1, timeout=_SECONDS)
        for address, version in self._client.run(version_on_worker).items():
            if version != unseam.__version__:
                has = f"unseam {version}" if version else "no unseam"
                raise ClusterError(
                    f"The worker {address} has {has}; this machine has {unseam.__version__}. Install the same version on all "
                    "workers, and restart them."
                )


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
