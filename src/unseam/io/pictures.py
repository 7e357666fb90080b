"""PNG, JPEG, BMP and GIF: pictures made for the eye, read here for their numbers."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile as PillowFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from unseam.errors import ImageReadError, LabelError
from unseam.io.alpha import without_alpha
from unseam.io.calibration import UNKNOWN
from unseam.io.guard import check_size, decoding
from unseam.io.image_file import ImageFile
from unseam.io.label_colours import check_transparency, is_grey, with_palette

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
# signature, name, class, most pixels per byte of the file (the compression at its best)
_FORMATS: tuple[tuple[bytes, str, type[PillowFile], int], ...] = (
    (_PNG, "PNG", PngImageFile, 8 * 1032),
    (_JPEG, "JPEG", JpegImageFile, 1024),
    (b"GIF8", "GIF", GifImageFile, 4096),
    (b"BM", "BMP", BmpImageFile, 16384),
)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DIRECT = ("1", "L", "RGB", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_ALPHA = ("LA", "RGBA", "La", "RGBa")


@dataclass(frozen=True)
class PictureReader:
    """Reads PNG, JPEG, BMP and the first frame of GIF.

    Nothing is cut to 8 bits. Transparency that varies is a channel of an image, and refused in labels. A palette gives
    colours for an image, and grey levels or indices for labels. The camera's orientation (EXIF) is applied. Spacing is never
    read from a picture: its "dots per inch" are about printing.
    """

    suffixes: tuple[str, ...] = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif")

    def can_read(self, path: Path) -> bool:
        return path.name.lower().endswith(self.suffixes)

    def decoded_apart(self, path: Path) -> int | None:
        """Return the bytes that a JPEG promises; None for the other formats."""
        with decoding(path, "picture"), path.open("rb") as stream:
            if not stream.read(3).startswith(_JPEG):
                return None
        height, width = _read_size(path, *_read_bytes(path))
        return 4 * height * width

    def read_image(self, path: Path) -> ImageFile:
        """Read an image: (H, W) grey or (H, W, C) colours, with a last channel of transparency only if it varies."""
        name, data = _read_bytes(path)
        if _is_deep_png(name, data):
            return _read_deep_png(path, data)
        picture, notes = _open_picture(path, name, data)
        with decoding(path, f"{name} picture"):
            if picture.mode in ("P", "PA"):
                picture, notes = _apply_palette(picture), (*notes, "palette replaced by its colours")
            elif picture.mode not in (*_DIRECT, *_ALPHA):
                notes = (*notes, f"{picture.mode} colours converted to RGB")
                picture = picture.convert("RGB")
        return _build_file(path, np.asarray(picture), picture.mode in _ALPHA, notes)

    def read_labels(self, path: Path) -> ImageFile:
        """Read a label map: a palette of greys gives its grey levels, another one its indices, and stays with them.

        Raises LabelError for transparency that varies, and for JPEG, whose compression changes label values.
        """
        name, data = _read_bytes(path)
        if name == "JPEG":
            raise LabelError(
                f"{path}: JPEG changes pixel values, so it cannot hold labels; they may be TIFF, PNG, BMP, GIF or NumPy files. "
                "Export the annotation again without loss; converting this file would keep the damage",
                path,
            )
        if _is_deep_png(name, data):
            return _without_transparency(_read_deep_png(path, data, keep_alpha=True))
        picture, notes = _open_picture(path, name, data)
        num_bits = _grey_bits(name, data)
        if num_bits in (2, 4):
            notes = (*notes, f"{num_bits} bits per pixel: its greys are the numbers, black is 0 and white is 255")
        if picture.mode not in (*_DIRECT, *_ALPHA, "P", "PA"):
            raise LabelError(f"{path}: a {picture.mode} picture has colours, not labels; save one number per pixel", path)
        with decoding(path, f"{name} picture"):
            alpha = _transparency(picture, 255 // (2**num_bits - 1) if num_bits in (2, 4) else 1)
            if alpha is not None:
                colours = _palette_colours(picture) if picture.mode in ("P", "PA") else picture
                check_transparency(path, np.dstack([np.asarray(colours), alpha]))
            pixels = np.asarray(picture)[..., 0] if picture.mode == "PA" else np.asarray(picture)
            table = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3) if picture.mode in ("P", "PA") else None
        if table is None:
            return _without_transparency(_build_file(path, pixels, False, notes))
        notes = notes if is_grey(table) else (*notes, "a picture with a palette: its indices are the labels")
        return with_palette(_build_file(path, pixels, False, notes), table)


def _read_bytes(path: Path) -> tuple[str, bytes]:
    with decoding(path, "picture"):
        data = path.read_bytes()
    for signature, name, _, pixels_per_byte in _FORMATS:
        if data.startswith(signature):
            if name == "PNG":
                _check_png(path, data)
            height, width = _read_size(path, name, data)
            check_size(path, height * width)
            if height * width > pixels_per_byte * len(data):
                promise = f"the {name} header promises {width:,} x {height:,} pixels, which {len(data):,} bytes cannot hold"
                raise ImageReadError(path, f"{promise}; the file is damaged or cut short: copy it again")
            return name, data
    is_tiff = data.startswith(_TIFF)
    found = "a TIFF file; rename it to .tif" if is_tiff else "none of PNG, JPEG, BMP, GIF; copy or export it again"
    raise ImageReadError(path, f"the name ends in {path.suffix}, but the content is {found}")


def _check_png(path: Path, data: bytes) -> None:
    """Check that every chunk is whole and matches its checksum, up to the end chunk: Pillow skips the checksums of pixels."""
    at = len(_PNG)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 8 + length
        if end + 4 > len(data):
            break
        if zlib.crc32(memoryview(data)[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise ImageReadError(path, f"the PNG part at byte {at:,} is damaged (checksum); copy the file again")
        if data[at + 4 : at + 8] == b"IEND":
            return
        at = end + 4
    raise ImageReadError(path, f"the PNG picture is cut short after {len(data):,} bytes; copy the file again")


def _read_size(path: Path, name: str, data: bytes) -> tuple[int, int]:
    """Read the number of rows and columns from the header alone."""
    with decoding(path, f"{name} picture"), _pillow_class(name)(BytesIO(data)) as picture:
        return picture.height, picture.width


def _pillow_class(name: str) -> type[PillowFile]:
    return next(kind for _, known, kind, _ in _FORMATS if known == name)


def _open_picture(path: Path, name: str, data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    with decoding(path, f"{name} picture"), _pillow_class(name)(BytesIO(data)) as opened:
        num_frames = getattr(opened, "n_frames", 1)
        opened.seek(0)
        opened.load()
        upright = ImageOps.exif_transpose(opened)
        if opened.getexif().get(0x0112, 1) not in (0, 1):
            notes = ("turned upright, following its EXIF orientation",)
        picture = upright if upright is not opened else opened.copy()
    if num_frames > 1:
        notes = (*notes, f"the first of {num_frames} frames was read")
    return picture, notes


def _grey_bits(name: str, data: bytes) -> int:
    """Return the bits per pixel of a grey PNG; 0 for other pictures."""
    depth, colour_type = struct.unpack_from("BB", data, 24) if name == "PNG" else (0, 0)
    return int(depth) if colour_type == 0 else 0


def _is_deep_png(name: str, data: bytes) -> bool:
    """Whether this is a PNG with 16-bit colours or transparency, which Pillow would cut to 8 bits."""
    depth, colour_type = struct.unpack_from("BB", data, 24) if name == "PNG" else (8, 0)
    return depth == 16 and colour_type in (2, 4, 6)


def _read_deep_png(path: Path, data: bytes, *, keep_alpha: bool = False) -> ImageFile:
    import imagecodecs

    with decoding(path, "16-bit PNG picture"):
        pixels = np.asarray(imagecodecs.png_decode(data))
    return _build_file(path, pixels, not keep_alpha and pixels.ndim == 3 and pixels.shape[-1] in (2, 4), ())


def _transparency(picture: Image.Image, step: int) -> UInt8[np.ndarray, "height width"] | None:
    """Return the transparency that a palette or a key colour gives the pixels; None without one, or with its own channel.

    ``step`` is the distance of two greys; a key counts greys.
    """
    key, pixels = picture.info.get("transparency"), np.asarray(picture)
    if picture.mode == "PA":
        return pixels[..., 1]
    if key is None or picture.mode in _ALPHA:
        return None
    if isinstance(key, bytes):  # one for each colour of the palette, and the others are opaque
        return np.frombuffer(key.ljust(256, b"\xff"), np.uint8)[pixels]
    grey = bool(key) if pixels.dtype == bool else key
    is_key = (pixels == key).all(axis=-1) if isinstance(key, tuple) else pixels == grey * step
    return np.where(is_key, 0, 255).astype(np.uint8)


def _without_transparency(file: ImageFile) -> ImageFile:
    """Drop the transparency of a label map. Raises LabelError if it varies."""
    if file.num_channels not in (2, 4):
        return file
    check_transparency(file.path, file.pixels)
    return _build_file(file.path, file.pixels, True, file.notes)


def _apply_palette(picture: Image.Image) -> Image.Image:
    colours = _palette_colours(picture)
    pixels = np.asarray(colours)
    return colours.convert("L") if (pixels == pixels[..., :1]).all() else colours


def _palette_colours(picture: Image.Image) -> Image.Image:
    return picture.convert("RGBA").convert("RGB")  # in one step Pillow warns of the transparency of a palette


def _build_file(path: Path, pixels: Shaped[np.ndarray, "..."], has_alpha: bool, notes: tuple[str, ...]) -> ImageFile:
    if has_alpha:
        pixels, note = without_alpha(pixels, pixels.ndim - 1)
        notes = (*notes, note) if note else notes
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    return ImageFile(pixels, "YX" if pixels.ndim == 2 else "YXC", UNKNOWN, path, notes)
