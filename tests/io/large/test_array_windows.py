"""Windows of NumPy's files, and of formats that are read as a whole."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unseam.errors import ImageReadError
from unseam.io import read_image
from unseam.io.large import open_large
from unseam.io.large.raw_array import RawArray
from unseam.io.large.stored_axes import StoredAxes

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (70, 90), np.uint8)
COLOUR = RNG.integers(0, 256, (70, 90, 3), np.uint8)
OPAQUE = np.dstack([COLOUR, np.full_like(GREY, 255)])
STACK = RNG.integers(0, 2**16, (5, 70, 90), np.uint16)

ARRAYS = {
    "grey": GREY,
    "big-endian": STACK[0].astype(">u2"),
    "truth": GREY > 99,
    "half": GREY.astype(np.float16),
    "colours": COLOUR,
    "colours first": np.moveaxis(COLOUR, -1, 0),
    "opaque": OPAQUE,
    "fourth channel": np.dstack([COLOUR, GREY]),
    "stack": STACK,
    "stack of colours": np.stack([COLOUR] * 6),
    "stack of channels": np.stack([STACK[:2]] * 7),
    "time and depth": np.stack([STACK] * 6),
    "one channel": GREY[..., None],
}


def check_crops(path: Path, rng: np.random.Generator, num: int = 8) -> None:
    (one,) = open_large(path)
    file = read_image(path)
    expected = file.planes()
    assert (one.num_planes, one.dtype, one.position) == (len(expected), file.pixels.dtype, "")
    assert one.axes == file.axes
    assert one.notes == file.notes
    for _ in range(num):
        plane = int(rng.integers(one.num_planes))
        top, left = int(rng.integers(one.height)), int(rng.integers(one.width))
        rows = slice(top, int(rng.integers(top, one.height)) + 1)
        columns = slice(left, int(rng.integers(left, one.width)) + 1)
        window = one.read(plane, rows, columns)
        np.testing.assert_array_equal(window, expected[plane][rows, columns])
        assert window.dtype == one.dtype
        window[...] = 0  # it is the caller's own


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_in_either_order(name, order, tmp_path, rng):
    np.save(tmp_path / "a.npy", np.asarray(ARRAYS[name], order=order))
    check_crops(tmp_path / "a.npy", rng)


def test_pictures_are_read_whole(tmp_path, rng):
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    np.savez(tmp_path / "a.npz", STACK)
    check_crops(tmp_path / "a.png", rng)
    check_crops(tmp_path / "a.npz", rng)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_channel_that_is_not_all_255_is_no_transparency(order, tmp_path, rng):
    pixels = np.asarray(np.dstack([np.zeros((300, 300, 3), np.uint8), np.full((300, 300), 255, np.uint8)]), order=order)
    pixels[1, 1, 3] = 0  # one pixel of many
    np.save(tmp_path / "a.npy", pixels)
    assert open_large(tmp_path / "a.npy")[0].num_channels == 4
    check_crops(tmp_path / "a.npy", rng)


@pytest.mark.parametrize("shape", [(7, 11, 13), (2, 3, 5, 700)])
def test_parts_of_raw_numbers(shape, tmp_path, rng):
    pixels = np.arange(np.prod(shape), dtype=">i4").reshape(shape)
    (tmp_path / "raw").write_bytes(b"head" + pixels.tobytes())
    raw = RawArray(tmp_path / "raw", 4, shape, pixels.dtype)
    for _ in range(60):
        bounds = tuple((start := int(rng.integers(n)), int(rng.integers(start, n)) + 1) for n in shape)
        np.testing.assert_array_equal(raw.read(bounds), pixels[tuple(slice(*pair) for pair in bounds)])


def test_a_file_that_became_shorter(tmp_path):
    np.save(tmp_path / "a.npy", STACK)
    (one,) = open_large(tmp_path / "a.npy")
    with (tmp_path / "a.npy").open("r+b") as stream:
        stream.truncate(1000)
    with pytest.raises(ImageReadError, match=r"a\.npy: .*cut short"):
        one.read(4, slice(0, 9), slice(0, 9))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "this is a folder"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_bytes(b"x" * 200), "no readable NumPy array"),
        (lambda path: np.save(path, np.array([{}, {}], dtype=object), allow_pickle=True), "can run code"),
        (lambda path: np.save(path, np.zeros((0, 5))), "holds no pixels"),
        (lambda path: np.save(path, np.zeros((5, 5), complex)), "save its magnitude"),
        (lambda path: np.save(path, np.zeros(5)), "an image has 2 axes"),
        (lambda path: np.save(path, np.zeros((5, 5), "S3")), "integers or real numbers"),
        (lambda path: (np.save(path, GREY), path.write_bytes(path.read_bytes()[:-1])), "cut short"),
        (lambda path: (np.save(path, GREY), path.write_bytes(path.read_bytes() + b"x")), "second array"),
    ],
)
def test_refused(make, reason, tmp_path):
    path = tmp_path / "a.npy"
    make(path)
    with pytest.raises(ImageReadError, match=reason) as caught:
        open_large(path)
    assert str(path) in str(caught.value)


def test_words_for_a_place():
    plan = StoredAxes.of("TCZYX", (2, 3, 4, 20, 30))
    assert plan.place(((1, 2), (0, 3), (2, 3), (0, 8), (24, 32))) == (
        "rows 0 to 7, columns 24 to 29 (time 1, plane 2, channels 0 to 2)"
    )
