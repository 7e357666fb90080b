"""Whether the pictures inside a TIFF keep every number: a label map must.

JPEG turns 0, 1, 2 into 0, 1, 2, 3, and whoever reads that finds classes that nobody painted. Where a codec has both kinds, the
stream itself says which it is.
"""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from unseam.errors import LabelError
from unseam.io.coded_size import JPEG, JPEG_2000, WEBP, find_jpeg_frame
from unseam.io.tiff_checks import check_stream

# codecs of which we read no lossless kind: JPEG of 1992 and of raw cameras, JPEG XR, LERC, JPEG XL, and those of films
_MAY_LOSE = frozenset((6, 99, 33004, 33007, 34676, 34677, 34887, 34892, 34934, 22610, 50002, 52546, 32767, 34713, 32908, 32909))
_LOSSLESS_FRAMES = (0xC3, 0xC7, 0xCB, 0xCF)  # of JPEG; JPEG-LS may lose, too
_ORDERS = ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL")  # of the parts of a JPEG 2000 stream
_ENCODED = (("uint8",), ("uint8", 3), ("uint8", 4), ("uint16",))  # types and samples of pixels that Pillow encodes
_REMEDY = (
    "Export the annotation again as TIFF without compression, or with LZW or Deflate; converting this file would keep the "
    "damage"
)


def check_lossless(path: Path, tiff: "tifffile.TiffFile", series: "tifffile.TiffPageSeries") -> None:
    """Check that no page of a label map was compressed with loss.

    Raises
    ------
    LabelError
        The compression changes numbers, or its stream does not say that it keeps them.
    ImageReadError
        A stream is larger than its strip or tile.
    """
    for number, page in enumerate(series.pages):
        key = page.keyframe if page is not None else None
        if page is None or key is None:
            continue
        codec = int(key.compression)
        name = str(getattr(key.compression, "name", key.compression)).replace("_", " ")
        if codec in _MAY_LOSE:
            raise LabelError(f"{path}: its compression, {name}, can change numbers, so it cannot hold labels. {_REMEDY}", path)
        if codec not in JPEG | JPEG_2000 | WEBP or not page.databytecounts:
            continue
        # strips of one image are compressed alike, but a blank one looks the same with loss and without
        part = int(np.argmax(page.databytecounts))
        tiff.filehandle.seek(page.dataoffsets[part])
        data = tiff.filehandle.read(page.databytecounts[part])
        check_stream(path, (number, part), key, data)
        if not _is_lossless(codec, data):
            where = f"page {number}, strip or tile {part}"
            lossy = "changes numbers, or does not say that it keeps them"
            raise LabelError(f"{path}: its compression, {name}, {lossy} ({where}), so it cannot hold labels. {_REMEDY}", path)


def _is_lossless(codec: int, data: bytes) -> bool:
    try:
        if codec in JPEG:
            at = find_jpeg_frame(data)
            return at is not None and data[at + 1] in _LOSSLESS_FRAMES
        return _is_whole_jpeg_2000(data) if codec in JPEG_2000 else _is_lossless_webp(data)
    except (struct.error, IndexError):
        return False


def _is_lossless_webp(data: bytes) -> bool:
    at = 12
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in (b"VP8L", b"VP8 "):
            return kind == b"VP8L"
        at += 8 + length + length % 2
    return False


def _is_whole_jpeg_2000(data: bytes) -> bool:
    """Whether a stream is what a lossless encoder makes of its own pixels.

    The reversible wavelet alone says little: most encoders keep it and leave out the last bits to reach a size.
    """
    import imagecodecs

    style = data.find(b"\xff\x52")
    if style < 0:
        return False
    order, _, is_mixed, num_halvings, width, height, _, wavelet = struct.unpack_from(">BHBBBBBB", data, style + 5)
    if wavelet != 1 or order >= len(_ORDERS):
        return False
    pixels = np.asarray(imagecodecs.jpeg2k_decode(data))
    if (str(pixels.dtype), *pixels.shape[2:]) not in _ENCODED:
        return False
    again = BytesIO()
    Image.fromarray(pixels).save(
        again,
        "JPEG2000",
        irreversible=False,
        no_jp2=True,
        num_resolutions=num_halvings + 1,
        codeblock_size=(4 << width, 4 << height),
        progression=_ORDERS[order],
        mct=is_mixed,
    )
    return _tile_data(again.getvalue()) == _tile_data(data)


def _tile_data(data: bytes) -> bytes:
    """Return the coded numbers of a stream of one tile, without the headers, which hold comments of the encoder."""
    start = data.find(b"\xff\x93")
    return data[start : data.rfind(b"\xff\xd9")] if start >= 0 else b""
