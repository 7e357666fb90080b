"""The size that a compressed picture inside a TIFF states, read before its decoder runs.

A tile of 256 x 256 pixels may hold a JPEG 2000 stream that states 60,000 x 60,000. The decoder believes the stream and
allocates memory for it.
"""

import struct

JPEG, JPEG_2000, WEBP = frozenset((7,)), frozenset((33003, 33005, 34712)), frozenset((50001, 34927))
PICTURE_CODECS = JPEG | JPEG_2000 | WEBP
"""Codecs whose stream has its own header, decoded by libraries that parse much more than numbers."""

_NO_LENGTH = (0x01, *range(0xD0, 0xD9))
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7)


def count_coded_values(codec: int, data: bytes) -> int | None:
    """Count the values (rows times columns times samples) that a stream states; None if it states no size.

    >>> header = bytes.fromhex("ff4fff51002f0000 00000064 000000c8 0000000a 00000000") + bytes(16) + b"\\x00\\x03"
    >>> count_coded_values(34712, header)
    54000
    """
    try:
        if codec in JPEG:
            return _jpeg(data)
        if codec in JPEG_2000:
            return _jpeg_2000(data)
        return _webp(data) if codec in WEBP else None
    except (struct.error, IndexError):
        return None


def _jpeg(data: bytes) -> int | None:
    at = find_jpeg_frame(data)
    if at is None:
        return None
    rows, columns, samples = struct.unpack_from(">HHB", data, at + 5)
    return int(rows * columns * samples)


def find_jpeg_frame(data: bytes) -> int | None:
    """Return the byte where the frame header of a JPEG begins; None without one. Raises IndexError if the data end before."""
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            return at
        at += 2 if marker in _NO_LENGTH else 1 if marker == 0xFF else 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _jpeg_2000(data: bytes) -> int | None:
    start = data.find(b"\xff\x4f\xff\x51", 0, 2**16)  # after the boxes of .jp2, if there are any
    if start < 0:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", data, start + 8)
    (samples,) = struct.unpack_from(">H", data, start + 40)
    return max(0, right - left) * max(0, bottom - top) * samples


def _webp(data: bytes) -> int | None:
    kind = data[12:16]
    if kind == b"VP8X":
        columns, rows = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8 ":
        columns, rows = (number & 0x3FFF for number in struct.unpack_from("<HH", data, 26))
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        columns, rows = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        return None
    return rows * columns * 4
