"""A disk that is full: a limit on the size of files, and a small file system where one may be mounted

Lost: not one clear line of ours, a process that dies, a file that is not whole, or finished work that is gone.
"""

import subprocess
from pathlib import Path

import numpy as np

from torture.a_state import is_whole, state_of
from torture.children import child, ended
from torture.harness import Result, Scale
from unseam.checkpoints import Checkpoints
from unseam.errors import OutputError
from unseam.io import read_image, write_label_map, write_probabilities
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
    chance = np.random.default_rng(3)
    for step in range(1, 9):
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
    if not (is_sound and is_tidy and refused):
        raise SystemExit(_BAD)


def _is_clear(error: OutputError) -> bool:
    assert "\n" not in str(error)
    assert "could not be written" in str(error) or "cannot be made" in str(error)
    return True
