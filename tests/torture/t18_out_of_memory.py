"""Memory runs out in the middle of a prediction: smaller tiles go on, with the result that they give.

In a process of its own whose address space is limited, so that the system itself refuses memory (Linux).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from torture.harness import Result, Scale

_SIDE = 900
_ROOM = (100, 300)  # MB beyond what the process holds before the first tile: some tile fits, the largest does not


def run(scale: Scale) -> Result:
    if sys.platform != "linux":
        return Result("T18", 1, 0, 0, "not tried: only Linux limits the address space of a process")
    lost = silent = 0
    said = []
    for room in _ROOM:
        words = [sys.executable, "-m", "torture.t18_out_of_memory", str(scale.folder), str(room)]
        here = Path(__file__).parents[1]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "UNSEAM_KEEP_MEMORY": "0"}
        done = subprocess.run(words, check=False, cwd=here, env=environment, capture_output=True, text=True, timeout=600)
        if done.returncode:
            lost += 1
            said.append(done.stderr.strip().splitlines()[-1][:200] if done.stderr.strip() else str(done.returncode))
            continue
        told = json.loads(done.stdout.splitlines()[-1])
        silent += not (told["is_same"] and told["notes"])
        said.append(f"{room} MB: {told['notes'][-1] if told['notes'] else 'no tile was too large'}")
    return Result("T18", len(_ROOM), lost, silent, "; ".join(said))


def _child(folder: Path, room: int) -> None:
    import resource

    import torch

    from unseam.engines import TorchEngine
    from unseam.inference.predict import Predictor
    from unseam.nets import UNetConfig

    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = UNetConfig(first_width=16, depth=2, dropout=0.0).build().eval()
    image = np.random.default_rng(0).random((1, _SIDE, _SIDE), np.float32)
    engine = TorchEngine(net, "cpu", torch.float32)
    expected = Predictor(engine, max_input_tile=140).probabilities(image)  # before the limit: everything is loaded now
    engine.release()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + room * 10**6, resource.RLIM_INFINITY))
    notes: list[str] = []
    found = Predictor(engine, max_input_tile=1000, on_note=notes.append).probabilities(image)
    print(json.dumps({"is_same": bool(np.abs(found - expected).max() < 1e-5), "notes": notes}))


if __name__ == "__main__":
    _child(Path(sys.argv[1]), int(sys.argv[2]))
