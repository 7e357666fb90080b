"""Checked metadata of a Zarr array: shape, chunks, codecs, type of number; formats 2 and 3."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseam.errors import ImageReadError
from unseam.io.large.zarr_codecs import KNOWN_CODECS, Chain, UnknownCodecError, build_chain
from unseam.io.large.zarr_store import Node, Store

_MOST_AXES = 5
_MOST_CHUNK_BYTES = 2**28
_MOST_PER_SHARD = 2**18
_TYPES = {"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float16", "float32", "float64"}
_MAY_BE = ", ".join(sorted(_TYPES))
_KNOWN_KEYS = {
    *("zarr_format", "node_type", "shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs"),
    *("attributes", "dimension_names", "storage_transformers", "consolidated_metadata"),
}


@dataclass(frozen=True, eq=False)
class ZarrMetadata:
    """How an array is stored.

    Attributes
    ----------
    shape
        Of the array.
    chain
        Codecs of its chunks; of those inside a shard, if there are shards.
    fill
        Value of pixels that were never written.
    prefix, separator
        A file's name is the prefix and the numbers of its chunk, joined by the separator.
    shard
        Chunks in a file along each axis; all 1 without shards.
    index, index_at_end
        Codecs of a shard's table of chunks (None without shards), and whether it stands at the end or the beginning.
    """

    shape: tuple[int, ...]
    chain: Chain
    fill: Any
    prefix: str
    separator: str
    shard: tuple[int, ...]
    index: Chain | None = None
    index_at_end: bool = True


def read_metadata(store: Store, node: Node) -> ZarrMetadata:
    """Read the metadata of an array.

    Raises
    ------
    ImageReadError
        If they are damaged, impossible, or need an unknown codec.
    """
    try:
        return (_read_version_2 if node.version == 2 else _read_version_3)(store, node)
    except UnknownCodecError as error:
        known = ", ".join(KNOWN_CODECS)
        raise store.error(
            f"{_where(node)} is stored with the codec {str(error)[:100]}, which is not read; {known} are: export "
            "it with one of them"
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, ImageReadError):
            raise
        raise store.error(f"the metadata of {_where(node)} are damaged ({error!r:.150}); copy the store again") from error


def _where(node: Node) -> str:
    return f"array {node.key}" if node.key else "the array"


def _read_version_2(store: Store, node: Node) -> ZarrMetadata:
    found = node.metadata
    shape = _counts(store, node, "shape", found["shape"])
    chunk = _counts(store, node, "chunk shape", found["chunks"])
    if not isinstance(found["dtype"], str):
        raise store.error(f"{_where(node)} holds records, an image has one number a pixel; export its fields one by one")
    dtype = _number(store, node, np.dtype(found["dtype"]))
    order = {"C": tuple(range(len(shape))), "F": tuple(reversed(range(len(shape))))}[found["order"]]
    codecs = [*(found.get("filters") or []), *([found["compressor"]] if found.get("compressor") else [])]
    separator = found.get("dimension_separator", ".")
    if separator not in (".", "/"):
        raise ValueError(f"separator {separator!r}")
    _check(store, node, shape, chunk, dtype)
    packed = build_chain(chunk, dtype, order, [(str(codec["id"]), codec) for codec in codecs])
    return ZarrMetadata(shape, packed, _fill(found.get("fill_value"), dtype), "", separator, (1,) * len(shape))


def _read_version_3(store: Store, node: Node) -> ZarrMetadata:
    found = node.metadata
    for name in found.keys() - _KNOWN_KEYS:
        if not isinstance(found[name], dict) or found[name].get("must_understand") is not False:
            raise store.error(f"the metadata of {_where(node)} have {name[:50]!r}, which is not known; export it again")
    if found.get("storage_transformers"):
        raise store.error(f"{_where(node)} is stored by way of a transformer, which is not read; export it without")
    if found["data_type"] not in _TYPES:
        raise store.error(
            f"{_where(node)} holds values of type {str(found['data_type'])[:50]}; an image holds one of {_MAY_BE}"
        )
    shape = _counts(store, node, "shape", found["shape"])
    grid, grid_settings = _named(found["chunk_grid"])
    encoding, settings = _named(found["chunk_key_encoding"])
    if grid != "regular" or encoding not in ("default", "v2"):
        raise store.error(f"{_where(node)} lays its chunks as {grid[:30]}, {encoding[:30]}; only regular ones are read")
    separator = settings.get("separator", "/" if encoding == "default" else ".")
    if separator not in (".", "/"):
        raise ValueError(f"separator {separator!r}")
    file_shape = _counts(store, node, "chunk shape", grid_settings["chunk_shape"])
    prefix = f"c{separator}" if encoding == "default" else ""
    dtype = np.dtype(found["data_type"])
    codecs = [_named(codec) for codec in found["codecs"]]
    if [name for name, _ in codecs] != ["sharding_indexed"]:
        _check(store, node, shape, file_shape, dtype)
        packed = _chain_3(file_shape, dtype, codecs)
        return ZarrMetadata(shape, packed, _fill(found["fill_value"], dtype), prefix, separator, (1,) * len(shape))
    settings = codecs[0][1]
    chunk = _counts(store, node, "chunk shape inside a shard", settings["chunk_shape"])
    _check(store, node, shape, chunk, dtype)
    if len(file_shape) != len(shape) or any(outer % inner for outer, inner in zip(file_shape, chunk, strict=True)):
        raise ValueError(f"shards of {file_shape} do not hold whole chunks of {chunk}")
    shard = tuple(outer // inner for outer, inner in zip(file_shape, chunk, strict=True))
    if math.prod(shard) > _MOST_PER_SHARD:
        raise store.error(f"{_where(node)} has shards of {math.prod(shard):,} chunks, at most {_MOST_PER_SHARD:,} are read")
    index = [_named(codec) for codec in settings["index_codecs"]]
    if [name for name, _ in index] not in (["bytes"], ["bytes", "crc32c"]) or index[0][1].get("endian") != "little":
        raise UnknownCodecError(f"sharding_indexed with an index stored as {[name for name, _ in index]}")
    location = settings.get("index_location", "end")
    if location not in ("start", "end"):
        raise ValueError(f"index at the {location}")
    packed = _chain_3(chunk, dtype, [_named(codec) for codec in settings["codecs"]])
    table = build_chain((math.prod(shard), 2), np.dtype("<u8"), (0, 1), index[1:])
    return ZarrMetadata(shape, packed, _fill(found["fill_value"], dtype), prefix, separator, shard, table, location == "end")


def _chain_3(chunk: tuple[int, ...], dtype: np.dtype, codecs: list[tuple[str, dict[str, Any]]]) -> Chain:
    """Transpositions, then the order of bytes, then what makes bytes of bytes."""
    order = tuple(range(len(chunk)))
    while codecs and codecs[0][0] == "transpose":
        by = codecs[0][1]["order"]
        by = {"C": list(range(len(chunk))), "F": list(reversed(range(len(chunk))))}.get(by, by) if isinstance(by, str) else by
        if sorted(by) != list(range(len(chunk))):
            raise ValueError(f"transposed by {by}")
        order, codecs = tuple(order[axis] for axis in by), codecs[1:]
    if not codecs or codecs[0][0] != "bytes":
        raise UnknownCodecError(codecs[0][0] if codecs else "none")
    endian = codecs[0][1].get("endian", "little" if dtype.itemsize == 1 else "not said")
    if endian not in ("little", "big"):
        raise ValueError(f"order of bytes {endian!r:.30}")
    stored = dtype.newbyteorder("<" if endian == "little" else ">")
    return build_chain(chunk, stored, order, [(name.removeprefix("numcodecs."), settings) for name, settings in codecs[1:]])


def _named(entry: Any) -> tuple[str, dict[str, Any]]:
    """Name and settings of a codec, a grid or an encoding."""
    if isinstance(entry, str):
        return entry, {}
    settings = entry.get("configuration") or {}
    if not isinstance(entry["name"], str) or not isinstance(settings, dict):
        raise ValueError(f"{entry!r:.80} has no name, or no settings")
    return entry["name"], settings


def _counts(store: Store, node: Node, what: str, numbers: Any) -> tuple[int, ...]:
    if not isinstance(numbers, list) or not all(type(n) is int and 0 < n < 2**62 for n in numbers):
        raise store.error(f"{_where(node)} has the {what} {numbers!r:.80}; it has to be whole numbers above 0: export it again")
    return tuple(numbers)


def _number(store: Store, node: Node, dtype: np.dtype) -> np.dtype:
    if dtype.kind not in "buif" or dtype.newbyteorder("=").name not in _TYPES:
        raise store.error(f"{_where(node)} holds values of type {dtype}; an image holds one of {_MAY_BE}")
    return dtype


def _check(store: Store, node: Node, shape: tuple[int, ...], chunk: tuple[int, ...], dtype: np.dtype) -> None:
    if not 2 <= len(shape) <= _MOST_AXES:
        raise store.error(f"{_where(node)} has {len(shape)} axes; an image has 2 to {_MOST_AXES}: export a part of it")
    if len(chunk) != len(shape):
        raise ValueError(f"chunks of {len(chunk)} axes for {len(shape)}")
    if math.prod(shape) * dtype.itemsize >= 2**62:
        raise store.error(f"{_where(node)} has the shape {shape}, more than any disk holds; it is damaged: copy it again")
    if math.prod(chunk) * dtype.itemsize > _MOST_CHUNK_BYTES:
        raise store.error(
            f"{_where(node)} has chunks of {math.prod(chunk) * dtype.itemsize / 2**20:,.0f} MiB, each of which is decoded as a "
            f"whole; at most {_MOST_CHUNK_BYTES >> 20} MiB are read: export it with smaller chunks (512 x 512)"
        )


def _fill(value: Any, dtype: np.dtype) -> Any:
    """The fill value as it stands in JSON: a number, or a word for what JSON has no number for."""
    if value is None:
        value = 0
    if isinstance(value, str):
        if dtype.kind != "f":
            raise ValueError(f"fill value {value[:30]!r}")
        if value.startswith("0x"):
            return np.array(int(value, 16), f"u{dtype.itemsize}").view(dtype.newbyteorder("="))[()]
        value = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}[value]
    if not isinstance(value, (int, float)):
        raise TypeError(f"fill value {value!r:.30}")
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.array([float(value)]).astype(dtype.newbyteorder("="))[0]
    limits = np.iinfo(np.uint8 if dtype.kind == "b" else dtype)
    if value != int(value) or not limits.min <= value <= limits.max:
        raise ValueError(f"fill value {value!r:.30} of {dtype}")
    return np.array([int(value)], dtype.newbyteorder("="))[0]
