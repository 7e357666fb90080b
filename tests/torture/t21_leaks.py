"""Nothing leaks: one process trains, saves, loads and predicts again and again.

Memory, descriptors, threads and files are counted after each cycle. Over the second half of the cycles memory may rise by 0.05
MB a cycle at most (of 20 cycles, 0.5 MB: so few are too few for a slope); the others may not rise at all.
"""

import gc
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reference.toy import SMALL, spots
from torture.harness import Result, Scale
from unseam.api.training import train
from unseam.io import read_image, write_image, write_label_map
from unseam.machine.memory import resident_bytes
from unseam.model import Model

_MOST_MB_A_CYCLE = 0.05


@dataclass(frozen=True)
class _Held:
    """After one cycle."""

    megabytes: float
    descriptors: int
    threads: int
    files: int


def run(scale: Scale) -> Result:
    num = scale.of(20, 100)
    rng = np.random.default_rng(scale.seed)
    pairs = [spots(rng) for _ in range(2)]
    held = [_cycle(scale.folder, pairs) for _ in range(num)]
    second = held[num // 2 :]
    slope = float(np.polyfit(np.arange(len(second)), [now.megabytes for now in second], 1)[0])
    most = _MOST_MB_A_CYCLE if num >= 100 else 10 * _MOST_MB_A_CYCLE
    counts = {
        "memory": slope > most,
        "descriptors": second[-1].descriptors > second[0].descriptors,
        "threads": second[-1].threads > second[0].threads,
        "files": second[-1].files > second[0].files,
    }
    leaks = [name for name, rises in counts.items() if rises]
    last = held[-1]
    note = (
        f"{slope:+.3f} MB a cycle; descriptors {second[0].descriptors} to {last.descriptors}, threads {second[0].threads} to "
        f"{last.threads}, files {second[0].files} to {last.files}" + (f"; LEAKS: {', '.join(leaks)}" if leaks else "")
    )
    return Result("T21", num, 0, len(leaks), note)


def _cycle(folder: Path, pairs: list[tuple[np.ndarray, np.ndarray]]) -> _Held:
    images, masks = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    train(images, masks, steps=4, settings=SMALL, device="cpu").save(folder / "model.safetensors")
    model = Model.load(folder / "model.safetensors", "cpu")
    write_image(folder / "image.png", images[0])
    found = model.predict(read_image(folder / "image.png").pixels)
    write_label_map(folder / "classes.tif", found.classes)
    gc.collect()
    return _Held((resident_bytes() or 0) / 1e6, _descriptors(), threading.active_count(), len(list(folder.rglob("*"))))


def _descriptors() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0
