"""Damaged TIFF and NumPy files: windows are refused where whole images are, and are crops of them where they are not."""

from pathlib import Path

import numpy as np
import pytest

from torture import seeds
from torture.readers import Images
from unseam.errors import ImageReadError
from unseam.io import read_image
from unseam.io.large import open_large


def whole(path: Path) -> list[np.ndarray] | str:
    try:
        return read_image(path).planes()
    except ImageReadError as error:
        return str(error)


def by_windows(path: Path) -> list[np.ndarray] | str:
    try:
        one = open_large(path)[0]
        return [one.read(plane, slice(0, one.height), slice(0, one.width)) for plane in range(one.num_planes)]
    except ImageReadError as error:
        return str(error)


@pytest.mark.parametrize(("kind", "num"), [("tiff", 480), ("array", 150)])
def test_as_the_whole(kind, num, tmp_path):
    made = Images(seeds.tiffs(), "tif") if kind == "tiff" else Images(seeds.arrays())
    num_read = 0
    for index in range(num):
        path, family = made.make(7, index, tmp_path)
        expected, found = whole(path), by_windows(path)
        if isinstance(expected, str) and "must be a finite number" in expected:
            continue  # whoever uses windows looks at that
        assert isinstance(found, str) == isinstance(expected, str), (index, family, expected, found)
        if not isinstance(found, str):
            assert len(found) == len(expected)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)
            num_read += 1
    assert num_read > num // 5
