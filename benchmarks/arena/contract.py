"""What each tool of the arena is given and what it must leave. The ``run.py`` of a tool imports this; it knows no tool.

    run.py --train FOLDER --test FOLDER --out FOLDER --minutes M --threads T --seed S --kind objects|classes

``FOLDER/images`` holds TIFFs of (H, W) or (H, W, 3), ``FOLDER/masks`` (of training alone) label maps with the same names:
a number per object, or classes 0 to K - 1. The tool writes a label map of the same name and size for each test image, and
``run.json``. The clock starts where the tool calls ``clock.start()``, just before its first step: planning and compiling are
timed apart. A tool that does not call it starts with its first look at the images.
"""

import argparse
import importlib.metadata
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile


class TimeIsUp(Exception):
    """Raised from inside a training loop that has no stop of its own."""


class Clock:
    def __init__(self, minutes: float) -> None:
        self.made, self.seconds = time.monotonic(), minutes * 60
        self.started = self.made

    def start(self) -> None:
        self.started = time.monotonic()

    def preparing(self) -> float:
        return self.started - self.made

    def spent(self) -> float:
        return time.monotonic() - self.started

    def part(self) -> float:
        """Spent part of the budget, at most 1."""
        return min(1.0, self.spent() / self.seconds)

    def is_up(self) -> bool:
        return self.spent() >= self.seconds


@dataclass
class Trained:
    predict: Callable[[np.ndarray], np.ndarray]
    """From an image to its label map."""
    steps: int
    note: str = ""
    """What the table must say beside the figures."""


@dataclass
class Task:
    images: list[np.ndarray]
    masks: list[np.ndarray]
    kind: str
    seed: int
    threads: int
    clock: Clock
    work: Path
    """An empty folder."""
    plan: str

    @property
    def num_classes(self) -> int:
        return max(int(mask.max()) for mask in self.masks) + 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("train", "test", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--kind", choices=("objects", "classes"), required=True)
    parser.add_argument("--plan", default="")
    return parser.parse_args()


def compete(train: Callable[[Task], Trained], *packages: str) -> None:
    """Train, predict and write; ``packages`` are those whose versions count."""
    options = arguments()
    clock = Clock(options.minutes)
    images = [tifffile.imread(path) for path in sorted((options.train / "images").iterdir())]
    masks = [tifffile.imread(path) for path in sorted((options.train / "masks").iterdir())]
    work = options.out / "work"
    work.mkdir(parents=True)
    trained = train(Task(images, masks, options.kind, options.seed, options.threads, clock, work, options.plan))
    training = clock.spent()
    predicting = 0.0
    for path in sorted((options.test / "images").iterdir()):
        image = tifffile.imread(path)
        started = time.monotonic()
        labels = trained.predict(image)
        predicting += time.monotonic() - started
        tifffile.imwrite(options.out / path.name, np.asarray(labels, np.uint32), compression="zlib")
    about = {
        "steps": trained.steps,
        "note": trained.note,
        "seconds": {
            "preparing": round(clock.preparing(), 2),
            "training": round(training, 2),
            "predicting": round(predicting, 2),
        },
        "versions": {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}},
    }
    (options.out / "run.json").write_text(json.dumps(about), encoding="utf-8")
