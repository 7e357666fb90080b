"""The thread that makes training crops fails, runs out of memory or hangs at any step, and training is told

Crops are made by a thread of the same process; there are no worker processes to lose.
"""

import random
import threading
import time

from torture.harness import Result, Scale
from unseam.data import crops
from unseam.data.crops import make_ahead
from unseam.errors import TrainingError

_KINDS = (MemoryError, ValueError, RuntimeError, KeyboardInterrupt, SystemExit, TrainingError)


def run(scale: Scale) -> Result:
    num = scale.of(20, 500)
    chance = random.Random(scale.seed)
    before, lost, silent = threading.active_count(), 0, 0
    for index in range(num):
        kind, step = _KINDS[index % len(_KINDS)], chance.randrange(6)
        came, raised = _until_it_fails(kind, step, hangs=index == 0)
        silent += came != step or raised is not (TrainingError if index == 0 else kind)
    time.sleep(0.05)
    lost += threading.active_count() > before + 1  # the one that hangs cannot be ended
    return Result("T17", num, lost, silent, "one of them a hang")


def _until_it_fails(kind: type[BaseException], step: int, hangs: bool) -> tuple[int, type[BaseException] | None]:
    """How many crops came, and what was raised then."""

    def make(number: int) -> int:
        if number == step:
            if hangs:
                threading.Event().wait()
            raise kind("no crop")
        return number

    stream = make_ahead(make, 0, patience=1)
    came, last = 0, crops._LAST_SECONDS
    crops._LAST_SECONDS = 0.1 if hangs else last
    try:
        for number in stream:
            assert number == came
            came += 1
    except BaseException as error:
        return came, type(error)
    finally:
        crops._LAST_SECONDS = last
    return came, None
