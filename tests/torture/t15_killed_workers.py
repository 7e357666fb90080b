"""Workers of a Dask cluster are killed (SIGKILL) at any moment; the store is that of one process"""

import os
import random
import signal
import threading
from contextlib import suppress

from torture.cluster import by_workers, plane
from torture.harness import Result, Scale
from torture.large import digest, remove_result


def run(scale: Scale) -> Result:
    wanted = scale.of(4, 60)
    chance = random.Random(scale.seed)
    model, source, whole = plane(scale.folder)
    out = scale.folder / "out.zarr"
    kills = lost = runs = 0
    while kills < wanted:
        killer = Killer(chance, wanted - kills)
        by_workers(model, source, out, 2, seen=killer.begin)
        kills += killer.end()
        lost += digest(out) != whole
        runs += 1
        remove_result(out)
    return Result("T15", kills, lost, 0, f"{runs} runs")


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
