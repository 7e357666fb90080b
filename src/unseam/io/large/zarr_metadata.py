"""Reads and checks the metadata of a Zarr array (format 2 or 3): shape, chunks, codecs, number type."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseam.errors import ImageReadError
from unseam.io.large.zarr_codecs import KNOWN_CODECS, Chain, UnknownCodecError, build_chain
from unseam.io.large.zarr_store import Node, Store

_MAX_AXES = 5
_MAX_CHUNK_BYTES = 2**28
_MAX_PER_SHARD = 2**18
_TYPES = {"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float16", "float32", "float64"}
_TYPE_NAMES = ", ".join(sorted(_TYPES))
_KNOWN_KEYS = {
    *("zarr_format", "node_type", "shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs"),
    *("attributes", "dimension_names", "storage_transformers", "consolidated_metadata"),
}


@dataclass(frozen=True, eq=False)
class ZarrMetadata:
    """The layout of a stored array.

    Attributes
    ----------
    chain
        Codecs of the chunks; with shards, of the chunks inside a shard.
    fill
        Value of pixels that were never written.
    prefix, separator
        A file name is the prefix and the numbers of its chunk, joined by the separator.
    shard
        Chunks in a file along each axis; all 1 without shards.
    index, index_at_end
        Codecs of a shard's table of chunks (None without shards), and whether it is at the end or at the start of the file.
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
    """Read the metadata of an array. Raises ImageReadError if they are damaged, impossible, or need an unknown codec."""
    try:
        return (_read_version_2 if node.version == 2 else _read_version_3)(store, node)
    except UnknownCodecError as error:
        known = ", ".join(KNOWN_CODECS)
        raise store.error(
            f"{_where(node)} is stored with the codec {str(error)[:100]}, which is not supported; export it with one of {known}"
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, ImageReadError):
            raise
        raise store.error(f"the metadata of {_where(node)} are damaged ({error!r:.150}); copy the store again") from error


def _where(node: Node) -> str:
    return f"array {node.key}" if node.key else "the array"


def _read_version_2(store: Store, node: Node) -> ZarrMetadata:
    metadata = node.metadata
    shape = _counts(store, node, "shape", metadata["shape"])
    chunk = _counts(store, node, "chunk shape", metadata["chunks"])
    if not isinstance(metadata["dtype"], str):
        raise store.error(f"{_where(node)} holds records, but an image has one number per pixel; export its fields one by one")
    dtype = np.dtype(metadata["dtype"])
    if dtype.kind not in "buif" or dtype.newbyteorder("=").name not in _TYPES:
        raise _wrong_type(store, node, dtype)
    order = {"C": tuple(range(len(shape))), "F": tuple(reversed(range(len(shape))))}[metadata["order"]]
    codecs = [*(metadata.get("filters") or []), *([metadata["compressor"]] if metadata.get("compressor") else [])]
    separator = metadata.get("dimension_separator", ".")
    if separator not in (".", "/"):
        raise ValueError(f"separator {separator!r}")
    _check(store, node, shape, chunk, dtype)
    packed = build_chain(chunk, dtype, order, [(str(codec["id"]), codec) for codec in codecs])
    return ZarrMetadata(shape, packed, _fill(metadata.get("fill_value"), dtype), "", separator, (1,) * len(shape))


def _read_version_3(store: Store, node: Node) -> ZarrMetadata:
    metadata = node.metadata
    for name in metadata.keys() - _KNOWN_KEYS:
        if not isinstance(metadata[name], dict) or metadata[name].get("must_understand") is not False:
            raise store.error(f"the metadata of {_where(node)} have the unknown field {name[:50]!r}; export it again")
    if metadata.get("storage_transformers"):
        raise store.error(f"{_where(node)} is stored with a transformer, which is not supported; export it without")
    if metadata["data_type"] not in _TYPES:
        raise _wrong_type(store, node, str(metadata["data_type"])[:50])
    shape = _counts(store, node, "shape", metadata["shape"])
    grid, grid_settings = _named(metadata["chunk_grid"])
    encoding, settings = _named(metadata["chunk_key_encoding"])
    if grid != "regular" or encoding not in ("default", "v2"):
        raise store.error(f"{_where(node)} has {grid[:30]} chunks named as {encoding[:30]}; export it with regular chunks")
    separator = settings.get("separator", "/" if encoding == "default" else ".")
    if separator not in (".", "/"):
        raise ValueError(f"separator {separator!r}")
    file_shape = _counts(store, node, "chunk shape", grid_settings["chunk_shape"])
    prefix = f"c{separator}" if encoding == "default" else ""
    dtype = np.dtype(metadata["data_type"])
    codecs = [_named(codec) for codec in metadata["codecs"]]
    if [name for name, _ in codecs] != ["sharding_indexed"]:
        _check(store, node, shape, file_shape, dtype)
        packed = _chain_3(file_shape, dtype, codecs)
        return ZarrMetadata(shape, packed, _fill(metadata["fill_value"], dtype), prefix, separator, (1,) * len(shape))
    settings = codecs[0][1]
    chunk = _counts(store, node, "chunk shape inside a shard", settings["chunk_shape"])
    _check(store, node, shape, chunk, dtype)
    if len(file_shape) != len(shape) or any(outer % inner for outer, inner in zip(file_shape, chunk, strict=True)):
        raise ValueError(f"shards of {file_shape} do not hold whole chunks of {chunk}")
    shard = tuple(outer // inner for outer, inner in zip(file_shape, chunk, strict=True))
    if math.prod(shard) > _MAX_PER_SHARD:
        raise store.error(
            f"{_where(node)} has shards of {math.prod(shard):,} chunks; export it with at most {_MAX_PER_SHARD:,}"
        )
    index = [_named(codec) for codec in settings["index_codecs"]]
    if [name for name, _ in index] not in (["bytes"], ["bytes", "crc32c"]) or index[0][1].get("endian") != "little":
        raise UnknownCodecError(f"sharding_indexed with an index stored as {[name for name, _ in index]}")
    location = settings.get("index_location", "end")
    if location not in ("start", "end"):
        raise ValueError(f"index at the {location}")
    packed = _chain_3(chunk, dtype, [_named(codec) for codec in settings["codecs"]])
    table = build_chain((math.prod(shard), 2), np.dtype("<u8"), (0, 1), index[1:])
    return ZarrMetadata(shape, packed, _fill(metadata["fill_value"], dtype), prefix, separator, shard, table, location == "end")


def _chain_3(chunk: tuple[int, ...], dtype: np.dtype, codecs: list[tuple[str, dict[str, Any]]]) -> Chain:
    """Make the chain of format 3: transpositions, then the byte order, then codecs from bytes to bytes."""
    order = tuple(range(len(chunk)))
    while codecs and codecs[0][0] == "transpose":
        axes = codecs[0][1]["order"]
        if isinstance(axes, str):
            axes = {"C": list(range(len(chunk))), "F": list(reversed(range(len(chunk))))}.get(axes, axes)
        if sorted(axes) != list(range(len(chunk))):
            raise ValueError(f"transposed by {axes}")
        order, codecs = tuple(order[axis] for axis in axes), codecs[1:]
    if not codecs or codecs[0][0] != "bytes":
        raise UnknownCodecError(codecs[0][0] if codecs else "none")
    endian = codecs[0][1].get("endian", "little" if dtype.itemsize == 1 else "missing")
    if endian not in ("little", "big"):
        raise ValueError(f"order of bytes {endian!r:.30}")
    stored = dtype.newbyteorder("<" if endian == "little" else ">")
    return build_chain(chunk, stored, order, [(name.removeprefix("numcodecs."), settings) for name, settings in codecs[1:]])


def _named(entry: Any) -> tuple[str, dict[str, Any]]:
    """Return the name and the settings of a codec, a grid or an encoding."""
    if isinstance(entry, str):
        return entry, {}
    settings = entry.get("configuration") or {}
    if not isinstance(entry["name"], str) or not isinstance(settings, dict):
        raise ValueError(f"{entry!r:.80} has no name or no settings")
    return entry["name"], settings


def _counts(store: Store, node: Node, what: str, numbers: Any) -> tuple[int, ...]:
    if not isinstance(numbers, list) or not all(type(n) is int and 0 < n < 2**62 for n in numbers):
        raise store.error(f"{_where(node)} has the {what} {numbers!r:.80}; it must be whole numbers above 0: export it again")
    return tuple(numbers)


def _wrong_type(store: Store, node: Node, name: object) -> ImageReadError:
    return store.error(f"{_where(node)} holds values of type {name}; export it as one of {_TYPE_NAMES}")


def _check(store: Store, node: Node, shape: tuple[int, ...], chunk: tuple[int, ...], dtype: np.dtype) -> None:
    if not 2 <= len(shape) <= _MAX_AXES:
        raise store.error(f"{_where(node)} has {len(shape)} axes; an image has 2 to {_MAX_AXES}: export a part of it")
    if len(chunk) != len(shape):
        raise ValueError(f"chunks of {len(chunk)} axes for {len(shape)}")
    if math.prod(shape) * dtype.itemsize >= 2**62:
        raise store.error(
            f"{_where(node)} has the shape {shape}, larger than any disk; the metadata are damaged: copy it again"
        )
    if math.prod(chunk) * dtype.itemsize > _MAX_CHUNK_BYTES:
        raise store.error(
            f"{_where(node)} has chunks of {math.prod(chunk) * dtype.itemsize / 2**20:,.0f} MiB, each decoded as a whole; the "
            f"limit is {_MAX_CHUNK_BYTES >> 20} MiB: export it with smaller chunks (512 x 512)"
        )


def _fill(value: Any, dtype: np.dtype) -> Any:
    """Read the fill value from JSON: a number, or a string for the floats that JSON cannot write."""
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
