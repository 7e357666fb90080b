"""Folders of images to paint in, and strokes."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from unseam.annotate.ops import RUN, join_runs
from unseam.annotate.project import OpenImage, Project, open_project
from unseam.data.declaration import DeclaredClass

HEIGHT, WIDTH = 40, 50
_ids = itertools.count(1)


def new_id() -> str:
    return f"{next(_ids):032x}"


def classes(*names: str) -> list[DeclaredClass]:
    return [DeclaredClass(value, name, "#0072b2") for value, name in enumerate(names or ("background", "cell"))]


def raw_folder(folder: Path, *names: str, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """Images without masks."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    for name in names or ("a", "b"):
        Image.fromarray(rng.integers(0, 255, size, np.uint8)).save(folder / "images" / f"{name}.png")
    return folder


@contextmanager
def project_in(folder: Path, kind: str = "classes", *names: str) -> Iterator[Project]:
    with open_project(folder) as project:
        if project.said is None:
            project.declare(kind, classes(*names))
        yield project


def stroke(row: int, column: int = 2, length: int = 9, value: int = 1, width: int = WIDTH) -> np.ndarray:
    """One run of pixels."""
    return join_runs(np.arange(length) + row * width + column, np.full(length, value), width)


def paint(image: OpenImage, runs: np.ndarray, name: str | None = None, mode: str = "all", only: int | None = None) -> None:
    name = name or new_id()
    image.paint(name, name, "brush", runs, (mode, only))


def labels_of(image: OpenImage) -> np.ndarray:
    return image.labels.read(0, 0, image.height, image.width)


def mask_in(folder: Path, name: str = "a.png") -> np.ndarray:
    return np.asarray(Image.open(folder / "masks" / name))


def runs_of_bytes(data: bytes) -> np.ndarray:
    return np.frombuffer(data, RUN)
