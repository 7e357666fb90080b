"""Workers of a Dask cluster to be killed, and a chunk that kills whoever computes it."""

import os
import signal
from functools import partial
from pathlib import Path

import numpy as np

from reference.large import blob_model, in_chunks, smooth, write_npy
from torture.large import digest
from unseam.model import Model
from unseam.scale.cluster import Cluster
from unseam.scale.predict_large import LargeResult

POISON = 60_000
"""A grey value far above all others."""


class DeadlyEngine:
    """Computes as the engine that it is given, and dies of one grey value."""

    def __init__(self, engine) -> None:
        self._engine = engine
        self.geometry, self.num_classes = engine.geometry, engine.num_classes

    def __str__(self) -> str:
        return str(self._engine)

    def __call__(self, tile: np.ndarray) -> np.ndarray:
        inside = slice(self.geometry.context, -self.geometry.context)
        if (tile[:, inside, inside] > 4).any():
            os.kill(os.getpid(), signal.SIGKILL)
        return self._engine(tile)


class DeadlyModel(Model):
    """With that engine."""

    @property
    def engine(self):
        return DeadlyEngine(super().engine)


def deadly(path: Path) -> DeadlyModel:
    return DeadlyModel.load(path, "cpu", engine="torch")


def plane(folder: Path) -> tuple[Model, Path, dict[str, str]]:
    """A network, a plane of 16 chunks, and the check sums of what one process makes of it."""
    model, source = blob_model(0.6), write_npy(folder / "image.npy", smooth(np.random.default_rng(6), 128, 100))
    return model, source, digest(in_chunks(model, source, folder / "whole.zarr").path)


def by_workers(model: Model, source: Path, out: Path, num: int = 2, make_model=None, seen=None, **more) -> LargeResult:
    """The same by processes of this machine; ``seen`` is told of the cluster before it begins."""

    def executor(worker) -> Cluster:
        cluster = Cluster(worker.work, None, num, make_model)
        if seen is not None:
            seen(cluster)
        return cluster

    return in_chunks(model, source, out, executor=executor, **more)


def deadly_of(path: Path) -> partial:
    return partial(deadly, path)
