"""Palettes, bits and transparency of label maps: what they say about the numbers."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from unseam.errors import LabelError
from unseam.io import read_image, read_labels

IDS = (np.arange(20 * 30).reshape(20, 30) // 200).astype(np.uint8)  # 0, 1, 2
GREYS, COLOURS = [[0] * 3, [127] * 3, [255] * 3], [[255, 0, 0], [0, 255, 0], [0, 0, 0]]
OPAQUE = np.full_like(IDS, 255)


def save(path: Path, palette: list[list[int]], **options: object) -> Path:
    image = Image.fromarray(IDS)
    image.putpalette(np.array(palette, np.uint8).ravel().tolist())
    image.save(path, **options)
    return path


def save_tiff(path: Path, palette: list[list[int]], bits: int) -> Path:
    """Write a TIFF of any depth by hand: tifffile writes palettes of 8 and 16 bits only."""
    colours = np.zeros((3, 2**bits), "<u2")
    colours[:, : min(len(palette), 2**bits)] = np.array(palette[: 2**bits]).T * 257
    rows = np.unpackbits(np.minimum(IDS, 2**bits - 1)[..., np.newaxis], axis=-1)[..., 8 - bits :].reshape(20, -1)
    pixels = np.packbits(rows, axis=1).tobytes()
    tags = [(256, 30), (257, 20), (258, bits), (259, 1), (262, 3), (273, 8), (277, 1), (278, 20), (279, len(pixels))]
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags]
    table = struct.pack("<HHII", 320, 3, colours.size, 8 + len(pixels))
    head = struct.pack("<2sHI", b"II", 42, 8 + len(pixels) + colours.nbytes)
    directory = struct.pack("<H", len(entries) + 1) + b"".join(entries) + table + bytes(4)
    path.write_bytes(head + pixels + colours.tobytes() + directory)
    return path


@pytest.mark.parametrize("ending", ["png", "gif", "bmp"])
def test_a_palette_of_greys_means_its_grey_levels(ending: str, tmp_path: Path) -> None:
    file = read_labels(save(tmp_path / f"a.{ending}", GREYS))
    np.testing.assert_array_equal(file.pixels, np.array([0, 127, 255])[IDS])
    assert "grey levels" in " ".join(file.notes)


def test_a_palette_of_greys_in_tiff_means_its_grey_levels(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_labels(save_tiff(tmp_path / "a.tif", GREYS, 8)).pixels, np.array([0, 127, 255])[IDS])


@pytest.mark.parametrize("ending", ["png", "gif", "bmp"])
def test_colours_of_a_palette_travel_with_the_numbers(ending: str, tmp_path: Path) -> None:
    file = read_labels(save(tmp_path / f"a.{ending}", COLOURS))
    assert file.palette is not None
    np.testing.assert_array_equal(file.palette[file.pixels], np.array(COLOURS)[IDS])


def test_one_grey_for_two_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="numbers 1 and 2 in one grey, 255"):
        read_labels(save(tmp_path / "a.png", [[0] * 3, [255] * 3, [255] * 3]))


def test_a_mask_of_one_bit_is_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(IDS > 0).save(tmp_path / "a.png")
    file = read_labels(tmp_path / "a.png")
    assert file.pixels.max() == 1
    assert file.palette is not None
    assert file.palette.tolist() == [[0, 0, 0], [255, 255, 255]]


def test_true_in_an_array_is_white_too(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IDS > 0)
    file = read_labels(tmp_path / "a.npy")
    assert file.palette is not None
    assert file.palette[file.pixels].max() == 255


def save_2_bits(path: Path, key: int | None = None) -> Path:
    """Write a grey PNG of 2 bits per pixel by hand, with a transparent grey if asked."""
    rows = np.packbits(np.unpackbits(IDS[..., np.newaxis], axis=-1)[..., 6:].reshape(20, -1), axis=1)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 30, 20, 2, 0, 0, 0, 0))]
    parts += [] if key is None else [(b"tRNS", struct.pack(">H", key))]
    parts += [(b"IDAT", zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes())), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


def test_a_grey_png_of_2_bits_tells_that_greys_are_read(tmp_path: Path) -> None:
    file = read_labels(save_2_bits(tmp_path / "a.png"))
    np.testing.assert_array_equal(file.pixels, 85 * IDS)
    assert "2 bits per pixel" in " ".join(file.notes)
    assert read_labels(save_2_bits(tmp_path / "b.png", key=3)).pixels.max() == 170
    with pytest.raises(LabelError, match="transparency"):
        read_labels(save_2_bits(tmp_path / "c.png", key=2))


TRANSPARENT = {
    "grey": (np.dstack([IDS, 255 * (IDS > 0)]), "row 6, column 20 .*255, the first pixel has 0; a label map"),
    "colours": (np.dstack([IDS, IDS, 0 * IDS, 255 * (IDS > 0)]), "row 6, column 20"),
    "all in the transparency": (
        np.dstack([0 * IDS, 0 * IDS, 0 * IDS, IDS]),
        "all the drawing is in the transparency.*getchannel",
    ),
}


@pytest.mark.parametrize("name", TRANSPARENT)
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_transparency_that_varies_is_refused(name: str, ending: str, tmp_path: Path) -> None:
    pixels, words = TRANSPARENT[name]
    path = tmp_path / f"a.{ending}"
    if ending == "png":
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    else:
        colours = "rgb" if pixels.shape[-1] == 4 else "minisblack"
        tifffile.imwrite(
            path,
            pixels.astype(np.uint8),
            photometric=colours,
            extrasamples=["unassalpha"],
            planarconfig="contig",
            metadata=None,
        )
    with pytest.raises(LabelError, match=words):
        read_labels(path)


@pytest.mark.parametrize("key", [0, bytes([0, 255, 128])])
@pytest.mark.parametrize("palette", [GREYS, COLOURS])
def test_a_palette_with_transparency_is_refused(key: int | bytes, palette: list[list[int]], tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="row 6, column 20 has the transparency"):
        read_labels(save(tmp_path / "a.png", palette, transparency=key))


def test_a_key_colour_of_a_grey_picture_is_refused(tmp_path: Path) -> None:
    Image.fromarray(IDS).save(tmp_path / "a.png", transparency=0)
    with pytest.raises(LabelError, match="transparency"):
        read_labels(tmp_path / "a.png")


def test_transparency_of_a_colour_that_no_pixel_has_is_no_fault(tmp_path: Path) -> None:
    assert read_labels(save(tmp_path / "a.png", COLOURS, transparency=7)).pixels.max() == 2
    Image.fromarray(np.dstack([IDS, OPAQUE])).save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "b.png").pixels, IDS)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_of_any_depth_in_tiff_is_read(bits: int, tmp_path: Path) -> None:
    path = save_tiff(tmp_path / "a.tif", COLOURS, bits)
    numbers = np.minimum(IDS, 2**bits - 1)
    labels, image = read_labels(path), read_image(path)
    np.testing.assert_array_equal(labels.pixels, numbers)
    assert labels.palette is not None
    np.testing.assert_array_equal(labels.palette[numbers], np.array(COLOURS)[numbers])
    np.testing.assert_array_equal(image.pixels, np.array(COLOURS)[numbers])
