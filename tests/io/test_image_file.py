"""Planes, axes and the description of places."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from unseam.io import ImageFile, can_read, read_image
from unseam.io.axes import guess_axes, tidy_axes
from unseam.io.calibration import UNKNOWN
from unseam.io.image_file import describe_place, first_place


def file(axes: str) -> ImageFile:
    sizes = {"T": 2, "Z": 3, "C": 4, "Y": 5, "X": 6}
    shape = [sizes[letter] for letter in axes]
    return ImageFile(np.arange(np.prod(shape)).reshape(shape), axes, UNKNOWN, Path("a.tif"))


@pytest.mark.parametrize(
    ("axes", "num_planes", "shape"),
    [
        ("YX", 1, (5, 6)),
        ("YXC", 1, (5, 6, 4)),
        ("CYX", 1, (5, 6, 4)),
        ("ZYX", 3, (5, 6)),
        ("TYX", 2, (5, 6)),
        ("TZYX", 6, (5, 6)),
        ("ZCYX", 3, (5, 6, 4)),
        ("TCYX", 2, (5, 6, 4)),
        ("CZYX", 3, (5, 6, 4)),
        ("TZCYX", 6, (5, 6, 4)),
        ("TZYXC", 6, (5, 6, 4)),
    ],
)
def test_planes(axes: str, num_planes: int, shape: tuple[int, ...]) -> None:
    image = file(axes)
    planes = image.planes()
    assert len(planes) == num_planes
    assert all(plane.shape == shape for plane in planes)
    assert (image.height, image.width) == (5, 6)
    assert image.num_channels == (4 if "C" in axes else 1)
    index = tuple({"T": 1, "Z": 2, "C": 3, "Y": 4, "X": 5}[letter] for letter in axes)
    assert planes[-1][4, 5] == image.pixels[index] if "C" not in axes else planes[-1][4, 5, 3] == image.pixels[index]


def test_planes_are_views() -> None:
    image = file("TZCYX")
    assert all(np.shares_memory(plane, image.pixels) for plane in image.planes())


@given(st.lists(st.integers(1, 4), min_size=0, max_size=4), st.data())
def test_tidy_keeps_every_pixel_and_each_letter_once(extra: list[int], data: st.DataObject) -> None:
    letters = data.draw(st.permutations([*data.draw(st.permutations("TZCSQIR"))[: len(extra)], "Y", "X"]))
    sizes = iter(extra)
    shape = [7 if letter == "Y" else 8 if letter == "X" else next(sizes) for letter in letters]
    pixels = np.arange(np.prod(shape)).reshape(shape)
    tidied, axes = tidy_axes(pixels, "".join(letters))
    assert len(axes) == tidied.ndim == len(set(axes))
    assert (tidied.shape[axes.index("Y")], tidied.shape[axes.index("X")]) == (7, 8)
    assert sorted(tidied.ravel().tolist()) == list(range(pixels.size))
    image = ImageFile(tidied, axes, UNKNOWN, Path("a"))
    assert sum(plane.size for plane in image.planes()) == pixels.size


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((9, 9), "YX"),
        ((9, 9, 1), "YXC"),
        ((9, 9, 2), "YXC"),
        ((9, 9, 3), "YXC"),
        ((9, 9, 4), "YXC"),
        ((3, 9, 9), "CYX"),
        ((4, 9, 9), "CYX"),
        ((2, 9, 9), "ZYX"),
        ((5, 9, 9), "ZYX"),
        ((1, 9, 9), "ZYX"),
        ((3, 3, 3), "ZYX"),
        ((5, 9, 9, 3), "ZYXC"),
        ((5, 2, 9, 9), "ZCYX"),
        ((5, 6, 9, 9), "TZYX"),
        ((5,), ""),
        ((1, 1, 1, 9, 9), ""),
    ],
)
def test_guesses(shape: tuple[int, ...], axes: str) -> None:
    assert guess_axes(shape)[0] == axes


def test_places_in_words() -> None:
    assert describe_place("YX", (3, 7)) == "row 3, column 7"
    assert describe_place("TZCYX", (1, 2, 3, 4, 5)) == "row 4, column 5 (time 1, plane 2, channel 3)"
    assert describe_place("YXC", (3, 7, 1)) == "row 3, column 7 (channel 1)"
    where = np.zeros((4, 5), bool)
    where[2, 3] = where[3, 0] = True
    assert first_place(where) == (2, 3)


@pytest.mark.parametrize(
    ("options", "spacing_um"),
    [
        ({"imagej": True, "resolution": (4.0, 2.0), "metadata": {"unit": "um"}}, (0.5, 0.25)),
        ({"imagej": True, "resolution": (4.0, 2.0), "metadata": {"unit": "nm"}}, (0.0005, 0.00025)),
        ({"imagej": True, "resolution": (4.0, 2.0), "metadata": {"unit": "pixel"}}, None),
        ({"imagej": True, "resolution": (4.0, 2.0)}, None),
        ({"imagej": True}, None),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5}}, (0.5, 0.25)),
        (
            {
                "ome": True,
                "metadata": {
                    "axes": "YX",
                    "PhysicalSizeX": 250,
                    "PhysicalSizeXUnit": "nm",
                    "PhysicalSizeY": 500,
                    "PhysicalSizeYUnit": "nm",
                },
            },
            (0.5, 0.25),
        ),
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 0.25}}, None),
    ],
)
def test_spacing_comes_only_from_units_of_length(
    options: dict[str, object], spacing_um: tuple[float, float] | None, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 6), np.uint8), **options)
    assert read_image(tmp_path / "a.tif").spacing_um == pytest.approx(spacing_um)


def test_names_that_can_be_read() -> None:
    readable = ("a.tif", "a.TIFF", "a.ome.tif", "a.png", "a.JPG", "a.jpeg", "a.bmp", "a.gif", "a.npy", "a.npz")
    assert all(can_read(name) for name in readable)
    assert not any(can_read(name) for name in ("a.csv", "a", "a.tif.txt", "a.czi", "tif", ".txt"))
