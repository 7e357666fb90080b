"""A checkpoint or a model file is cut short, loses a bit or a sector; it must not be used in silence

Of a checkpoint, any of its files, the manifest too. Silent: a damaged one is used. Lost: the checkpoint before it is not used,
or that is not said in one line.
"""

import random
from pathlib import Path

from torture.a_state import is_whole, state_of
from torture.harness import Result, Scale
from unseam.errors import ModelFileError, UnseamError
from unseam.model.model_file import ModelInfo, load_model, save_model
from unseam.nets import UNetConfig
from unseam.runs.checkpoints import Checkpoints
from unseam.training.observers import Validate


def run(scale: Scale) -> Result:
    num, chance = scale.of(300, 3000), random.Random(scale.seed)
    store = Checkpoints(scale.folder / "checkpoints")
    for step in (1, 2):
        store.save(state_of(step), Validate(None, 1))
    files = sorted((store.folder / "step-000002").iterdir())
    model = scale.folder / "model.safetensors"
    save_model(model, UNetConfig(first_width=2, depth=1).build(), ModelInfo(net=UNetConfig(first_width=2, depth=1)))
    lost = silent = 0
    for index in range(num):
        for kind in (_cut, _bit, _sector):
            path = files[index % len(files)] if index % 2 else model
            whole = path.read_bytes()
            path.write_bytes(kind(whole, chance))
            is_lost, is_silent = _of_model(path) if path == model else _of_checkpoint(store)
            lost, silent = lost + is_lost, silent + is_silent
            path.write_bytes(whole)
    return Result("T4", 3 * num, lost, silent, f"{num} of each kind, half of them in a model file")


def _of_checkpoint(store: Checkpoints) -> tuple[bool, bool]:
    state, told = state_of(0), []
    try:
        store.load(state, Validate(None, 1), tell=told.append)
    except UnseamError:
        return True, False
    return not (state.step == 1 and is_whole(state) and len(told) == 1), state.step == 2


def _of_model(path: Path) -> tuple[bool, bool]:
    try:
        load_model(path)
    except ModelFileError:
        return False, False
    return False, True


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _bit(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _sector(data: bytes, chance: random.Random) -> bytes:
    while True:
        at = 512 * chance.randrange(1 + (len(data) - 1) // 512)
        damaged = data[:at] + bytes(len(data[at : at + 512])) + data[at + 512 :]
        if damaged != data:
            return damaged
