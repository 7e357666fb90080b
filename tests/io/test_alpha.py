"""A fourth plane or channel is not transparency: whole files, windows and label maps read every kind alike."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from unseam.errors import LabelError
from unseam.io import read_image, read_labels
from unseam.io.alpha import without_alpha
from unseam.io.large import open_large

RNG = np.random.default_rng(5)
VARIED = RNG.integers(0, 200, (4, 40, 50))
BLANK = VARIED.copy()
BLANK[3] = 0
LAYOUTS = {
    "plain": {},
    "one strip, float": {},
    "tiles": {"tile": (16, 16)},
    "BigTIFF": {"bigtiff": True},
    "Deflate": {"compression": "zlib", "rowsperstrip": 7},
    "no description": {"metadata": None},
    "ImageJ": {"imagej": True, "metadata": {"axes": "CYX"}},
    "OME": {"ome": True, "metadata": {"axes": "CYX"}},
    "axes": {"metadata": {"axes": "CYX"}},
}

DEPTHS = {"one strip, float": "f4", "tiles": "u2", "Deflate": "f4"}  # else 8 bits


def tiff(folder: Path, pixels: np.ndarray, **options: object) -> Path:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # tifffile guesses, as in users' programs
        tifffile.imwrite(folder / "a.tif", pixels, **options)
    return folder / "a.tif"


def read_both(path: Path) -> tuple[np.ndarray, str]:
    """Read a file as a whole and by windows, which must agree; return its first plane and its axes."""
    file = read_image(path)
    (image,) = open_large(path)
    assert (image.axes, image.notes, image.num_channels) == (file.axes, file.notes, file.num_channels)
    (again,) = open_large(path, num_channels=[image.num_channels])
    for plane, expected in enumerate(file.planes()):
        for one in (image, again):
            np.testing.assert_array_equal(one.read(plane, slice(3, 39), slice(10, 50)), expected[3:39, 10:50])
    return file.planes()[0], file.axes


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pixels", [VARIED, BLANK], ids=["varied", "blank"])
def test_a_fourth_plane_is_kept(layout, pixels, tmp_path):
    path = tiff(tmp_path, pixels.astype(DEPTHS.get(layout, "u1")), **LAYOUTS[layout])
    plane, axes = read_both(path)
    assert axes == "CYX"
    np.testing.assert_array_equal(plane, np.moveaxis(pixels, 0, -1))
    labels = read_labels(path)
    assert labels.axes == "ZYX"
    np.testing.assert_array_equal(labels.pixels, pixels)
    assert "4 channels are read as planes" in " ".join(labels.notes)
    assert "taken as channels" not in " ".join(labels.notes)


@pytest.mark.parametrize("layout", ["plain", "one strip, float", "tiles", "Deflate", "no description"])
@pytest.mark.parametrize(("fourth", "num_channels", "note"), [(None, 4, "varies"), ("full", 3, ""), (7, 3, "is 7 everywhere")])
def test_a_fourth_channel_is_dropped_where_it_is_the_same_everywhere(layout, fourth, num_channels, note, tmp_path):
    depth = DEPTHS.get(layout, "u1")
    pixels = np.moveaxis(VARIED, 0, -1).astype(depth)
    if fourth is not None:
        pixels[..., 3] = 7 if fourth == 7 else 1 if depth == "f4" else np.iinfo(depth).max
    path = tiff(tmp_path, pixels, **LAYOUTS[layout])
    plane, axes = read_both(path)
    assert axes == "YXC"
    np.testing.assert_array_equal(plane, pixels[..., :num_channels])
    notes = " ".join(read_image(path).notes).replace("7.0", "7")
    assert note in notes
    assert bool(note) == bool(notes)


@pytest.mark.parametrize(("num", "depth"), [(2, "u2"), (3, "f4"), (4, "u1"), (4, "f4"), (5, "u2")])
def test_any_number_of_channels_last(num, depth, tmp_path):
    pixels = RNG.integers(0, 200, (40, 50, num)).astype(depth)
    np.save(tmp_path / "a.npy", pixels)
    for path in (tiff(tmp_path, pixels), tmp_path / "a.npy"):
        plane, axes = read_both(path)
        assert axes == "YXC"
        np.testing.assert_array_equal(plane, pixels)


def test_transparency_of_a_later_plane_counts(tmp_path):
    pixels = np.full((3, 40, 50, 4), 255, np.uint8)
    pixels[..., :3] = 9
    plane, _ = read_both(tiff(tmp_path, pixels, compression="zlib"))
    assert plane.shape == (40, 50, 3)
    pixels[2, 39, 49, 3] = 254
    plane, _ = read_both(tiff(tmp_path, pixels, compression="zlib"))
    assert plane.shape == (40, 50, 4)


def test_opaque_colours_stored_apart_are_colours(tmp_path):
    pixels = BLANK.astype(np.uint8)
    pixels[3] = 255
    plane, axes = read_both(tiff(tmp_path, pixels, metadata=None))
    assert (plane.shape, axes) == ((40, 50, 3), "CYX")


@pytest.mark.parametrize("alpha", ["varied", 3])
def test_a_mask_with_channels_that_differ_is_refused(alpha, tmp_path):
    pixels = np.dstack([VARIED[0]] * 3 + [VARIED[1] if alpha == "varied" else np.full((40, 50), 3)]).astype(np.uint8)
    path = tiff(tmp_path, pixels)
    if alpha == "varied":
        with pytest.raises(LabelError, match="row 0, column"):
            read_labels(path)
    else:
        np.testing.assert_array_equal(read_labels(path).pixels, VARIED[0])


def test_a_zarr_array_without_names_is_read_as_the_same_npy(tmp_path):
    for name, fourth in (("opaque", 255), ("other", 254)):
        pixels = np.dstack([np.moveaxis(VARIED[:3], 0, -1), np.full((40, 50), fourth)]).astype(np.uint8)
        np.save(tmp_path / f"{name}.npy", pixels)
        zarr.create_array(tmp_path / f"{name}.zarr", data=pixels)
        (image,), (array,) = open_large(tmp_path / f"{name}.zarr"), open_large(tmp_path / f"{name}.npy")
        assert (image.num_channels, image.notes) == (array.num_channels, array.notes)
        assert image.num_channels == (3 if fourth == 255 else 4)


def write_png(folder: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(folder / "a.png")
    return folder / "a.png"


@pytest.mark.parametrize("write", [write_png, tiff])
@pytest.mark.parametrize("num_colours", [1, 3])
def test_transparency_of_pictures(write: Callable, num_colours: int, tmp_path: Path) -> None:
    options = (
        {} if write is write_png else {"photometric": "rgb" if num_colours == 3 else "minisblack", "planarconfig": "contig"}
    )
    if options:
        options["extrasamples"] = ["unassalpha"]
    colours = np.moveaxis(VARIED[:num_colours], 0, -1)
    for alpha, is_kept in ((np.full((40, 50), 255), False), (np.zeros((40, 50)), False), (VARIED[3], True)):
        plane, _ = read_both(write(tmp_path, np.dstack([colours, alpha]).astype(np.uint8), **options))
        expected = np.dstack([colours, alpha]) if is_kept else colours if num_colours == 3 else colours[..., 0]
        np.testing.assert_array_equal(plane, expected)


def test_no_pixels_no_judgement():
    pixels, note = without_alpha(np.zeros((0, 5, 4), np.uint8), 2)
    assert pixels.shape == (0, 5, 4)
    assert note is not None
