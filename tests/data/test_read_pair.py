"""Planes or channels: the file's own description decides, then the mask, and a doubt is told with the way to end it."""

import warnings

import numpy as np
import pytest
import tifffile

from unseam.data.pairs import Pair
from unseam.data.read_pair import as_model_reads, read_pair
from unseam.errors import DataError
from unseam.io import read_image

STACK = np.random.default_rng(8).integers(0, 999, (4, 40, 50)).astype(np.uint16)
LABELS = (STACK > 500).astype(np.uint8)


def pair_of(folder, image, masks, **options):
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # tifffile guesses, as in users' programs
        tifffile.imwrite(folder / "a.tif", image, **options)
        tifffile.imwrite(folder / "a_mask.tif", masks)
    return Pair("a", (folder / "a.tif",), (folder / "a_mask.tif",))


@pytest.mark.parametrize("num", [2, 3, 4])
def test_planes_with_a_mask_each_are_planes(tmp_path, num):
    image, mask = read_pair(pair_of(tmp_path, STACK[:num], LABELS[:num]))
    assert [len(file.planes()) for file in (image, mask)] == [num, num]
    np.testing.assert_array_equal(image.pixels, STACK[:num])
    np.testing.assert_array_equal(mask.pixels, LABELS[:num])


@pytest.mark.parametrize("num", [3, 4])
def test_three_or_four_planes_with_one_mask_are_channels(tmp_path, num):
    image, _ = read_pair(pair_of(tmp_path, STACK[:num], LABELS[0]))
    assert image.planes()[0].shape == (40, 50, num)
    assert f"the first axis, of {num}" in " ".join(image.notes)


ZYX = {"axes": "ZYX"}


@pytest.mark.parametrize(
    ("num", "options"),
    [(2, {}), (2, {"metadata": None}), (3, {"metadata": ZYX}), (4, {"metadata": ZYX}), (4, {"imagej": True, "metadata": ZYX})],
)
def test_planes_with_one_mask_are_refused_with_the_way_to_save_channels(tmp_path, num, options):
    with pytest.raises(DataError, match=rf"{num} planes are channels .* CYX .* channels last"):
        read_pair(pair_of(tmp_path, STACK[:num], LABELS[0], **options))


def test_the_ways_to_save_channels_work(tmp_path):
    pair = pair_of(tmp_path, STACK[:2], LABELS[0])
    tifffile.imwrite(tmp_path / "x.ome.tif", STACK[:2], metadata={"axes": "CYX"})
    np.save(tmp_path / "x.npy", np.moveaxis(STACK[:2], 0, -1))
    for name in ("x.ome.tif", "x.npy"):
        image, _ = read_pair(Pair("a", (tmp_path / name,), pair.masks))
        np.testing.assert_array_equal(image.planes()[0], np.moveaxis(STACK[:2], 0, -1))


def test_no_hint_where_channels_are_no_answer(tmp_path):
    with pytest.raises(DataError, match=r"without annotation\.$"):
        read_pair(pair_of(tmp_path, STACK, LABELS[:3], metadata=ZYX))


@pytest.mark.parametrize(("in_channels", "num_planes"), [(1, 4), (4, 1)])
def test_channels_before_the_rows_are_planes_for_a_grey_model(tmp_path, in_channels, num_planes):
    path = pair_of(tmp_path, STACK, LABELS).image
    file = as_model_reads(read_image(path), in_channels)
    assert len(file.planes()) == num_planes
    assert ("taken as channels" in " ".join(file.notes)) == (in_channels == 4), "one answer, not two that differ"
