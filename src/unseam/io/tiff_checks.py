"""What a TIFF promises, held against what the file can hold, before any memory is taken.

A file of a few kilobytes can claim an image of gigabytes; decoders then hand back zeros without a word. Here
every strip and tile must lie inside the file, there must be as many as the image needs, and the codec must be
one that is safe on damaged input (so no JPEG XR).
"""

import math
import struct
from io import BufferedIOBase
from pathlib import Path

import tifffile

from unseam.errors import ImageReadError
from unseam.io.guard import check_size

_CODECS = {
    1: "none", 5: "LZW", 7: "JPEG", 8: "Deflate", 32773: "PackBits", 32946: "Deflate", 33003: "JPEG 2000",
    33005: "JPEG 2000", 34712: "JPEG 2000", 50000: "Zstandard", 34926: "Zstandard", 50001: "WebP", 34927: "WebP",
}  # fmt: skip
_COLOUR_SPACES = (0, 1, 2, 3, 5, 6)  # white is zero, black is zero, RGB, palette, CMYK, YCbCr

# bytes that one value takes, by its type's number
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_IMAGEJ_TAGS = (50838, 50839)  # other private tags may point anywhere without harm


def check_directories(path: Path, stream: BufferedIOBase, file_size: int) -> None:
    """Walk the chain of page directories: each must lie inside the file, and so must the values that it points to.

    A decoder that meets the end of the file in this chain stops there, and a stack of 30 planes is silently one of 12.

    Raises
    ------
    ImageReadError
        If the chain, a directory or a value leaves the file, or if the chain runs in a circle.
    """
    magic = stream.read(16)
    order = "<" if magic[:2] == b"II" else ">"
    is_big = magic[2:4] in (b"+\0", b"\0+")
    if magic[:2] not in (b"II", b"MM") or len(magic) < (16 if is_big else 8):
        raise ImageReadError(path, "no readable TIFF: it does not begin as one; copy or export it again")
    # formats of: number of entries, tag, type and count, offset
    counter, entry, pointer = ("Q", "HHQ", "Q") if is_big else ("H", "HHI", "I")
    (offset,) = struct.unpack_from(order + pointer, magic, 8 if is_big else 4)
    seen: set[int] = set()
    while offset:
        size = struct.calcsize(order + counter)
        head = _read_at(path, stream, offset, size, file_size)
        (num_entries,) = struct.unpack(order + counter, head)
        entry_size = struct.calcsize(order + entry + pointer)
        body = _read_at(path, stream, offset + size, num_entries * entry_size + struct.calcsize(pointer), file_size)
        seen.add(offset)
        for tag, kind, count, value in struct.iter_unpack(order + entry + pointer, body[: num_entries * entry_size]):
            num_bytes = _TYPE_BYTES.get(kind, 0) * count
            if (tag < 32768 or tag in _IMAGEJ_TAGS) and num_bytes > struct.calcsize(pointer):
                _check_inside(path, value, num_bytes, file_size)
        (offset,) = struct.unpack(order + pointer, body[num_entries * entry_size :])
        if offset in seen:
            raise ImageReadError(path, f"the pages of the TIFF run in a circle at byte {offset:,}; export it again")


def _read_at(path: Path, stream: BufferedIOBase, offset: int, num_bytes: int, file_size: int) -> bytes:
    _check_inside(path, offset, num_bytes, file_size)
    stream.seek(offset)
    return stream.read(num_bytes)


def _check_inside(path: Path, offset: int, num_bytes: int, file_size: int) -> None:
    if offset + num_bytes > file_size:
        raise ImageReadError(
            path,
            f"the TIFF points to {num_bytes:,} bytes at {offset:,}, beyond its end at {file_size:,}; it is damaged "
            "or cut short: copy it again",
        )


def check_tiff(path: Path, series: "tifffile.TiffPageSeries", file_size: int) -> None:
    """Check the structure of one series of pages.

    Raises
    ------
    ImageReadError
        If it decodes to too much, uses an unsafe codec or an unknown colour space, or if a strip or tile is
        missing or lies outside the file.
    """
    page = series.keyframe
    if page.dtype is None or series.dtype is None:
        raise ImageReadError(
            path, f"pixels of {page.bitspersample} bits in this layout are not supported; save as 8- or 16-bit TIFF"
        )
    check_size(path, math.prod(series.shape) * series.dtype.itemsize)
    if int(page.compression) not in _CODECS:
        known = ", ".join(sorted(set(_CODECS.values()) - {"none"}))
        raise ImageReadError(
            path,
            f"compression {_name(page.compression)} is not read; none, {known} are. Open it in Fiji and save it as "
            "TIFF",
        )
    if int(page.photometric) not in _COLOUR_SPACES or (int(page.photometric) == 6 and int(page.compression) != 7):
        raise ImageReadError(path, f"colours stored as {_name(page.photometric)} are not read; save it as grey or RGB")
    if series.dataoffset is not None:
        if series.dataoffset + math.prod(series.shape) * series.dtype.itemsize > file_size:
            raise ImageReadError(
                path, f"the TIFF is cut short: it promises more pixels than {file_size:,} bytes hold; copy it again"
            )
        return
    for number, one in enumerate(series.pages):
        if one is None:
            raise ImageReadError(path, f"page {number} lies in another file; save the series as one file")
        _check_page(path, number, one, file_size)


def _check_page(path: Path, number: int, page: "tifffile.TiffPage | tifffile.TiffFrame", file_size: int) -> None:
    key = page.keyframe
    assert key is not None
    offsets, counts = page.dataoffsets, page.databytecounts
    expected = math.prod(key.chunked)
    if len(offsets) != expected or len(counts) != expected:
        raise ImageReadError(
            path,
            f"page {number} needs {expected:,} strips or tiles and lists {len(offsets):,}; the TIFF is damaged: "
            "copy it again",
        )
    for part, (offset, count) in enumerate(zip(offsets, counts, strict=True)):
        if count <= 0 or offset <= 0 or offset + count > file_size:
            raise ImageReadError(
                path,
                f"page {number}, strip or tile {part}: {count:,} bytes at {offset:,} are not all inside the file of "
                f"{file_size:,} bytes; the TIFF is damaged or cut short: copy it again",
            )
    if int(key.compression) == 1:
        needed = math.prod(key.shape) * key.bitspersample // 8
        if sum(counts) < needed:
            raise ImageReadError(
                path,
                f"page {number} needs {needed:,} bytes and has {sum(counts):,}; the TIFF is damaged or cut short: "
                "copy it again",
            )


def _name(value: object) -> str:
    return str(getattr(value, "name", value)).replace("_", " ")
