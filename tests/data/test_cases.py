"""What is segmented, and under which name, in each layout; only names matter here."""

from pathlib import Path

import numpy as np
import pytest

from unseam.data.cases import find_cases
from unseam.data.read_pair import read_case
from unseam.errors import DataError
from unseam.io import write_image

CHANNELS = ["imagesTr/x_0000.png", "imagesTr/x_0001.png", "imagesTr/y_0000.png", "imagesTr/y_0001.png"]
LABELS = ["labelsTr/x.png", "labelsTr/y.png"]
# name: (files, what is given, cases as "name: files")
KNOWN = {
    "a folder": (["a.tif", "b.tif", "a_masks.tif"], "", ["a: a.tif", "b: b.tif"]),
    "images and masks": (["images/a.tif", "masks/a.tif"], "", ["a: images/a.tif"]),
    "a series is no case": (["s_0000.tif", "s_0001.tif"], "", ["s_0000: s_0000.tif", "s_0001: s_0001.tif"]),
    "nnU-Net": ([*CHANNELS, *LABELS], "", [f"x: {CHANNELS[0]} {CHANNELS[1]}", f"y: {CHANNELS[2]} {CHANNELS[3]}"]),
    "nnU-Net's images": (CHANNELS, "imagesTr", [f"x: {CHANNELS[0]} {CHANNELS[1]}", f"y: {CHANNELS[2]} {CHANNELS[3]}"]),
    "nnU-Net, a pattern": (CHANNELS, "imagesTr/x_*.png", [f"x: {CHANNELS[0]} {CHANNELS[1]}"]),
    "nnU-Net to test": (["imagesTs/x_0000.png"], "", ["x: imagesTs/x_0000.png"]),
    "Cell Tracking": (["01/t1.tif", "01_GT/SEG/man_seg1.tif", "02/t1.tif", "02_GT/SEG/man_seg1.tif"], "",
        ["01_t1: 01/t1.tif", "02_t1: 02/t1.tif"]),
    "a sequence": (["01/t1.tif", "01/t2.tif"], "01", ["t1: 01/t1.tif", "t2: 01/t2.tif"]),
    "Data Science Bowl": (["p/images/p.png", "p/masks/1.png", "p/masks/2.png", "q/images/q.png", "q/masks/1.png"], "",
        ["p: p/images/p.png", "q: q/images/q.png"]),
    "Data Science Bowl to test": (["p/images/p.png", "q/images/q.png"], "", ["p: p/images/p.png", "q: q/images/q.png"]),
    "in train": (["train/images/a.tif", "train/masks/a.tif"], "", ["a: train/images/a.tif"]),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_known(name: str, tmp_path: Path) -> None:
    files, given, expected = KNOWN[name]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"x")
    found = find_cases(tmp_path / given)
    assert [f"{case.name}: {' '.join(p.relative_to(tmp_path).as_posix() for p in case.images)}" for case in found] == expected


def test_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no image.*tif"):
        find_cases(tmp_path)
    with pytest.raises(DataError, match=r"files, folders or patterns"):
        find_cases([])
    (tmp_path / "other").mkdir()
    with pytest.raises(DataError, match=r"no image.*images"):
        find_cases(tmp_path)


def test_channels_are_read_as_one_image(tmp_path: Path) -> None:
    (tmp_path / "imagesTs").mkdir()
    for channel in range(2):
        write_image(tmp_path / f"imagesTs/x_000{channel}.png", np.full((3, 4), channel, np.uint8))
    (case,) = find_cases(tmp_path)
    assert read_case(case.images).planes()[0][0, 0].tolist() == [0, 1]
