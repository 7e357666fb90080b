"""The real process: pipes, kill -9, the end of the server."""

import signal
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from annotate_desk import GROUND, SIDE, SQUARE, VIEW, make_folder, painted
from unseam.annotate.messages import LabelTile, PredictedView, Ready, State, read_message, write_message

TESTS = Path(__file__).resolve().parents[2]
TINY = """
import os, sys
sys.path.insert(0, sys.argv[1])
from annotate_desk import RECIPE
from unseam.annotate.live.means import Means
from unseam.annotate.live.process import run_trainer
run_trainer(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"), lambda *_: None, Means(RECIPE, engine='torch', num_threads=1))
"""


class Process:
    """A trainer's process; it is killed at the end of the test."""

    def __init__(self, *words: str) -> None:
        self.popen = subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def say(self, message: object, body: bytes = b"") -> None:
        write_message(self.popen.stdin, message, body)

    def wait_for(self, kind: type) -> tuple[object, bytes]:
        """Read until a message of a kind comes; the guard of the tests ends a wait in vain."""
        while (frame := read_message(self.popen.stdout)) is not None:
            if isinstance(frame[0], kind):
                return frame
        raise AssertionError("the process ended")

    def end(self) -> None:
        self.popen.kill()
        self.popen.wait()
        self.popen.stdin.close()
        self.popen.stdout.close()


@pytest.fixture
def start_process():
    started: list[Process] = []

    def start(*words: str) -> Process:
        started.append(Process(*words))
        return started[-1]

    yield start
    for process in started:
        process.end()


def test_killed_it_begins_where_it_was(tmp_path, start_process):
    first = start_process("-c", TINY, str(TESTS))
    first.say(make_folder(tmp_path))
    for message in (Ready(), VIEW):
        first.say(message)
    for number, (box, value) in enumerate([(GROUND, 0), (SQUARE, 1)]):
        first.say(*painted(0, box, value, number))
    _, body = first.wait_for(PredictedView)
    assert len(body) == 2 * SIDE * SIDE
    first.popen.send_signal(signal.SIGKILL)
    first.popen.wait()

    second = start_process("-c", TINY, str(TESTS))
    second.say(make_folder(tmp_path))
    values = np.full((SIDE, SIDE), 255, np.uint8)
    for (row, column, height, width), value in ((GROUND, 0), (SQUARE, 1)):
        values[row : row + height, column : column + width] = value
    second.say(LabelTile(0, 0, 0), zlib.compress(values.tobytes()))
    second.say(Ready())
    second.say(VIEW)
    assert second.wait_for(PredictedView)[0].height == SIDE
    second.popen.stdin.close()  # the server ended
    assert second.popen.wait() == 0


def test_the_module_that_the_server_starts(tmp_path, start_process):
    process = start_process("-m", "unseam.api.annotate_trainer")
    process.say(make_folder(tmp_path))
    process.say(Ready())
    state, _ = process.wait_for(State)
    assert state.state == "waiting"
    process.popen.stdin.close()
    assert process.popen.wait() == 0
