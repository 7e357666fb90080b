"""Windows of every kind of TIFF are crops of what the reader of whole images gives."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from torture import seeds
from unseam.errors import ImageReadError
from unseam.io import read_image
from unseam.io.large import open_large, tiff_image
from unseam.io.large.tiff_pages import TiffPages

RNG = np.random.default_rng(2)
GREY = RNG.integers(0, 256, (70, 90), np.uint8)
COLOUR = RNG.integers(0, 256, (70, 90, 3), np.uint8)
ALPHA = np.dstack([COLOUR, GREY])
DEEP = RNG.integers(0, 2**16, (70, 90), np.uint16)
STACK = RNG.integers(0, 2**16, (2, 3, 4, 70, 90), np.uint16)
LOOKUP = RNG.integers(0, 2**16, (3, 256), np.uint16)
SMOOTH = (np.add.outer(np.arange(70), np.arange(90)) * 1.4).astype(np.uint8)


def tif(pixels: np.ndarray, **options: object) -> Callable[[Path], None]:
    return lambda path: tifffile.imwrite(path, pixels, **options)


def _two_depths(path: Path) -> None:
    with tifffile.TiffWriter(path) as writer:
        writer.write(DEEP, rowsperstrip=8, compression="zlib")
        writer.write(GREY)


def _torn_strips(path: Path) -> None:
    """Strips that do not follow each other, without compression."""
    tifffile.imwrite(path, DEEP, rowsperstrip=7)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        offsets, counts, tag = page.dataoffsets, page.databytecounts, page.tags["StripOffsets"]
    moved = len(data)
    data += data[offsets[0] : offsets[0] + counts[0]]
    data[tag.valueoffset : tag.valueoffset + 4] = moved.to_bytes(4, "little")
    path.write_bytes(data)


KINDS: dict[str, Callable[[Path], None]] = {
    "one strip": tif(DEEP),
    "tiles": tif(DEEP, tile=(16, 32)),
    "tiles, Deflate": tif(DEEP, tile=(16, 32), compression="zlib", predictor=True),
    "tiles, Zstandard, float": tif(DEEP / np.float32(7), tile=(32, 16), compression="zstd", predictor=3),
    "strips, LZW": tif(DEEP, rowsperstrip=9, compression="lzw"),
    "one strip, LZW": tif(DEEP, compression="lzw"),
    "big-endian": tif(DEEP, byteorder=">"),
    "big-endian tiles": tif(DEEP, byteorder=">", tile=(16, 16), compression="zlib"),
    "BigTIFF": tif(DEEP, bigtiff=True, tile=(32, 32)),
    "colours": tif(COLOUR, photometric="rgb"),
    "colours in tiles": tif(COLOUR, photometric="rgb", tile=(16, 16), compression="zlib", predictor=True),
    "colours apart": tif(np.moveaxis(COLOUR, -1, 0).copy(), photometric="rgb", planarconfig="separate"),
    "colours apart in tiles": tif(
        np.moveaxis(COLOUR, -1, 0).copy(), photometric="rgb", planarconfig="separate", tile=(16, 16), compression="zlib"
    ),
    "transparency": tif(ALPHA, photometric="rgb", extrasamples=["unassalpha"], tile=(32, 32)),
    "ink": tif(ALPHA, photometric="separated", rowsperstrip=8, compression="zlib"),
    "palette": tif(GREY, photometric="palette", colormap=LOOKUP, tile=(16, 16)),
    "white is zero": tif(GREY, photometric="miniswhite", rowsperstrip=5, compression="packbits"),
    "white is zero, float": tif(GREY / np.float32(3), photometric="miniswhite"),
    "1 bit": tif(GREY > 99, photometric="minisblack", rowsperstrip=8),
    "1 bit, white is zero": tif(GREY > 99, photometric="miniswhite"),
    "four channels, no colours": tif(ALPHA, photometric="minisblack", planarconfig="contig"),
    "pages": tif(STACK[0, 0], photometric="minisblack", metadata=None),
    "pages, LZW": tif(STACK[0, 0], photometric="minisblack", metadata=None, compression="lzw"),
    "shaped": tif(STACK, photometric="minisblack", compression="zlib"),
    "ImageJ": tif(STACK, imagej=True, metadata={"axes": "TZCYX", "unit": "um"}, resolution=(2, 4)),
    "ImageJ colours": tif(np.stack([COLOUR] * 3), imagej=True, metadata={"axes": "ZYXS"}),
    "OME": tif(STACK, ome=True, metadata={"axes": "TZCYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 2.0}, compression="zlib"),
    "OME, other order": tif(STACK, ome=True, metadata={"axes": "CTZYX"}, tile=(32, 32), compression="zlib"),
    "OME colours": tif(np.stack([COLOUR] * 3), ome=True, photometric="rgb", metadata={"axes": "ZYXS"}, compression="zlib"),
    "JPEG colours": tif(np.dstack([SMOOTH] * 3), photometric="rgb", compression="jpeg", tile=(32, 32)),
    "JPEG 2000": tif(SMOOTH, compression="jpeg2000", tile=(32, 32)),
    "WebP": tif(np.dstack([SMOOTH] * 3), photometric="rgb", compression="webp", tile=(32, 32)),
    "volume in tiles": tif(STACK[0, 0, :, :64, :64].copy(), photometric="minisblack", tile=(2, 32, 32), volumetric=True),
    "two depths": _two_depths,
    "torn strips": _torn_strips,
}


def check_crops(path: Path, rng: np.random.Generator, num: int = 8) -> None:
    (one,) = open_large(path)[:1]
    file = read_image(path)
    expected = file.planes()
    assert (one.axes, one.spacing_um, one.num_planes) == (file.axes, file.spacing_um, len(expected))
    assert (one.height, one.width, one.num_channels) == (file.height, file.width, file.num_channels)
    assert one.dtype == file.pixels.dtype
    for _ in range(num):
        plane = int(rng.integers(one.num_planes))
        top, left = int(rng.integers(one.height)), int(rng.integers(one.width))
        rows = slice(top, int(rng.integers(top, one.height)) + 1)
        columns = slice(left, int(rng.integers(left, one.width)) + 1)
        window = one.read(plane, rows, columns)
        np.testing.assert_array_equal(window, expected[plane][rows, columns])
        assert window.dtype == one.dtype


@pytest.mark.parametrize("name", KINDS)
def test_each_kind(name, tmp_path, rng):
    KINDS[name](tmp_path / "a.tif")
    check_crops(tmp_path / "a.tif", rng)


@pytest.mark.parametrize("name", seeds.tiffs())
def test_the_kinds_that_are_damaged_elsewhere(name, tmp_path, rng):
    (tmp_path / "a.tif").write_bytes(seeds.tiffs()[name])
    check_crops(tmp_path / "a.tif", rng)


@pytest.mark.parametrize(
    ("name", "piece"),
    [("one strip", (1, 1)), ("tiles", (16, 32)), ("strips, LZW", (9, 90)), ("ImageJ", (1, 1)), ("one strip, LZW", (70, 90))],
)
def test_pieces(name, piece, tmp_path):
    KINDS[name](tmp_path / "a.tif")
    assert open_large(tmp_path / "a.tif")[0].piece == piece


def test_images_of_an_ome_file_are_positions(tmp_path, rng):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(STACK[0, 0], metadata={"axes": "ZYX", "PhysicalSizeX": 1.0, "PhysicalSizeY": 1.0}, compression="zlib")
        writer.write(GREY, photometric="minisblack", metadata={"axes": "YX"})
        writer.write(STACK[1, 0], metadata={"axes": "ZYX", "PhysicalSizeX": 3.0, "PhysicalSizeY": 2.0})
    first, other = open_large(path)
    assert (first.position, other.position) == ("0", "2")
    assert (first.spacing_um, other.spacing_um) == ((1.0, 1.0), (2.0, 3.0))
    assert "2, all of one kind, of 3 images" in first.notes[0]
    np.testing.assert_array_equal(other.read(1, slice(3, 9), slice(5, 80)), STACK[1, 0, 1, 3:9, 5:80])
    check_crops(path, rng)


def test_only_what_a_window_touches_is_decoded(tmp_path, monkeypatch):
    KINDS["tiles, Deflate"](tmp_path / "a.tif")
    (one,) = open_large(tmp_path / "a.tif")
    asked = []
    monkeypatch.setattr(TiffPages, "_tile", lambda self, number, part: asked.append(part) or np.zeros((16, 32, 1), np.uint16))
    one.read(0, slice(16, 32), slice(30, 70))
    assert asked == [3, 4, 5]


def test_a_strip_too_large_to_decode_is_refused_with_the_mend(tmp_path, monkeypatch):
    KINDS["one strip, LZW"](tmp_path / "a.tif")
    monkeypatch.setattr(tiff_image, "_MAX_PART_BYTES", 5000)
    assert "stored in pieces" in open_large(tmp_path / "a.tif")[0].notes[0]
    monkeypatch.setattr(tiff_image, "most_decoded_bytes", lambda: 5000)
    with pytest.raises(ImageReadError, match=r"a\.tif: .*TIFF with tiles"):
        open_large(tmp_path / "a.tif")
    KINDS["one strip"](tmp_path / "a.tif")
    assert open_large(tmp_path / "a.tif")


def test_the_cap_of_whole_images_is_not_for_windows(tmp_path, monkeypatch):
    monkeypatch.setattr("unseam.io.guard.MAX_DECODED_BYTES", 9000)
    for name in ("tiles", "ImageJ", "one strip"):
        KINDS[name](tmp_path / "a.tif")
        with pytest.raises(ImageReadError, match="would take"):
            read_image(tmp_path / "a.tif")
        assert open_large(tmp_path / "a.tif")


def test_a_damaged_tile_is_refused_where_it_is(tmp_path):
    path = tmp_path / "a.tif"
    KINDS["tiles, Deflate"](path)
    with tifffile.TiffFile(path) as tiff:
        start, count = tiff.pages[0].dataoffsets[4], tiff.pages[0].databytecounts[4]
    data = bytearray(path.read_bytes())
    data[start : start + count] = bytes(count)
    path.write_bytes(data)
    (one,) = open_large(path)
    one.read(0, slice(0, 16), slice(0, 90))
    with pytest.raises(ImageReadError, match=r"a\.tif: .*page 0, strip or tile 4"):
        one.read(0, slice(16, 32), slice(0, 90))


def test_a_picture_larger_than_its_tile_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    KINDS["JPEG 2000"](path)
    data = path.read_bytes()
    at = data.index(b"\xff\x4f\xff\x51") + 8
    path.write_bytes(data[:at] + (60_000).to_bytes(4, "big") * 2 + data[at + 8 :])
    (one,) = open_large(path)
    with pytest.raises(ImageReadError, match="says that it holds"):
        one.read(0, slice(0, 70), slice(0, 90))
