"""Damaged TIFF and NumPy files: windows are refused where whole images are, and are crops of them where they are not."""

import numpy as np
import pytest

from torture import seeds
from torture.readers import Images
from unseam.errors import ImageReadError
from unseam.io import read_image
from unseam.io.large import open_large


@pytest.mark.parametrize(("kind", "num"), [("tiff", 480), ("array", 150)])
def test_as_the_whole(kind, num, tmp_path):
    made = Images(seeds.tiffs(), "tif") if kind == "tiff" else Images(seeds.arrays())
    num_read = 0
    for index in range(num):
        path, family = made.make(7, index, tmp_path)
        try:
            expected, reason = read_image(path).planes(), ""
        except ImageReadError as error:
            expected, reason = [], str(error)
        if "every pixel must be a finite number" in reason:
            continue  # whoever uses windows looks at that
        try:
            (one, *_) = open_large(path)
            assert not reason, (index, family, reason)
            assert one.num_planes == len(expected)
            for plane, whole in enumerate(expected):
                np.testing.assert_array_equal(one.read(plane, slice(0, one.height), slice(0, one.width)), whole)
            num_read += 1
        except ImageReadError as error:
            assert reason, (index, family, error)
    assert num_read > num // 5
