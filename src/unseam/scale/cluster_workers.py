"""The workers' side of :mod:`unseam.scale.cluster`: what runs on a worker, and a cluster of this machine."""

import asyncio
from collections.abc import Callable
from typing import Any

import dask
import distributed

import unseam
from unseam.errors import ClusterError
from unseam.machine.cores import num_cores
from unseam.model import Model
from unseam.scale.prediction import LargePrediction
from unseam.scale.stages import perform_pass
from unseam.scale.task import ChunkTask
from unseam.scale.worker import ChunkWorker


class Setup(distributed.WorkerPlugin):
    """Prepares a worker when it joins, at the start or in place of one that died.

    Parameters
    ----------
    work, make_model
        As for :class:`~unseam.scale.worker.ChunkWorker`.
    version
        Version of the package that the worker must have.
    """

    idempotent = True

    def __init__(self, work: LargePrediction, make_model: Callable[[], Model] | None, version: str) -> None:
        self._work, self._make_model, self._version = work, make_model, version
        self.worker: ChunkWorker | None = None

    def setup(self, worker: Any) -> None:
        """Called by Dask on the worker."""
        if unseam.__version__ != self._version:
            raise ClusterError(f"The worker has unseam {unseam.__version__}, and the work is of {self._version}.")
        self.worker = ChunkWorker(self._work, self._make_model)


def perform_there(name: str, task: ChunkTask) -> Any:
    """Perform a task on a worker, with the set-up of this name; its pixels are on the disk before it answers."""
    setup: Any = distributed.get_worker().plugins[name]
    held = setup.worker
    facts = perform_pass(held, task)
    held.files.settle()
    return facts


def version_there() -> str:
    """Version of the package on a worker; empty: none."""
    try:
        import unseam as there
    except ImportError:
        return ""
    return there.__version__


def cluster_here(num_workers: int, deaths: int) -> Any:
    """Start a cluster of this machine; a chunk at which more than ``deaths`` workers died is given back."""
    threads = str(max(1, num_cores() // num_workers))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    with dask.config.set({"distributed.scheduler.allowed-failures": deaths}):
        return distributed.LocalCluster(
            n_workers=num_workers,
            threads_per_worker=2,  # one chunk is read or written while another is with the network
            host="127.0.0.1",
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},  # its health, on any free port
            memory_limit=0,  # ours is kept by the size of the tiles
            env=dict.fromkeys(names, threads),
            silence_logs="CRITICAL",
        )


def end_cluster_here(cluster: Any, is_scheduler_lost: bool) -> None:
    """End such a cluster; without a scheduler Dask would wait for one, so the processes are ended one by one."""
    if not is_scheduler_lost:
        cluster.close(timeout=20)
        return

    async def end() -> None:
        await asyncio.gather(*(nanny.close(timeout=2) for nanny in cluster.workers.values()), return_exceptions=True)

    cluster.sync(end, callback_timeout=10)
    cluster.close(timeout=1)
