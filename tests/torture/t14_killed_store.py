"""A large prediction is killed at any moment, goes on with --resume, and its store is the same to the byte

Classes, probabilities, objects above a threshold of 0.6, and their pyramids, chunk by chunk. Nothing that the journal says is
finished is computed again, until the end nothing has the name of the result, and nothing is left beside it.
"""

import random
import shutil
import time

from torture.children import child, ended
from torture.harness import Result, Scale
from torture.large import begin_or_go_on, digest, write_source
from unseam.scale.folder import probability_store


def run(scale: Scale) -> Result:
    wanted = scale.of(6, 200)
    chance = random.Random(scale.seed)
    source, log = write_source(scale.folder / "source"), scale.folder / "log"
    ended(child(print))
    began = time.monotonic()
    assert ended(child(begin_or_go_on, source, scale.folder / "whole.zarr", log)) == 0
    took = time.monotonic() - began
    whole = digest(scale.folder / "whole.zarr")
    out = scale.folder / "results/out.zarr"
    out.parent.mkdir()
    kills = lost = runs = 0
    while kills < wanted:
        process = child(begin_or_go_on, source, out, log)
        process.join(chance.uniform(0, 1.1 * took))
        if process.exitcode is None:
            process.kill()
            process.join()
            kills += 1
            if not out.exists():
                continue
            lost += digest(out) != whole  # what has the name is finished, whatever was to follow
        else:
            left = {path.name for path in out.parent.iterdir()} - {out.name, probability_store(out).name}
            lost += process.exitcode != 0 or digest(out) != whole or bool(left)
        runs += 1
        shutil.rmtree(out.parent)
        out.parent.mkdir()
    silent = len(log.read_text().splitlines()) if log.exists() else 0
    return Result("T14", kills, lost, silent, f"{runs} runs; silent: a chunk computed again that was finished")
