"""A chunk that kills every worker of a Dask cluster is named by its place, and all others are finished

Once with one worker, which Dask may give up when it dies in the moment in which it joins; then with two. A process that does
not die of that chunk goes on with --resume, to the same store.
"""

import re
import shutil

import numpy as np

from reference.large import in_chunks, write_npy
from torture.cluster import POISON, by_workers, deadly_of, plane
from torture.harness import Result, Scale
from torture.large import digest
from unseam.errors import ClusterError
from unseam.scale.folder import work_folder


def run(scale: Scale) -> Result:
    model, source, _ = plane(scale.folder)
    image = np.load(source)
    image[40, 70] = POISON
    source, out = write_npy(scale.folder / "poison.npy", image), scale.folder / "poisoned.zarr"
    whole = digest(in_chunks(model, source, scale.folder / "p.zarr").path)
    model.save(scale.folder / "model.safetensors")
    deadly, lost, num = deadly_of(scale.folder / "model.safetensors"), 0, scale.of(1, 6)
    for turn in range(num):
        lost += not _is_named(model, source, out, 1 + turn % 2, deadly)
        in_chunks(model, source, out, resume=True)
        lost += digest(out) != whole
        shutil.rmtree(out)
    return Result("T15", num, lost, 0)


def _is_named(model, source, out, num_workers: int, deadly) -> bool:
    try:
        by_workers(model, source, out, num_workers, deadly)
    except ClusterError as error:
        is_named = re.search(r"1 of 16 chunks .*rows 32-63, columns 64-95: its worker died", str(error))
    else:
        return False
    journal = (work_folder(out) / "journal.txt").read_text()
    return bool(is_named) and journal.count('"stage":"0/0/network"') == 15
