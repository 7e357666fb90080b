"""Killed at the 1st, 2nd, 3rd, ... call to the disk while it writes a result in chunks and its journal

Then it goes on until it is done. Lost: a record that was taken is gone, or the run cannot go on. Silent: a chunk that is half
there, one that the journal has but the disk has not, a result that is complete but not the one written, or a cut that is told
of where nothing was damaged.
"""

import os
import signal
from pathlib import Path

import numpy as np

from torture.children import child, ended
from torture.disk_calls import watched
from torture.harness import Result, Scale
from unseam.errors import OutputError
from unseam.io.append_journal import AppendJournal
from unseam.io.result import (
    ChunkFiles,
    ImageLayout,
    build_level_chunk,
    create_image,
    downsample,
    mark_complete,
    open_level,
    read_facts,
    sweep_image,
)
from unseam.io.write import write_bytes_whole

_LAYOUT = ImageLayout("YX", (40, 56), np.dtype("u2"), 8, 2)
_PIXELS = np.arange(40 * 56, dtype=np.uint16).reshape(40, 56)
_MOST_CALLS = 1000
_LOST, _SILENT = 3, 4


def run(scale: Scale) -> Result:
    runs = lost = silent = 0
    step = max(1, round(16 * (1 - scale.share)))
    for first in range(1, _MOST_CALLS, step):
        folder = scale.folder / str(first)
        folder.mkdir()
        code, kills = -signal.SIGKILL, 0
        while code == -signal.SIGKILL and kills < _MOST_CALLS:  # killed ever later, so that it gets somewhere
            code = ended(child(work, folder, first + 29 * kills if kills else first))
            kills += code == -signal.SIGKILL
        runs += kills
        lost += code not in (0, _SILENT)
        silent += code == _SILENT
        if kills == 0:
            break
    return Result("T27", runs, lost, silent, f"{_LAYOUT.num_levels} levels, each chunk synced or all of a row together")


def work(folder: Path, last_call: int) -> None:
    """Go on with a result, until the call of this number."""

    def kill(number: int, name: str) -> None:
        if number == last_call:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        with watched(kill):
            _go_on(folder)
    except OutputError:
        raise SystemExit(_LOST) from None
    if not _is_sound(folder):
        raise SystemExit(_SILENT)


def _go_on(folder: Path) -> None:
    group = folder / "a.zarr"
    if not (group / "zarr.json").exists():
        create_image(group, _LAYOUT)
    sweep_image(folder)
    files = ChunkFiles(is_synced=folder.name[-1] in "02468")
    with AppendJournal(folder / "journal") as journal:
        done = [tuple(record["done"]) for record in journal.records()]
        told = int((folder / "told").read_bytes()) if (folder / "told").exists() else 0
        if len(done) < told:
            raise OutputError("a record is gone")
        if journal.note is not None:
            raise SystemExit(_SILENT)
        for level in range(_LAYOUT.num_levels):
            array, waiting = open_level(group, level, files), []
            for chunk in range(len(array.grid)):
                if (level, chunk) in done:
                    array.read((), array.grid.window(chunk))  # raises if it is not there, or not whole
                    continue
                if level:
                    build_level_chunk(group, level, (), chunk, files)
                else:
                    array.write((), array.grid.place(chunk), _PIXELS[array.grid.window(chunk)])
                waiting.append((level, chunk))
                if len(waiting) == array.grid.num_columns or chunk + 1 == len(array.grid):
                    files.settle()
                    journal.append({"done": place} for place in waiting)
                    done, waiting = done + waiting, []
                    write_bytes_whole(folder / "told", b"%d" % len(done))
    mark_complete(group, {})


def _is_sound(folder: Path) -> bool:
    group = folder / "a.zarr"
    is_tidy = not any(path.name.startswith(".unseam") for path in folder.rglob("*"))
    pixels, is_equal = _PIXELS, True
    for level in range(_LAYOUT.num_levels):
        array = open_level(group, level)
        height, width = array.layout.shape
        is_equal = is_equal and bool((array.read((), (slice(0, height), slice(0, width))) == pixels).all())
        pixels = downsample(pixels, "labels", level + 1)
    return is_tidy and is_equal and read_facts(group)["complete"] is True
