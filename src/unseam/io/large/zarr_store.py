"""Reads the files of a Zarr store without trusting them: a store is a folder that anyone may have filled.

Anything that could hang (a pipe), lead out (a link) or fill the memory (endless metadata) is refused before it is opened.
"""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from unseam.errors import ImageReadError
from unseam.io.guard import decoding

MARKS = ("zarr.json", ".zgroup", ".zarray")
"""Names of files that make a folder a group or an array."""

_MAX_METADATA_BYTES = 10**6
_MAX_PARENTS = 8


@dataclass(frozen=True)
class Store:
    """A folder of groups and arrays.

    Attributes
    ----------
    path
        The path from the user; errors name it.
    root, real
        The outermost group around it, and its real path without links: every file must lie inside.
    """

    path: Path
    root: str
    real: str

    def error(self, reason: str) -> ImageReadError:
        return ImageReadError(self.path, reason)

    def file(self, key: str) -> tuple[str, int] | None:
        """Return the real path and the size of a regular file inside the store; None if it does not exist.

        Raises ImageReadError for a folder, a pipe or a device, and for a link that leads out of the store.
        """
        try:
            real = os.path.realpath(os.path.join(self.root, key))
            if not real.startswith(self.real.rstrip(os.sep) + os.sep):
                raise self.error(f"{key} is a link that leads out of the store; copy the store with the files that it links to")
            status = os.stat(real)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            detail = getattr(error, "strerror", None) or error
            raise self.error(f"{key} cannot be read ({detail}); copy the store again") from error
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
            raise self.error(f"{key} is {kind} instead of a file; the store is damaged: copy it again")
        return real, status.st_size

    def json(self, key: str) -> dict[str, Any] | None:
        """Read a metadata file; None if it does not exist. Raises ImageReadError if it is too long or not a JSON object."""
        file = self.file(key)
        if file is None:
            return None
        if file[1] > _MAX_METADATA_BYTES:
            raise self.error(
                f"{key} has {file[1]:,} bytes, but metadata may have {_MAX_METADATA_BYTES:,}; remove consolidated metadata or "
                "long attributes, or give the path of an inner group"
            )
        with decoding(self.path, key), open(file[0], "rb") as stream:
            text = stream.read(_MAX_METADATA_BYTES + 1)
        try:
            tree = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self.error(f"{key} is not valid JSON ({str(error)[:100]}); the store is damaged: copy it again") from error
        if not isinstance(tree, dict):
            raise self.error(f"{key} is not a JSON object; the store is damaged: copy it again")
        return tree

    def inside(self, group: str, path: object) -> str:
        """Return the key of a relative path in a group. Raises ImageReadError if it is not a path or leaves the group."""
        if isinstance(path, str) and path and not set(path) & {"\\", "\0"} and not os.path.splitdrive(path)[0]:
            parts = path.rstrip("/").split("/")
            if all(part not in ("", ".", "..") for part in parts):
                return join_path(group, "/".join(parts))
        raise self.error(f"its metadata name the path {str(path)[:100]!r}; it must lie inside the store: export it again")


@dataclass(frozen=True)
class Node:
    """A group or an array at ``key`` (empty: the root) with its metadata; other programs define the ``attributes``."""

    key: str
    is_array: bool
    version: int
    metadata: dict[str, Any]
    attributes: dict[str, Any]

    @property
    def ome(self) -> dict[str, Any]:
        """Metadata of OME-Zarr, which are in a separate branch since version 0.5."""
        branch = self.attributes.get("ome")
        return branch if isinstance(branch, dict) else self.attributes


def join_path(group: str, path: str) -> str:
    """Join the key of a group and a path in it."""
    return f"{group}/{path}" if group else path


def is_store(path: Path) -> bool:
    """Whether a path is a Zarr store, or a group or an array in one, by its name or by the files in it.

    >>> is_store(Path("slide.ome.zarr"))
    True
    """
    return path.name.lower().endswith(".zarr") or _has_mark(path)


def _has_mark(folder: Path) -> bool:
    return any(os.path.isfile(os.path.join(folder, mark)) for mark in MARKS)


def find_store(path: Path) -> tuple[Store, str]:
    """Return the store around a folder, and the folder's key in it."""
    folder = root = Path(os.path.abspath(path))
    for parent in list(folder.parents)[:_MAX_PARENTS]:
        if not _has_mark(parent):
            break
        root = parent
    key = folder.relative_to(root).as_posix()
    return Store(path, str(root), os.path.realpath(root)), "" if key == "." else key


def read_node(store: Store, key: str) -> Node | None:
    """Read the group or array of a folder; None if it is neither.

    Raises ImageReadError if the metadata cannot be read or belong to another version of Zarr, or for an unfinished result.
    """
    node = _read_any_node(store, key)
    ours = node.attributes.get("unseam") if node else None
    if isinstance(ours, dict) and ours.get("complete") is not True:
        raise store.error("is an unfinished result; run the prediction that wrote it again, and it continues where it stopped")
    return node


def _read_any_node(store: Store, key: str) -> Node | None:
    for name, version in (("zarr.json", 3), (".zarray", 2), (".zgroup", 2)):
        metadata = store.json(join_path(key, name))
        if metadata is None:
            continue
        if metadata.get("zarr_format") != version:
            written = str(metadata.get("zarr_format"))[:20]
            raise store.error(f"{join_path(key, name)} has Zarr format {written} instead of {version}: export it as OME-Zarr")
        if version == 2:
            return Node(key, name == ".zarray", 2, metadata, store.json(join_path(key, ".zattrs")) or {})
        kind, attributes = metadata.get("node_type"), metadata.get("attributes") or {}
        if kind not in ("group", "array") or not isinstance(attributes, dict):
            raise store.error(f"{join_path(key, name)} describes neither a group nor an array; it is damaged: copy it again")
        return Node(key, kind == "array", 3, metadata, attributes)
    return None


def check_parents(store: Store, key: str) -> list[Node]:
    """Read the groups around a key, innermost first. Raises ImageReadError as :func:`read_node`."""
    parents = [parent.as_posix() for parent in PurePosixPath(key).parents] if key else []
    nodes = [read_node(store, "" if parent == "." else parent) for parent in parents]
    return [node for node in nodes if node is not None]
