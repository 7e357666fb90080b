"""Compare what a TIFF promises with what the file can hold, before any memory is allocated.

A file of a few kilobytes can claim an image of gigabytes; decoders then return zeros without a warning. So every strip and tile
must lie inside the file, their number and lengths must fit the image, and the codec must be safe on damaged input (so no JPEG
XR). All functions raise ImageReadError.
"""

import math
from pathlib import Path

import tifffile

from unseam.errors import ImageReadError
from unseam.io.coded_size import PICTURE_CODECS, count_coded_values
from unseam.io.guard import check_size
from unseam.io.ome_xml import OmeImage, is_ome, read_ome
from unseam.io.tiff_walk import Walk

_CODECS = {
    1: "none", 5: "LZW", 7: "JPEG", 8: "Deflate", 32773: "PackBits", 32946: "Deflate", 33003: "JPEG 2000",
    33005: "JPEG 2000", 34712: "JPEG 2000", 50000: "Zstandard", 34926: "Zstandard", 50001: "WebP", 34927: "WebP",
}  # fmt: skip
_FAX = (2, 3, 4)  # CCITT: black and white only, and Fiji does not open them
_COLOUR_SPACES = (0, 1, 2, 3, 5, 6)  # white is zero, black is zero, RGB, palette, CMYK, YCbCr
_MOST_BYTES_OF_ONE = {5: 4096, 8: 1040, 32946: 1040, 32773: 64}  # bytes that one compressed byte can expand to
_ALIGNMENT = 16  # bytes of padding that a sound file may have at the end of a strip
_MOST_OME_PLANES = 1_000_000


def check_text(path: Path, tiff: "tifffile.TiffFile", walk: Walk) -> tuple[tuple[OmeImage, ...], str | None]:
    """Check the OME description before the decoder builds lists of the length that it promises.

    Returns what it says of each image, and a note for the user.
    """
    page = tiff.pages.first
    if is_ome(page.description) and not tiff.is_ome:
        raise ImageReadError(path, "its OME description is cut or damaged, so its axes are unknown; copy or export it again")
    if not (tiff.is_ome and tiff.ome_metadata):
        return (), None
    ome = read_ome(path, tiff.ome_metadata)
    if ome is None:
        return (), "its OME description is no valid XML and was left aside, with the size of a pixel; export it again"
    num_held = walk.num_pages * page.samplesperpixel
    promised = max((one.num_planes for one in ome), default=0)
    most = max(promised, *(count for one in ome for count in one.counts), 0)
    if most <= num_held:
        return ome, None
    # a series may be spread over several files, which the description names; the other files are never opened
    names = {name for one in ome for name in one.file_names} - {path.name}
    if not names or most > _MOST_OME_PLANES:
        promise = f"its OME description promises {most:,} planes, the file holds {num_held:,}"
        raise ImageReadError(path, f"{promise}; the others are missing: export it again, as one file")
    return ome, f"part of a series of {promised} planes in several files; only the {walk.num_pages} of this file were read"


def check_tiff(path: Path, tiff: "tifffile.TiffFile", series: "tifffile.TiffPageSeries", walk: Walk) -> None:
    """Check everything about one series of pages that will be decoded as a whole."""
    check_kind(path, tiff, series)
    check_size(path, math.prod(series.shape) * series.dtype.itemsize)
    check_parts(path, tiff, series, walk)
    if series.dataoffset is not None:
        return
    for number, page in enumerate(series.pages):
        key = page.keyframe if page is not None else None
        assert page is not None
        assert key is not None
        if int(key.compression) in PICTURE_CODECS:
            for part, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
                tiff.filehandle.seek(offset)
                check_stream(path, (number, part), key, tiff.filehandle.read(min(count, 2**17)))
    check_lzw(path, tiff, series)


def check_kind(path: Path, tiff: "tifffile.TiffFile", series: "tifffile.TiffPageSeries") -> None:
    """Check that the numbers are of a supported kind, and that the series is what the descriptions promise."""
    page = series.keyframe
    if page.dtype is None or series.dtype is None:
        raise ImageReadError(path, f"{page.bitspersample}-bit pixels in this layout are not read; save as 8- or 16-bit TIFF")
    # where a description does not fit the pages, tifffile falls back to another kind of series without a warning
    promises = [kind for kind, is_promised in (("imagej", tiff.is_imagej), ("shaped", tiff.is_shaped)) if is_promised]
    if promises and series.kind not in (*promises, "ome"):
        raise ImageReadError(path, "its description promises other planes than the file holds; it is damaged: copy it again")


def check_parts(path: Path, tiff: "tifffile.TiffFile", series: "tifffile.TiffPageSeries", walk: Walk) -> None:
    """Check the codec, the colour space, and the place and length of every strip and tile of a series."""
    page, file_size = series.keyframe, tiff.filehandle.size
    codec = int(page.compression)
    if codec not in _CODECS:
        known = ", ".join(sorted(set(_CODECS.values()) - {"none"}))
        # tifffile leaves "white is zero" to its caller, so it would turn most faxes into their negatives
        fax, other = 'Image.open(FILE).save(NEW, compression="tiff_lzw")', "tifffile.imwrite(NEW, tifffile.imread(FILE))"
        remedy = f"none, {known} are. Save it without compression or with LZW (in Python: {fax if codec in _FAX else other})"
        raise ImageReadError(path, f"compression {_name(page.compression)} is not read; {remedy}")
    if codec != 1 and codec not in walk.codecs:  # the walk chose the process that decodes: it must have seen this codec
        raise ImageReadError(path, f"no page directory lists its compression {_name(page.compression)}; it is damaged")
    if int(page.photometric) not in _COLOUR_SPACES or (int(page.photometric) == 6 and codec != 7):
        raise ImageReadError(path, f"colours stored as {_name(page.photometric)} are not read; save it as grey or RGB")
    if series.dataoffset is not None:
        if series.dataoffset + math.prod(series.shape) * series.dtype.itemsize > file_size:
            raise ImageReadError(path, f"the TIFF is cut short: {file_size:,} bytes cannot hold its pixels; copy it again")
        if len(series.pages) == 1 and math.prod(series.shape) == math.prod(page.shape):
            _check_page(path, 0, page, file_size)
        return
    for number, part in enumerate(series.pages):
        if part is None:
            raise ImageReadError(path, f"page {number} is missing or in another file; save the series as one file")
        _check_page(path, number, part, file_size)


def _check_page(path: Path, number: int, page: "tifffile.TiffPage | tifffile.TiffFrame", file_size: int) -> None:
    key = page.keyframe
    assert key is not None
    offsets, counts = page.dataoffsets, page.databytecounts
    expected = math.prod(key.chunked)
    remedy = "the TIFF is damaged or cut short: copy it again"
    if len(offsets) != expected or len(counts) != expected:
        raise ImageReadError(path, f"page {number} needs {expected:,} strips or tiles and lists {len(offsets):,}; {remedy}")
    for part, (offset, count) in enumerate(zip(offsets, counts, strict=True)):
        # no byte at all is refused, too: some writers leave empty tiles out, and the decoder would invent zeros for them
        if count <= 0 or offset <= 0 or offset + count > file_size:
            place = f"{count:,} bytes at {offset:,} are not all inside the file of {file_size:,} bytes"
            raise ImageReadError(path, f"page {number}, strip or tile {part}: {place}; {remedy}")
    codec, found = int(key.compression), sum(counts)
    needed = math.prod(key.shape) * key.bitspersample // 8
    # the fewest bytes that can hold the pixels; 0 for codecs without a known bound
    fewest = needed if codec == 1 else needed // _MOST_BYTES_OF_ONE.get(codec, needed + 1)
    if found < fewest:
        raise ImageReadError(path, f"page {number} needs {fewest:,} bytes and has {found:,}; {remedy}")
    # bytes beyond the pixels of a strip: it was written with another width, height or depth, so every row would be shifted
    if codec == 1 and not key.is_tiled and max(counts) >= _strip_bytes(key) + _ALIGNMENT:
        raise ImageReadError(
            path,
            f"page {number} has strips of {max(counts):,} bytes for {_strip_bytes(key):,} bytes of pixels; its size or its "
            "depth is damaged: copy it again, or open it in Fiji, look at it and save it as TIFF",
        )


def _strip_bytes(page: "tifffile.TiffPage") -> int:
    """Return the bytes of a whole uncompressed strip; each row begins at a byte."""
    samples = page.samplesperpixel if int(page.planarconfig) == 1 else 1
    rows = min(page.rowsperstrip, page.imagelength) if page.rowsperstrip else page.imagelength
    return rows * math.ceil(page.imagewidth * samples * page.bitspersample / 8)


def check_stream(path: Path, place: tuple[int, int], key: "tifffile.TiffPage", data: bytes) -> None:
    """Check that a compressed picture (JPEG, JPEG 2000, WebP) is not larger than its strip or tile.

    ``place`` is the number of the page and of the strip or tile, ``key`` a page with the same tags, ``data`` the picture or its
    beginning.
    """
    codec = int(key.compression)
    coded = count_coded_values(codec, data) if codec in PICTURE_CODECS else None
    samples = key.samplesperpixel if int(key.planarconfig) == 1 else 1
    rows, columns = (key.tilelength, key.tilewidth) if key.is_tiled else (key.rowsperstrip, key.imagewidth)
    values = math.prod((rows, columns, samples, max(1, key.tiledepth)))
    if coded is not None and coded > 2 * values + 4096:  # a stream may be padded to whole blocks, or carry alpha
        fault = f"page {place[0]}, strip or tile {place[1]} says that it holds {coded:,} values where {values:,} belong"
        raise ImageReadError(path, f"{fault}; the TIFF is damaged: copy it again")


def check_lzw(path: Path, tiff: "tifffile.TiffFile", series: "tifffile.TiffPageSeries") -> None:
    """Check that the first LZW strip is not too long: its decoder stops silently at the expected length, others raise."""
    key = series.keyframe
    if int(key.compression) != 5 or key.is_tiled or key.fillorder != 1 or series.pages[0] is None:
        return
    import imagecodecs

    page, full = series.pages[0], _strip_bytes(key)
    tiff.filehandle.seek(page.dataoffsets[0])
    found = len(imagecodecs.lzw_decode(tiff.filehandle.read(page.databytecounts[0]), out=full + _ALIGNMENT))
    if found >= full + _ALIGNMENT:
        remedy = "the TIFF is damaged: copy it again"
        raise ImageReadError(path, f"page 0 has strips of more than {full:,} bytes of pixels, too many for its size; {remedy}")


def _name(value: object) -> str:
    return str(getattr(value, "name", value)).replace("_", " ")
