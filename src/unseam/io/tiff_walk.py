"""The page directories of a TIFF, walked before any decoder reads them.

Decoders repair damage silently: a stack of 30 planes whose chain of pages is broken becomes one of 12; a tag of an unknown type
is replaced by its default. What is refused here would have been read as another image.
"""

import struct
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from unseam.errors import ImageReadError

# bytes per value, by the number of its type
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
_IMAGEJ_TAGS = (50838, 50839)  # other private tags are never read, so they may point anywhere

# size, codec, colour space, order of bits, samples, rows per strip, layout of colours, predictor, size of a tile
_SINGLE = frozenset((256, 257, 259, 262, 266, 277, 278, 284, 317, 322, 323))
# bits, offsets and lengths of strips and tiles, colours of a palette, kind of extra samples and of numbers
_SEVERAL = frozenset((258, 273, 279, 320, 324, 325, 338, 339))
_COLUMNS, _ROWS, _CODEC, _SAMPLES = 256, 257, 259, 277


@dataclass(frozen=True)
class Walk:
    """What the directories of the main chain promise: the ``codecs`` are TIFF's numbers for the compressions."""

    num_pages: int
    codecs: frozenset[int]
    num_values: int
    """Rows times columns times samples, of all pages together."""


def walk_directories(path: Path, stream: BufferedIOBase, file_size: int) -> Walk:
    """Walk the chain of page directories: each must lie inside the file, and so must the values that it points to.

    Raises
    ------
    ImageReadError
        If the chain, a directory or a value leaves the file; if the chain runs in a circle; if directories overlap; if a tag of
        the size or the layout is repeated, or has a wrong type or number of values.
    """
    magic = stream.read(16)
    order = "<" if magic[:2] == b"II" else ">"
    is_big = magic[2:4] in (b"+\0", b"\0+")
    if magic[:2] not in (b"II", b"MM") or len(magic) < (16 if is_big else 8):
        raise ImageReadError(path, "no readable TIFF: it does not begin like one; copy or export it again")
    # formats of: number of entries, tag, type and count, offset
    counter, entry, pointer = ("Q", "HHQ", "Q") if is_big else ("H", "HHI", "I")
    (offset,) = struct.unpack_from(order + pointer, magic, 8 if is_big else 4)
    seen: set[int] = set()
    codecs: set[int] = set()
    total = num_values = 0
    while offset:
        size = struct.calcsize(order + counter)
        (num_entries,) = struct.unpack(order + counter, _read_at(path, stream, offset, size, file_size))
        num_bytes = num_entries * struct.calcsize(order + entry + pointer)
        body = _read_at(path, stream, offset + size, num_bytes + struct.calcsize(pointer), file_size)
        # without overlap all directories together fit into the file, which bounds the work on a hostile chain
        total += len(body)
        if total > file_size:
            raise ImageReadError(path, "the page directories of the TIFF overlap; it is damaged: copy it again")
        seen.add(offset)
        singles = _check_entries(path, body[:num_bytes], (order, entry, pointer), file_size)
        codecs.add(singles.get(_CODEC, 1))
        num_values += singles.get(_COLUMNS, 0) * singles.get(_ROWS, 0) * singles.get(_SAMPLES, 1)
        (offset,) = struct.unpack(order + pointer, body[num_bytes:])
        if offset in seen:
            raise ImageReadError(path, f"the pages of the TIFF run in a circle at byte {offset:,}; export it again")
    return Walk(len(seen), frozenset(codecs), num_values)


def _check_entries(path: Path, body: bytes, form: tuple[str, str, str], file_size: int) -> dict[int, int]:
    """Check the entries of one directory; return the values of the tags in ``_SINGLE``."""
    order, entry, pointer = form
    width = struct.calcsize(pointer)
    known: set[int] = set()
    singles: dict[int, int] = {}
    total = 0
    for tag, kind, count, value in struct.iter_unpack(order + entry + pointer, body):
        num_bytes = _TYPE_BYTES.get(kind, 0) * count
        # values that do not fit into the entry itself lie elsewhere, and the entry holds their offset
        if (tag < 32768 or tag in _IMAGEJ_TAGS) and num_bytes > width:
            _check_inside(path, value, num_bytes, file_size)
            total += num_bytes
        if tag in _SINGLE or tag in _SEVERAL:
            # decoders differ in which of two tags they believe, and drop one of a wrong type: the image would be another
            if tag in known or kind not in _INTEGERS or count < 1 or (tag in _SINGLE and count != 1):
                fault = f"tag {tag} of the TIFF, which states how its pixels are stored, appears twice or in a wrong form"
                raise ImageReadError(path, f"{fault}; it is damaged: copy or export it again")
            known.add(tag)
        if tag in _SINGLE and num_bytes <= width:
            (singles[tag],) = struct.unpack_from(order + _INTEGERS[kind], struct.pack(order + pointer, value))
    if total > file_size:
        raise ImageReadError(path, "values of the TIFF overlap; it is damaged: copy or export it again")
    return singles


def _read_at(path: Path, stream: BufferedIOBase, offset: int, num_bytes: int, file_size: int) -> bytes:
    _check_inside(path, offset, num_bytes, file_size)
    stream.seek(offset)
    return stream.read(num_bytes)


def _check_inside(path: Path, offset: int, num_bytes: int, file_size: int) -> None:
    if offset + num_bytes > file_size:
        fault = f"the TIFF points to {num_bytes:,} bytes at {offset:,}, beyond its end at {file_size:,}"
        raise ImageReadError(path, f"{fault}; it is damaged or cut short: copy it again")
