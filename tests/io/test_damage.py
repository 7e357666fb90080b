"""Files that are cut short, flipped or lying are refused with one kind of error, never half read, without using much memory."""

import contextlib
import struct
import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from unseam.errors import ImageReadError
from unseam.io import read_image

NOISE = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)


def encoded(kind: str) -> tuple[str, bytes]:
    stream = BytesIO()
    if kind in ("png", "jpg", "bmp", "gif"):
        Image.fromarray(NOISE).save(stream, {"jpg": "jpeg"}.get(kind, kind))
        return kind, stream.getvalue()
    if kind == "deep png":
        return "png", imagecodecs.png_encode(NOISE.astype(np.uint16) * 200)
    if kind == "npy":
        np.save(stream, NOISE)
        return "npy", stream.getvalue()
    if kind == "npz":
        np.savez_compressed(stream, NOISE)
        return "npz", stream.getvalue()
    options = {
        "tif": {},
        "lzw tif": {"compression": "lzw"},
        "zlib tif": {"compression": "zlib", "rowsperstrip": 8},
        "tiled tif": {"compression": "zstd", "tile": (16, 16)},
        "packbits tif": {"compression": "packbits"},
        "jpeg tif": {"compression": "jpeg"},
        "imagej tif": {"imagej": True},
        "ome tif": {"ome": True},
        "stack tif": {"photometric": "minisblack", "metadata": None},
    }[kind]
    pixels = np.moveaxis(NOISE, -1, 0).copy() if kind == "stack tif" else NOISE
    tifffile.imwrite(stream, pixels, **({} if kind == "stack tif" else {"photometric": "rgb"}), **options)
    return "tif", stream.getvalue()


KINDS = [
    *("png", "jpg", "bmp", "gif", "deep png", "npy", "npz", "tif", "lzw tif", "zlib tif", "tiled tif"),
    *("packbits tif", "jpeg tif", "imagej tif", "ome tif", "stack tif"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_cut_short_anywhere_is_refused_or_whole(kind: str, tmp_path: Path) -> None:
    """A cut file is refused at any length, unless nothing that matters was cut and all pixels are read."""
    ending, data = encoded(kind)
    path = tmp_path / f"a.{ending}"
    path.write_bytes(data)
    whole = read_image(path).pixels
    lengths = {*np.linspace(1, len(data) - 1, 25).astype(int).tolist(), len(data) - 1, len(data) - 2, len(data) - 5}
    num_refused = 0
    for length in sorted(lengths):
        path.write_bytes(data[:length])
        try:
            pixels = read_image(path).pixels
        except ImageReadError:
            num_refused += 1
        else:
            np.testing.assert_array_equal(pixels, whole, err_msg=f"{length} of {len(data)} bytes")
    assert num_refused >= len(lengths) - 4


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bytes_give_one_kind_of_error(kind: str, tmp_path: Path, rng: np.random.Generator) -> None:
    ending, data = encoded(kind)
    path = tmp_path / f"a.{ending}"
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            where = int(rng.integers(0, min(len(data), 600)) if rng.random() < 0.7 else rng.integers(0, len(data)))
            damaged[where] = int(rng.integers(0, 256))
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(ImageReadError):
            read_image(path)


def small_tiff_that_promises_much(pixels_a_side: int, num_bytes_of_strip: int) -> bytes:
    """A classic TIFF of 400 bytes with one strip at byte 200."""
    entries = [
        (256, 4, pixels_a_side),
        (257, 4, pixels_a_side),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 200),
        (277, 3, 1),
        (278, 4, pixels_a_side),
        (279, 4, num_bytes_of_strip),
    ]
    directory = struct.pack("<H", len(entries))
    for tag, kind, value in entries:
        directory += struct.pack("<HHII", tag, kind, 1, value)
    return (b"II*\0" + struct.pack("<I", 8) + directory + b"\0" * 4).ljust(400, b"\0")


@pytest.mark.parametrize(
    ("side", "num_bytes", "words"),
    [
        (60_000, 100, "cut short|damaged"),
        (60_000, 3_600_000_000, "cut short|damaged"),
        (4_000_000, 100, "GiB|cut short"),
    ],
)
def test_a_lying_tiff_takes_no_memory(side: int, num_bytes: int, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(small_tiff_that_promises_much(side, num_bytes))
    tracemalloc.start()
    try:
        with pytest.raises(ImageReadError, match=words):
            read_image(tmp_path / "a.tif")
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_missing_tiles(tmp_path: Path) -> None:
    """Some writers store an empty tile as no bytes; the decoder would invent zeros for it."""
    tifffile.imwrite(tmp_path / "a.tif", NOISE[:32, :32, 0], tile=(16, 16), compression="zlib")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as tiff:
        tiff.pages[0].tags["TileByteCounts"].overwrite([0, *tiff.pages[0].databytecounts[1:]])
    assert not tifffile.imread(tmp_path / "a.tif")[:16, :16].any()  # the decoder alone returns zeros
    with pytest.raises(ImageReadError, match="tile 0"):
        read_image(tmp_path / "a.tif")


def test_pages_that_run_in_a_circle(tmp_path: Path) -> None:
    data = bytearray(small_tiff_that_promises_much(5, 25))
    struct.pack_into("<I", data, 8 + 2 + 9 * 12, 8)
    (tmp_path / "a.tif").write_bytes(bytes(data))
    with pytest.raises(ImageReadError, match="circle"):
        read_image(tmp_path / "a.tif")


def test_the_small_tiff_is_sound_when_it_promises_little(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(small_tiff_that_promises_much(5, 25))
    assert read_image(tmp_path / "a.tif").pixels.shape == (5, 5)


def test_a_png_that_promises_what_it_cannot_hold(tmp_path: Path) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b""))
    with pytest.raises(ImageReadError, match="60,000 x 60,000"):
        read_image(tmp_path / "a.png")


def test_a_flipped_bit_in_a_png_is_noticed(tmp_path: Path) -> None:
    _, data = encoded("png")
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(bytes(damaged))
    with pytest.raises(ImageReadError, match="checksum"):
        read_image(tmp_path / "a.png")


def test_an_npy_that_promises_what_it_cannot_hold(tmp_path: Path) -> None:
    stream = BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<u2", "fortran_order": False, "shape": (50_000, 50_000)})
    (tmp_path / "a.npy").write_bytes(stream.getvalue())
    with pytest.raises(ImageReadError, match="5,000,000,000 bytes"):
        read_image(tmp_path / "a.npy")


def test_the_cap_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unseam.io.guard.MAX_DECODED_BYTES", 1000)
    for kind in ("png", "tif", "npy", "npz"):
        ending, data = encoded(kind)
        (tmp_path / f"a.{ending}").write_bytes(data)
        with pytest.raises(ImageReadError, match=r"GiB.*unseam predict"):
            read_image(tmp_path / f"a.{ending}")


def test_missing_permission_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(encoded("png")[1])

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ImageReadError, match="Permission denied"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "git lfs pull"),
        (b"/annex/objects/SHA256E-s12--00.tif\n", "git annex get"),
    ],
)
@pytest.mark.parametrize("ending", ["tif", "png", "npy"])
def test_a_file_that_stands_for_another_says_how_to_fetch_it(ending: str, content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_bytes(content)
    with pytest.raises(ImageReadError, match=rf"only says where the image is stored.*{words}"):
        read_image(path)
