"""Sound files of every kind, small, made here: what the mutations start from."""

import zlib
from collections.abc import Callable
from io import BytesIO

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

_RNG = np.random.default_rng(1)
GREY = _RNG.integers(0, 256, (40, 50), np.uint8)
COLOUR = _RNG.integers(0, 256, (40, 50, 3), np.uint8)
DEEP = (COLOUR.astype(np.uint16) * 250)[..., 0]
SMOOTH = (np.add.outer(np.arange(64), np.arange(64)) * 2).astype(np.uint8)
STACK = _RNG.integers(0, 256, (4, 40, 50), np.uint8)


def tiffs() -> dict[str, bytes]:
    """24 families of TIFF."""
    rgb: dict[str, object] = {"photometric": "rgb"}
    lookup = np.zeros((3, 256), np.uint16)
    lookup[1] = np.arange(256) * 257
    return {
        "plain": _tiff(GREY),
        "16-bit": _tiff(DEEP),
        "float": _tiff(DEEP.astype(np.float32) / 7),
        "big-endian": _tiff(DEEP, byteorder=">"),
        "BigTIFF": _tiff(DEEP, bigtiff=True),
        "strips": _tiff(DEEP, rowsperstrip=3),
        "RGB": _tiff(COLOUR, **rgb),
        "RGB apart": _tiff(np.moveaxis(COLOUR, -1, 0).copy(), **rgb, planarconfig="separate"),
        "tiles": _tiff(DEEP, tile=(16, 16)),
        "LZW": _tiff(DEEP, compression="lzw", rowsperstrip=16),
        "Deflate, predictor": _tiff(DEEP, compression="zlib", predictor=True),
        "float predictor": _tiff(DEEP.astype(np.float32), compression="zlib", predictor=3),
        "Zstandard tiles": _tiff(DEEP, compression="zstd", tile=(16, 16)),
        "PackBits": _tiff(GREY, compression="packbits"),
        "JPEG": _tiff(SMOOTH, compression="jpeg", tile=(32, 32)),
        "JPEG colours": _tiff(np.dstack([SMOOTH] * 3), compression="jpeg", **rgb),
        "JPEG 2000": _tiff(SMOOTH, compression="jpeg2000"),
        "WebP": _tiff(np.dstack([SMOOTH] * 3), compression="webp", **rgb),
        "palette": _tiff(GREY, photometric="palette", colormap=lookup),
        "1 bit": _tiff(GREY > 100, photometric="miniswhite"),
        "ImageJ": _tiff(STACK, imagej=True, metadata={"axes": "ZYX", "unit": "um"}),
        "OME": _tiff(STACK, ome=True, metadata={"axes": "CYX"}),
        "pages": _tiff(STACK, photometric="minisblack", metadata=None, compression="lzw"),
        "pyramid": _pyramid(),
    }


def pictures() -> dict[str, bytes]:
    """PNG, JPEG, BMP and GIF of several kinds each; the name begins with the ending."""
    palette = Image.fromarray(SMOOTH).convert("P")
    return {
        "png grey": _picture(Image.fromarray(GREY), "png"),
        "png colours": _picture(Image.fromarray(COLOUR), "png"),
        "png 16-bit": _picture(Image.fromarray(DEEP), "png"),
        "png deep colours": imagecodecs.png_encode(COLOUR.astype(np.uint16) * 250),
        "png palette": _picture(palette, "png"),
        "jpg": _picture(Image.fromarray(COLOUR), "jpeg"),
        "jpg progressive": _picture(Image.fromarray(SMOOTH), "jpeg", progressive=True),
        "bmp": _picture(Image.fromarray(COLOUR), "bmp"),
        "bmp palette": _picture(palette, "bmp"),
        "gif": _picture(palette, "gif"),
        "gif frames": _picture(palette, "gif", save_all=True, append_images=[Image.fromarray(255 - SMOOTH)] * 3),
    }


def arrays() -> dict[str, bytes]:
    """NumPy's files; the name begins with the ending."""
    return {
        "npy": _saved(np.save, GREY),
        "npy Fortran": _saved(np.save, np.asfortranarray(DEEP)),
        "npy float stack": _saved(np.save, STACK.astype(np.float32)),
        "npz": _saved(np.savez, GREY),
        "npz packed": _saved(np.savez_compressed, DEEP),
    }


def mended_png(data: bytes) -> bytes:
    """The same PNG with checksums that fit, so that damage reaches the decoder behind them."""
    new, at = bytearray(data), 8
    while at + 12 <= len(new):
        end = at + 8 + int.from_bytes(new[at : at + 4], "big")
        if end + 4 > len(new):
            break
        new[end : end + 4] = zlib.crc32(new[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(new)


def _tiff(pixels: np.ndarray, **options: object) -> bytes:
    stream = BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def _pyramid() -> bytes:
    stream = BytesIO()
    with tifffile.TiffWriter(stream, ome=True) as writer:
        writer.write(SMOOTH, subifds=1, tile=(16, 16), compression="zlib")
        writer.write(SMOOTH[::2, ::2], subfiletype=1, tile=(16, 16), compression="zlib")
    return stream.getvalue()


def _picture(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _saved(save: Callable[[BytesIO, np.ndarray], None], pixels: np.ndarray) -> bytes:
    stream = BytesIO()
    save(stream, pixels)
    return stream.getvalue()
