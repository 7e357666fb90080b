"""Several processes and a cluster give the same result; each failure of a cluster gives one line."""

import os
import signal
import socket
import sys

import dask
import distributed
import numpy as np
import psutil
import pytest

import unseam.scale.cluster
from reference.large import blob_model, in_chunks, smooth, write_npy
from torture.cluster import by_workers
from torture.large import digest
from unseam.errors import ClusterError, SettingsError
from unseam.scale.cluster import Cluster
from unseam.scale.predict_store import predict_store
from unseam.scale.prediction import LargePrediction


@pytest.fixture
def source(tmp_path):
    return write_npy(tmp_path / "image.npy", smooth(np.random.default_rng(6), 100, 130))


def listening() -> set[str]:
    """Addresses at which this process and its children listen."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    found = set()
    for process in processes:
        found |= {c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    return found


def test_same_as_one_process_and_other_machines_cannot_reach_it(tmp_path, source):
    model, before, seen = blob_model(), listening(), []
    out = by_workers(model, source, tmp_path / "workers.zarr", 2, seen=lambda cluster: seen.append(listening())).path
    assert digest(out) == digest(in_chunks(model, source, tmp_path / "here.zarr").path)
    assert seen[0] - before <= {"127.0.0.1"}
    assert "127.0.0.1" in seen[0]


def test_an_existing_scheduler(tmp_path, source):
    from distributed import LocalCluster

    model = blob_model()
    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "n_workers": 1, "threads_per_worker": 2}
    with LocalCluster(**options) as local:
        out = tmp_path / "out.ome.zarr"
        found = predict_store(model, source, out, save="both", scheduler=local.scheduler_address, max_memory="4GB")
        assert len(local.scheduler.workers) == 1  # the cluster is not ours, so it must not end
    here = predict_store(model, source, tmp_path / "here.ome.zarr", save="both")
    assert digest(found.path) == digest(here.path)


def test_no_scheduler_answers(tmp_path, source, monkeypatch):
    monkeypatch.setattr(unseam.scale.cluster, "_SECONDS", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ClusterError, match=r"127\.0\.0\.1.* 1 s .*dask scheduler"):
            in_chunks(blob_model(), source, tmp_path / "out.zarr", executor=lambda w: Cluster(w.work, address))
    with pytest.raises(ClusterError, match=r"nonsense://1.*dask scheduler"):
        Cluster(LargePrediction("", ""), "nonsense://1")


def test_the_scheduler_is_lost_while_nothing_is_under_way(tmp_path, source):
    """The question for the number of workers, between two stages, is the first to notice. The workers end, too."""
    workers = []

    def lose(cluster) -> None:
        workers.extend(nanny.pid for nanny in cluster._own.workers.values())
        cluster._own.sync(cluster._own.scheduler.close)

    with pytest.raises(ClusterError, match=r"scheduler .*lost \(.+\).*--resume"):
        by_workers(blob_model(), source, tmp_path / "out.zarr", 1, seen=lose)
    assert len(workers) == 1
    assert not psutil.pid_exists(workers[0])


def kill_as_it_joins(cluster) -> None:
    """Kill each worker before its nanny knows that it started: Dask does not replace such a worker."""
    for nanny in cluster._own.workers.values():
        nanny.status = distributed.Status.starting
        os.kill(nanny.pid, signal.SIGKILL)


def test_a_worker_that_dies_as_it_joins_is_replaced(tmp_path, source, monkeypatch):
    monkeypatch.setattr(unseam.scale.cluster, "_PATIENCE", 2)
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1s"}):
        out = by_workers(blob_model(), source, tmp_path / "out.zarr", 1, seen=kill_as_it_joins).path
    assert digest(out) == digest(in_chunks(blob_model(), source, tmp_path / "here.zarr").path)


def test_a_cluster_without_workers_ends_the_wait(tmp_path, source, monkeypatch):
    monkeypatch.setattr(unseam.scale.cluster, "_PATIENCE", 1)
    monkeypatch.setattr(unseam.scale.cluster, "_NO_WORKER_SECONDS", 2)
    with pytest.raises(ClusterError, match=r"no worker .*2 s.*--resume"):
        by_workers(blob_model(), source, tmp_path / "out.zarr", 1, seen=kill_as_it_joins)  # Dask waits for 15 s


def test_a_worker_of_another_version(tmp_path, source, monkeypatch):
    monkeypatch.setattr(unseam, "__version__", "99.0")
    with pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:\d+ .*99\.0.*same version"):
        by_workers(blob_model(), source, tmp_path / "out.zarr", 1)


def test_what_does_not_go_together(tmp_path, source):
    model = blob_model()
    with pytest.raises(SettingsError, match=r"--workers.*--scheduler"):
        predict_store(model, source, tmp_path / "a.zarr", workers=2, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(SettingsError, match=r"\b0 workers.*1024"):
        predict_store(model, source, tmp_path / "a.zarr", workers=0)
    with pytest.raises(SettingsError, match=r"a\.tif.*--save"):
        predict_store(model, source, tmp_path / "a.tif", save="both")


def test_without_dask(tmp_path, source, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for name in ("cluster", "cluster_workers"):
        monkeypatch.delitem(sys.modules, f"unseam.scale.{name}")
    with pytest.raises(SettingsError, match=r"pip install 'unseam\[cluster\]'"):
        predict_store(blob_model(), source, tmp_path / "a.zarr", workers=2)
