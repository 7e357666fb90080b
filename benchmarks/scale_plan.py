"""What a tera- or petapixel would take on how many workers, and what ends first: measured costs, and a simulation of the rest.

Measured: what one chunk costs a worker (from huge.json), what Dask's scheduler and our coordinator do in a second on this
machine, and what objects cost the coordinator in memory. Simulated: workers that fetch a chunk from a storage of a given
bandwidth, compute, write, and answer to one coordinator, which takes one answer after the other. The number and the speed of
workers and storage are assumed, not measured, and stand in the table.

    python benchmarks/scale_plan.py --huge benchmarks/results/huge.json --out benchmarks/results
"""

import argparse
import heapq
import json
import random
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import facts, heading, write_result
from unseam.geometry.chunk_grid import ChunkGrid, Window
from unseam.heads.objects import Objects
from unseam.inference.whole_objects import find_objects, perform
from unseam.scale.predict_store import shard_of

MPX = 1024**2 / 1e6  # px of a chunk, in millions
READ_MB, WRITTEN_MB = 0.75, 0.15  # of a chunk, compressed: 8-bit micrographs, class map with pyramid


@dataclass(frozen=True)
class Site:
    """What a run has to work with.

    Attributes
    ----------
    workers
        How many.
    chunk_seconds
        Of one worker for one chunk, reading and writing left out.
    storage
        MB a second, of all workers together.
    coordinator_seconds
        Of the one process that hands out tasks and keeps the journal, for one task.
    chunks_a_task
        A task is a whole file; of very large planes that is a shard of many chunks.
    """

    workers: int
    chunk_seconds: float
    storage: float
    coordinator_seconds: float
    chunks_a_task: int = 1


def simulated(site: Site, num_tasks: int, rng: random.Random) -> tuple[float, dict[str, float]]:
    """Seconds for so many tasks, and the share of that time for which each resource was busy.

    Each worker in turn: waits for the storage, computes (a task takes 80 to 120 % of the mean), waits for the storage again,
    and then for the coordinator. Storage and coordinator serve one after the other, in the order of asking.
    """
    storage_free = coordinator_free = busy_workers = busy_storage = busy_coordinator = end = 0.0
    # what each worker does next, by the time at which it asks for it
    queue = [(0.0, worker, "read") for worker in range(min(site.workers, num_tasks))]
    heapq.heapify(queue)
    handed_out = len(queue)
    while queue:
        now, worker, step = heapq.heappop(queue)
        if step in ("read", "write"):
            takes = site.chunks_a_task * (READ_MB if step == "read" else WRITTEN_MB) / site.storage
            storage_free = max(now, storage_free) + takes
            busy_storage += takes
            after = storage_free
            if step == "read":
                computes = site.chunks_a_task * site.chunk_seconds * rng.uniform(0.8, 1.2)
                busy_workers += computes
                after += computes
            heapq.heappush(queue, (after, worker, "write" if step == "read" else "answer"))
        else:
            coordinator_free = max(now, coordinator_free) + site.coordinator_seconds
            busy_coordinator += site.coordinator_seconds
            end = max(end, coordinator_free)
            if handed_out < num_tasks:
                handed_out += 1
                heapq.heappush(queue, (coordinator_free, worker, "read"))
    busy = {
        "workers": busy_workers / (end * site.workers),
        "storage": busy_storage / end,
        "coordinator": busy_coordinator / end,
    }
    return end, busy


def tasks_a_second(num: int = 3000) -> float:
    """What Dask's scheduler and a client do with tasks that do nothing, two workers, handed in as we hand them in."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", scheduler_kwargs={"dashboard_address": "127.0.0.1:0"}
        ) as local,
        distributed.Client(local) as client,
    ):
        client.gather([client.submit(abs, k, pure=False) for k in range(20)])
        began = time.perf_counter()
        begun = {client.submit(abs, k, pure=False) for k in range(12)}
        done = 12
        while begun:
            finished = distributed.wait(begun, return_when="FIRST_COMPLETED").done
            for future in finished:
                future.result()
            begun -= finished
            more = min(len(finished), num - done)
            begun |= {client.submit(abs, k, pure=False) for k in range(more)}
            done += more
        return num / (time.perf_counter() - began)


def journal_seconds(folder: Path, num: int = 2000) -> float:
    """Of one chunk in the journal, in groups of fifty as a fast cluster would send them."""
    from unseam.io.append_journal import AppendJournal, packed

    runs = packed(np.arange(200, dtype=np.int32).reshape(2, 100))
    path = folder / "journal-to-measure.txt"
    with AppendJournal(path) as journal:
        began = time.perf_counter()
        for start in range(0, num, 50):
            journal.append({"stage": "0/0/network", "chunk": start + k, "facts": {"top": runs}} for k in range(50))
        seconds = (time.perf_counter() - began) / num
    path.unlink()
    return seconds


class Plane:
    """A plane in memory between the stages of objects; what comes out is let go."""

    def __init__(self, likely: np.ndarray, grid: ChunkGrid) -> None:
        self.likely, self.grid, self.cores = likely, grid, np.zeros(likely.shape, np.int32)

    def read_likely(self, window: Window) -> np.ndarray:
        return self.likely[window]

    def read_cores(self, window: Window) -> np.ndarray:
        return self.cores[window]

    def write_cores(self, chunk: int, labels: np.ndarray) -> None:
        self.cores[self.grid.window(chunk)] = labels

    def write_objects(self, chunk: int, numbers: np.ndarray) -> None:
        pass


def object_bytes(side: int = 4096, spacing: int = 8) -> float:
    """Of one object: what finding many holds more at its worst moment than finding none in as many pixels."""
    grid, settings = ChunkGrid(side, side, 1024), Objects(min_size=4)
    peaks = []
    for is_blank in (True, False):
        likely = np.zeros((side, side), np.float32)
        if not is_blank:
            for row in range(4):
                for column in range(4):
                    likely[row::spacing, column::spacing] = 1
        plane = Plane(likely, grid)

        def run(step, chunks, tables_for, plane=plane):
            return ((chunk, perform(step.stage, chunk, grid, settings, plane, tables_for(chunk))) for chunk in chunks)

        tracemalloc.start()
        found = find_objects(grid, settings, run)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return (peaks[1] - peaks[0]) / found.num_objects


def as_markdown(result: dict) -> str:
    found = result["measured"]
    text = [
        "# A tera- and a petapixel: what it would take, and what ends first",
        "",
        heading(result),
        "",
        f"    {result['command']}",
        "",
        f"Measured here: one chunk of 1024 x 1024 px costs a worker {found['chunk_seconds']:.2f} s (network of the default",
        f"recipe, float32, two cores), Dask handles {found['tasks_a_second']:.0f} tasks a second, the journal takes",
        f"{1e3 * found['journal']:.2f} ms a chunk, an object {found['object_bytes']:.0f} bytes of the coordinator's memory.",
        "All else is assumed and stands in the rows; of a GPU, 20 ms a chunk. The simulation runs 20 chunks a worker (20,000",
        "at least), and the total is scaled up.",
        "",
        "| pixels | tasks (chunks each) | workers | s a chunk | storage MB/s | hours "
        "| workers busy | storage | coordinator | ends first |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in result["rows"]:
        busy = row["busy"]
        shares = " | ".join(f"{busy[name]:.0%}" for name in ("workers", "storage", "coordinator"))
        text.append(
            f"| {row['pixels']:.0e} | {row['tasks']:,} ({row['shard'] ** 2}) | {row['workers']} "
            f"| {row['chunk_seconds']:.2f} | {row['storage']} | "
            f"{row['hours']:.1f} | {shares} | {max(busy, key=busy.get)} |"
        )
    dense = 1000
    text += [
        "",
        f"Tables of objects, at {dense} objects a chunk (cells of some 30 px, dense): "
        + ", ".join(
            f"{n:.0e} px {n / 1e6 / MPX * dense * found['object_bytes'] / 1e9:.0f} GB" for n in (10**11, 10**12, 10**13)
        )
        + ". That is the first thing to end where objects are wanted.",
    ]
    return "\n".join([*text, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--huge", type=Path, required=True, help="huge.json, for what a chunk costs")
    parser.add_argument("--out", type=Path, required=True, help="folder for scale_plan.json and scale_plan.md")
    chosen = parser.parse_args()
    about = facts("numpy", "distributed")
    rows = json.loads(chosen.huge.read_text(encoding="utf-8"))["rows"]
    net = next(row for row in rows if (row["engine"], row["saves"]) == ("net", "classes"))
    measured = {
        "chunk_seconds": net["seconds"] / net["chunks"],
        "tasks_a_second": tasks_a_second(),
        "journal": journal_seconds(chosen.out),
        "object_bytes": object_bytes(),
    }
    coordinator = 1 / measured["tasks_a_second"] + measured["journal"]
    rng, found = random.Random(0), []
    for pixels, workers, chunk_seconds, storage in (
        (10**12, 1, measured["chunk_seconds"], 500),
        (10**12, 100, measured["chunk_seconds"], 2000),
        (10**12, 1000, measured["chunk_seconds"], 2000),
        (10**12, 8, 0.02, 2000),
        (10**15, 1000, measured["chunk_seconds"], 5000),
        (10**15, 100, 0.02, 5000),
        (10**15, 1000, 0.02, 50_000),
        (10**15, 10_000, measured["chunk_seconds"], 50_000),
    ):
        chunks = round(pixels / 1e6 / MPX)
        shard = shard_of(1024 * round(chunks**0.5), 1024 * round(chunks**0.5), 1024)
        tasks = -(-chunks // shard**2)
        some = min(tasks, max(20_000, 20 * workers))
        seconds, busy = simulated(Site(workers, chunk_seconds, storage, coordinator, shard**2), some, rng)
        found.append({
            "pixels": pixels, "chunks": chunks, "shard": shard, "tasks": tasks, "workers": workers,
            "chunk_seconds": chunk_seconds, "storage": storage, "hours": seconds * tasks / some / 3600, "busy": busy,
        })  # fmt: skip
    result = {**about, "measured": measured, "rows": found}
    write_result(chosen.out, "scale_plan", result, as_markdown(result))
    print(as_markdown(result))


if __name__ == "__main__":
    main()
