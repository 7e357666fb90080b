"""A tiny data set, a tiny model, and the command line in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reference.toy import SMALL, spots
from unseam.cli.app import run

TINY = [word for setting in SMALL for word in ("--set", setting)]


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def terminal(capsys) -> Callable[..., Said]:
    """Run one command line."""

    def command(*words: object) -> Said:
        capsys.readouterr()
        code = run([str(word) for word in words])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return command


def write_data(folder: Path, names: str = "abc", values: tuple[int, int] = (0, 255)) -> Path:
    rng = np.random.default_rng(4)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for name in names:
        image, labels = spots(rng)
        Image.fromarray(image).save(folder / f"images/{name}.png")
        mask = np.where(labels > 0, values[1], values[0]).astype(np.uint8)
        Image.fromarray(mask).save(folder / f"masks/{name}.png")
    return folder


@pytest.fixture
def data(tmp_path) -> Path:
    """Three images with masks of 0 and 255."""
    return write_data(tmp_path / "data")


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """A run folder, trained for a few steps on such data; only to be read."""
    folder = tmp_path_factory.mktemp("cli")
    write_data(folder / "data")
    words = ["train", str(folder / "data"), "--out", str(folder / "run"), "--steps", "10", "--device", "cpu", *TINY]
    assert run(words) == 0
    return folder / "run"
