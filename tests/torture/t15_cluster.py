"""Workers of a Dask cluster are killed (SIGKILL), a chunk kills every worker, the scheduler is lost

Same store to the byte as by one process; the poisonous chunk is named by its place and all others are finished; after the loss
of the scheduler the same command with --resume goes on.
"""

import os
import random
import re
import shutil
import signal
import threading
import time
from contextlib import suppress

import numpy as np

from reference.large import blob_model, in_chunks, smooth, write_npy
from torture.cluster import POISON, by_workers, deadly_of
from torture.harness import Result, Scale
from torture.large import digest
from unseam.errors import ClusterError
from unseam.scale.folder import work_folder


def run(scale: Scale) -> Result:
    wanted = scale.of(3, 60)
    chance = random.Random(scale.seed)
    model, image = blob_model(0.6), smooth(np.random.default_rng(6), 128, 100)
    source = write_npy(scale.folder / "image.npy", image)
    whole = digest(in_chunks(model, source, scale.folder / "whole.zarr").path)
    out = scale.folder / "out.zarr"
    kills = lost = runs = 0
    while kills < wanted:
        killer = Killer(chance, wanted - kills)
        by_workers(model, source, out, 2, seen=killer.begin)
        kills += killer.end()
        lost += digest(out) != whole
        runs += 1
        shutil.rmtree(out)
    model.save(scale.folder / "model.safetensors")
    lost += not _poison_is_named(scale, model, image)
    lost += not _scheduler_may_go(scale, model, source, whole)
    return Result("T15", kills + 2, lost, 0, f"{kills} kills of workers in {runs} runs, a poisonous chunk, a lost scheduler")


class Killer:
    """Kills one worker after another while a prediction runs."""

    def __init__(self, chance: random.Random, most: int) -> None:
        self._chance, self._most, self._kills = chance, most, 0
        self._over = threading.Event()

    def begin(self, cluster) -> None:
        self._thread = threading.Thread(target=self._kill, args=(cluster._own,), daemon=True)
        self._thread.start()

    def end(self) -> int:
        self._over.set()
        self._thread.join()
        return self._kills

    def _kill(self, local) -> None:
        while self._kills < self._most and not self._over.wait(self._chance.uniform(0.05, 0.4)):
            pids = [nanny.pid for nanny in local.workers.values() if nanny.pid]
            if pids:
                with suppress(ProcessLookupError):
                    os.kill(self._chance.choice(pids), signal.SIGKILL)
                    self._kills += 1


def _poison_is_named(scale: Scale, model, image: np.ndarray) -> bool:
    image = image.copy()
    image[40, 70] = POISON
    source, out = write_npy(scale.folder / "poison.npy", image), scale.folder / "poisoned.zarr"
    try:
        by_workers(model, source, out, 1, deadly_of(scale.folder / "model.safetensors"))
    except ClusterError as error:
        is_named = re.search(r"1 of 16 chunks .*rows 32-63, columns 64-95: its worker died", str(error))
    else:
        return False
    journal = (work_folder(out) / "journal.txt").read_text()
    is_rest_done = journal.count('"stage":"0/0/network"') == 15
    in_chunks(model, source, out, resume=True)  # a process that does not die of it
    return bool(is_named) and is_rest_done and digest(out) == digest(in_chunks(model, source, scale.folder / "p.zarr").path)


def _scheduler_may_go(scale: Scale, model, source, whole: dict[str, str]) -> bool:
    out = scale.folder / "lost.zarr"

    def lose(cluster) -> None:
        def soon() -> None:
            journal = work_folder(out) / "journal.txt"
            while not journal.exists() or journal.read_text().count("network") < 3:
                time.sleep(0.02)
            cluster._own.sync(cluster._own.scheduler.close)

        threading.Thread(target=soon, daemon=True).start()

    try:
        by_workers(model, source, out, 2, seen=lose)
    except ClusterError as error:
        if "--resume" not in str(error):
            return False
        in_chunks(model, source, out, resume=True)
    return digest(out) == whole
