"""Predict in separate processes and compare the memory budget with the peak that Linux counted."""

import json
import subprocess
import sys

import pytest

from unseam.engines.choose import has_openvino

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and limits the address space as Linux does")
ENGINES = ["torch", pytest.param("openvino", marks=pytest.mark.skipif(not has_openvino(), reason="an extra"))]

START = """
import json, resource, sys
from pathlib import Path
import numpy as np, torch
torch.set_num_threads(1)
torch.manual_seed(0)
from unseam.machine.memory import resident_bytes
from unseam.model import Model
from unseam.model.model_file import ModelInfo
from unseam.nets import UNetConfig
config = UNetConfig(first_width=8, depth=2)
model = Model(config.build(), ModelInfo(net=config), "cpu", engine=sys.argv[1])
image = np.random.default_rng(0).integers(0, 256, (1000, 1000), np.uint8)
model.predict(image[:50, :50])  # libraries read their code
model.engine.release()
"""

BUDGET = """
limit = resident_bytes() + 150_000_000
found = model.predict(image, max_memory=limit)
status = Path("/proc/self/status").read_text()
peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps([limit, peak, found.notes, model.engine.footprint((1, 1040, 1040)).total]))
"""

NO_ROOM = """
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 150_000_000, -1))
found = model.predict(image, max_memory=2**50)  # more than the process can have
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
tile = int(found.notes[-1].split(" with ")[-1].split()[0])
same = model.predict(image, max_input_tile=tile)
print(json.dumps([found.notes, bool(np.array_equal(found.probabilities, same.probabilities))]))
"""


def run(program: str, engine: str) -> list:
    command = [sys.executable, "-c", START + program, engine]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_budget_is_kept(engine):
    limit, peak, notes, whole = run(BUDGET, engine)
    assert whole > 150_000_000, "the budget is no limit here"
    assert "px instead of" in notes[0]
    assert limit - 120_000_000 < peak <= limit


def test_out_of_memory_halves_the_tile_to_the_same_result():
    notes, is_same = run(NO_ROOM, "torch")
    assert all("memory ran out" in note for note in notes)
    assert is_same
