"""The scheduler of a Dask cluster is lost at any chunk; one line says so, and --resume goes on"""

import random
import threading
import time

from reference.large import in_chunks
from torture.cluster import by_workers, plane
from torture.harness import Result, Scale
from torture.large import digest, remove_result
from unseam.errors import ClusterError
from unseam.scale.folder import work_folder


def run(scale: Scale) -> Result:
    num, chance = scale.of(1, 10), random.Random(scale.seed)
    model, source, whole = plane(scale.folder)
    out, lost, late = scale.folder / "out.zarr", 0, 0
    for _ in range(num):
        try:
            by_workers(model, source, out, 2, seen=_Loses(out, chance.randint(1, 24)))
            late += 1
        except ClusterError as error:
            lost += "--resume" not in str(error)
            in_chunks(model, source, out, resume=True)
        lost += digest(out) != whole
        remove_result(out)
    return Result("T15", num, lost, 0, f"{late} of them came too late")


class _Loses:
    """Ends the scheduler when so many lines stand in the journal."""

    def __init__(self, out, lines: int) -> None:
        self._journal, self._lines = work_folder(out) / "journal.txt", lines

    def __call__(self, cluster) -> None:
        threading.Thread(target=self._lose, args=(cluster._own,), daemon=True).start()

    def _lose(self, local) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self._journal.exists() and self._journal.read_text().count("\n") >= self._lines:
                local.sync(local.scheduler.close)
                return
            time.sleep(0.02)
