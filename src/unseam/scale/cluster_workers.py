"""The workers' side of :mod:`unseam.scale.cluster`: what runs on a worker, and a cluster on this machine."""

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
    """Prepare each worker when it joins, at the start or in place of one that died; ``version``: of the package, required."""

    idempotent = True

    def __init__(self, work: LargePrediction, make_model: Callable[[], Model] | None, version: str) -> None:
        self._work, self._make_model, self._version = work, make_model, version
        self.worker: ChunkWorker | None = None

    def setup(self, worker: Any) -> None:
        if unseam.__version__ != self._version:
            raise ClusterError(
                f"This worker has unseam {unseam.__version__}; the prediction needs {self._version}. Install it on all workers."
            )
        self.worker = ChunkWorker(self._work, self._make_model)


def perform_on_worker(name: str, task: ChunkTask) -> Any:
    """Compute a task with the setup of this name. Its pixels are on the disk before the answer leaves the worker."""
    setup: Any = distributed.get_worker().plugins[name]
    facts = perform_pass(setup.worker, task)
    setup.worker.files.settle()
    return facts


def version_on_worker() -> str:
    """Return the version of the package on a worker; empty if it is not installed."""
    try:
        import unseam as installed
    except ImportError:
        return ""
    return installed.__version__


def start_local_cluster(num_workers: int, deaths: int) -> Any:
    """Start a cluster on this machine that gives up a chunk at which more than ``deaths`` workers died."""
    threads = str(max(1, num_cores() // num_workers))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    with dask.config.set({"distributed.scheduler.allowed-failures": deaths}):
        return distributed.LocalCluster(
            n_workers=num_workers,
            threads_per_worker=2,  # one reads or writes a chunk while the other has the network
            host="127.0.0.1",
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},  # the health page takes any free port
            memory_limit=0,  # the size of the tiles limits memory; Dask would kill workers instead
            env=dict.fromkeys(names, threads),
            silence_logs="CRITICAL",
        )


def end_local_cluster(cluster: Any, is_scheduler_lost: bool) -> None:
    """End the cluster. Without its scheduler, end the processes one by one: Dask would wait for the scheduler."""
    if not is_scheduler_lost:
        cluster.close(timeout=20)
        return

    async def end() -> None:
        await asyncio.gather(*(nanny.close(timeout=2) for nanny in cluster.workers.values()), return_exceptions=True)

    cluster.sync(end, callback_timeout=10)
    cluster.close(timeout=1)
