"""Zarr stores damaged and made hostile: one file of a sound store replaced, mutated, or taken away."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from torture.mutations import mutated, other_tree
from torture.probe import rng_of
from torture.seeds import DEEP, GREY, STACK
from unseam.errors import ImageReadError

_META = ("zarr.json", ".zarray", ".zattrs", ".zgroup")
_SUMS = ("Zlib", "gzip", "sum", "shards", "bz2", "plain with")  # families whose chunks carry a check sum
_MOST = 64  # rows, columns and planes that are read of what a mutation made large


def _write(folder: Path) -> dict[str, Path]:
    """Families of small stores, by zarr itself."""
    import zarr.codecs as codecs
    from numcodecs import BZ2, Blosc, Zlib

    from torture import zarr_stores as stores

    shards = {"chunks": (8, 8), "shards": (24, 16), "compressors": [codecs.ZstdCodec(checksum=True)]}
    makers: dict[str, Callable[[Path], Path]] = {
        "2 Blosc": lambda p: stores.image(p, STACK, axes="ZYX", compressors=Blosc()),
        "2 Zlib": lambda p: stores.array(p, DEEP, compressors=Zlib(), chunk_key_encoding={"name": "v2", "separator": "/"}),
        "2 bz2": lambda p: stores.array(p, GREY, compressors=BZ2(), order="F"),
        "2 plain": lambda p: stores.array(p, GREY, compressors=None),
        "3 Zstandard with sum": lambda p: stores.image(p, STACK, 3, "ZYX", compressors=[codecs.ZstdCodec(checksum=True)]),
        "3 gzip": lambda p: stores.array(p, DEEP, zarr_format=3, compressors=[codecs.GzipCodec()]),
        "3 plain with sum": lambda p: stores.array(p, GREY, zarr_format=3, compressors=[codecs.Crc32cCodec()]),
        "3 shards": lambda p: stores.image(p, STACK[0], 3, "YX", **shards),
    }
    return {name: make(folder / name) for name, make in makers.items()}


def _of_bytes(data: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(data)


def _nothing(file: Path) -> None:
    """Where the system has no such thing, the file is missing."""


HOSTILE: dict[str, Callable[[Path], object]] = {
    "missing": _nothing,
    "a pipe": getattr(os, "mkfifo", _nothing),
    "a folder": Path.mkdir,
    "a link out": lambda file: file.symlink_to("/etc/passwd"),
    "a link to a device": lambda file: file.symlink_to("/dev/zero"),
    "a link to itself": lambda file: file.symlink_to(file.name),
    "a broken link": lambda file: file.symlink_to("nowhere"),
    "empty": _of_bytes(b""),
    "zeros": _of_bytes(bytes(10**5)),
    "10 MB": _of_bytes(b"\1" * 10**7),
    "brackets": _of_bytes(b"[" * 10**5),
    "2 MB of JSON": _of_bytes(b'{"a": "' + b"a" * 2 * 10**6 + b'"}'),
    "a Blosc bomb": _of_bytes(bytes([2, 1, 1, 1]) + (2**31 - 1).to_bytes(4, "little") * 2 + bytes(20)),
    "a Zstandard bomb": _of_bytes(bytes.fromhex("28b52ffde0ffffff7f00000000") + bytes(20)),
}


@dataclass
class Stores:
    """What is read of a mutated store is judged by what was changed in it.

    Chunks with a check sum may not be read with other values, nor a store whose file is missing or something else. Other
    metadata may make another image: Zarr has no check sum of those.
    """

    refusals: tuple[type[Exception], ...] = (ImageReadError,)
    stores: dict[str, Path] = field(default_factory=dict)
    whole: dict[str, list[np.ndarray]] = field(default_factory=dict)
    undo: Callable[[], object] = lambda: None

    def make(self, seed: int, index: int, folder: Path) -> tuple[Path, str]:
        """Write mutation ``index``: a link to a store in which one file is not as it was."""
        if not self.stores:
            home = folder / "stores"
            shutil.rmtree(home, ignore_errors=True)
            self.stores = _write(home)
            self.whole = {name: _read(path) for name, path in self.stores.items()}
        self.undo()
        rng = rng_of(seed, index)
        family = list(self.stores)[index % len(self.stores)]
        store = self.stores[family]
        files = sorted(path for path in store.rglob("*") if path.is_file() and "half" not in path.parts)
        kind = ("metadata", "bytes of metadata", "chunk", "hostile")[index // len(self.stores) % 4]
        chosen = [f for f in files if kind == "hostile" or (f.name in _META) == ("metadata" in kind)]
        file = chosen[int(rng.integers(len(chosen)))]
        before = file.read_bytes()
        self.undo = lambda: _put_back(file, before)
        if kind == "metadata":
            file.write_text(json.dumps(other_tree(json.loads(before), rng)))
        elif kind == "hostile":
            file.unlink()
            what = list(HOSTILE)[int(rng.integers(len(HOSTILE)))]
            HOSTILE[what](file)
            kind = f"{what} for a chunk" if file.name not in _META else f"{what} for metadata"
        else:
            file.write_bytes(mutated(before, [before], rng))
        link = folder / "mutation.zarr"
        link.unlink(missing_ok=True)
        link.symlink_to(store)
        return link, f"{family}: {kind}"

    def verdict(self, path: Path, family: str) -> str:
        """Read it: ``same``, ``changed`` or ``silent``."""
        name, kind = family.split(": ")
        found, whole = _read(path), self.whole[name]
        for window in found:
            assert window.dtype.kind in "uif"
        if len(found) == len(whole) and all(
            a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(found, whole, strict=True)
        ):
            return "same"
        has_sum = any(word in name for word in _SUMS)
        is_silent = (kind == "chunk" and has_sum) or (kind.endswith("for a chunk") and (has_sum or "zeros" not in kind))
        return "silent" if is_silent else "changed"


def _read(path: Path) -> list[np.ndarray]:
    """The first planes, whole if they are small, of all positions."""
    from unseam.io.large import open_large

    return [
        one.read(plane, slice(0, min(one.height, _MOST)), slice(0, min(one.width, _MOST)))
        for one in open_large(path)
        for plane in range(min(one.num_planes, _MOST))
    ]


def _put_back(file: Path, data: bytes) -> None:
    if file.is_dir() and not file.is_symlink():
        file.rmdir()
    else:
        file.unlink(missing_ok=True)
    file.write_bytes(data)
