"""The process is killed (SIGKILL) while it saves checkpoints; the newest that was finished must be there, whole

Half of the kills come after a random time, half at a given call to the disk: at each in turn. Whoever comes next goes on in the
same folder. Lost: the newest checkpoint of which the writer had returned is not there, is not whole, or something lies about.
"""

import os
import random
import re
import signal
import time
from pathlib import Path

from torture.a_state import fill, is_whole, state_of
from torture.children import child, ended
from torture.disk_calls import watched
from torture.harness import Result, Scale
from unseam.errors import UnseamError
from unseam.runs.checkpoints import Checkpoints
from unseam.training.observers import Validate

_WIDTH = 32
_LONGEST = 0.4


def run(scale: Scale) -> Result:
    num, chance = scale.of(15, 500), random.Random(scale.seed)
    store, done = Checkpoints(scale.folder / "checkpoints"), scale.folder / "done"
    done.write_bytes(b"")
    lost = 0
    for index in range(num):
        at_call = 1 + index // 2 if index % 2 else 0
        process = child(save_for_ever, store.folder, done, at_call)
        if not at_call:
            while done.stat().st_size == 0 and process.is_alive():
                time.sleep(0.005)
            process.join(chance.uniform(0, _LONGEST))
            process.kill()
        ended(process)
        lost += not _is_sound(store, int(done.read_bytes().split()[-1]) if done.stat().st_size else 0)
    return Result("T3", num, lost, 0, f"{num // 2} of them at the 1st, 2nd, ... call to the disk")


def save_for_ever(folder: Path, done: Path, at_call: int) -> None:
    """Go on from what is there and save the next steps; after each, say so. Killed at a call, or by somebody else."""

    def kill(number: int, name: str) -> None:
        if number == at_call:
            os.kill(os.getpid(), signal.SIGKILL)

    store, state = Checkpoints(folder), state_of(0, _WIDTH, 2)
    store.load(state, Validate(None, 1))
    said = os.open(done, os.O_WRONLY | os.O_APPEND)
    with watched(kill):
        while True:
            fill(state, state.step + 1)
            store.save(state, Validate(None, 1))
            os.write(said, b"%d\n" % state.step)


def _is_sound(store: Checkpoints, finished: int) -> bool:
    state, told = state_of(0, _WIDTH, 2), []
    try:
        is_there = store.load(state, Validate(None, 1), tell=told.append)
    except UnseamError:
        return False
    names = [path.name for path in store.folder.iterdir()] if store.folder.exists() else []
    is_tidy = len(names) <= store.keep and all(re.fullmatch(r"step-\d+", name) for name in names)
    return is_tidy and not told and is_there >= (finished > 0) and state.step >= finished and is_whole(state)
