"""A disk that is full: a limit on the size of files, and a small file system where one may be mounted

Lost: not one clear line of ours, a process that dies, a file that is not whole, or finished work that is gone.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np

from torture.a_state import is_whole, state_of
from torture.children import child, ended
from torture.harness import Result, Scale
from unseam.errors import OutputError
from unseam.io import make_folders, read_image, write_label_map, write_probabilities
from unseam.io.append_journal import AppendJournal, pack
from unseam.io.result import ArrayLayout, create_array, open_array
from unseam.runs.checkpoints import Checkpoints
from unseam.training.observers import Validate

_GOOD, _BAD = 0, 3


def run(scale: Scale) -> Result:
    rooms = [index * 30_000 for index in range(1, scale.of(2, 50) + 1)]
    lost = 0
    for room in rooms:
        folder = scale.folder / f"limit-{room}"
        folder.mkdir()
        lost += ended(child(fill_under_a_limit, folder, room)) != _GOOD
    small = scale.folder / "small"
    small.mkdir()
    mounted = 0
    for room in rooms:
        words = ["mount", "-t", "tmpfs", "-o", f"size={2 * room}", "tmpfs", str(small)]
        try:
            if subprocess.run(words, check=False, capture_output=True).returncode:
                break
        except OSError:
            break
        try:
            mounted += 1
            lost += ended(child(fill_until_full, small)) != _GOOD
        finally:
            subprocess.run(["umount", str(small)], check=False, capture_output=True)
    note = f"{mounted} of them on a file system that was full" if mounted else "no file system may be mounted here"
    return Result("T7", len(rooms) + mounted, lost, 0, note)


def fill_under_a_limit(folder: Path, room: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    fill_until_full(folder)


def fill_until_full(folder: Path) -> None:
    """Checkpoints and results that grow until they do not fit; then see that what was finished is whole."""
    store, finished, refused = Checkpoints(folder / "checkpoints"), 0, 0
    in_chunks = _chunks_until_full(folder / "chunks")
    chance = np.random.default_rng(3)
    for step in range(1, 41):
        if step > 8 and refused:
            break
        side = 24 * step
        labels = chance.integers(0, 60_000, (side, side))
        try:
            store.save(state_of(step, width=2 * step), Validate(None, 1))
            finished = step
        except OutputError as error:
            refused += _is_clear(error)
        for write, values in ((write_label_map, labels), (write_probabilities, chance.random((2, side, side), np.float32))):
            try:
                write(folder / f"{write.__name__}.tif", values)
            except OutputError as error:
                refused += _is_clear(error)
    state = state_of(0, width=2 * max(finished, 1))
    is_sound = not finished or (store.load(state, Validate(None, 1)) and state.step == finished and is_whole(state))
    for path in folder.glob("*.tif"):
        read_image(path)
    is_tidy = not any(path.name.startswith(".unseam") for path in folder.rglob("*"))
    if not (is_sound and is_tidy and refused and in_chunks):
        raise SystemExit(_BAD)


def _chunks_until_full(folder: Path) -> int:
    """Chunks that grow, and a journal of them, until one does not fit; what the journal has is there and whole."""
    chance, done, refused = np.random.default_rng(4), {}, 0
    for number in range(1, 41):
        if number > 5 and refused:
            break
        part = chance.integers(0, 2**32, (40 * number, 40 * number)).astype(np.uint32)
        try:
            make_folders(folder)
            create_array(folder / f"{number}", ArrayLayout(part.shape, part.dtype, part.shape[0])).write((), (0, 0), part)
            with AppendJournal(folder / "journal") as journal:
                journal.append([{"chunk": number, "edge": pack(part[:20])}])
            done[number] = part
        except OutputError as error:
            refused += _is_clear(error)
    for number, part in done.items():
        rows, columns = (slice(0, side) for side in part.shape)
        if not (open_array(folder / f"{number}").read((), (rows, columns)) == part).all():
            raise SystemExit(_BAD)
    if done:
        with AppendJournal(folder / "journal") as journal:
            if [record["chunk"] for record in journal.records()] != list(done) or journal.note is not None:
                raise SystemExit(_BAD)
    if any(path.name.startswith(".unseam") for path in folder.rglob("*")):
        raise SystemExit(_BAD)
    shutil.rmtree(folder)
    return refused


def _is_clear(error: OutputError) -> bool:
    assert "\n" not in str(error)
    assert "could not be written" in str(error) or "cannot be made" in str(error)
    return True
