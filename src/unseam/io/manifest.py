"""A folder with a manifest: names, sizes and SHA-256 of its files, so that damage is noticed before anything is used.

The manifest is written last and contains its own checksum. No common format of weights notices a flipped bit.
"""

import hashlib
import json
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from unseam.errors import ModelFileError
from unseam.io import disk
from unseam.io.write import write_folder_whole

MANIFEST = "MANIFEST.json"
_LARGEST_MANIFEST = 100_000
_MOST_FILES = 100


def write_with_manifest(folder: Path, about: Mapping[str, Any], files: Iterable[tuple[str, bytes]]) -> None:
    """Write or replace a folder as a whole: the named ``files`` in their order, last a manifest with the JSON values ``about``.

    Raises OutputError if it cannot be written; an existing folder then stays as it was.
    """

    def with_manifest() -> Iterator[tuple[str, bytes]]:
        facts = {}
        for name, data in files:
            facts[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            yield name, data
        yield MANIFEST, render_manifest({**about, "files": facts})

    write_folder_whole(folder, with_manifest())


def read_with_manifest(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the manifest and all files. Raises ModelFileError if even one bit differs from what was written, naming the file."""
    about = _read_manifest(folder)
    contents = {}
    for name, facts in about["files"].items():
        path = folder / name
        data = _read(path, facts["bytes"])
        if len(data) != facts["bytes"]:
            raise ModelFileError(f"{path}: damaged: it holds {len(data):,} bytes; {facts['bytes']:,} were written.")
        if hashlib.sha256(data).hexdigest() != facts["sha256"]:
            raise ModelFileError(f"{path}: damaged: its checksum differs from that in the manifest.")
        contents[name] = data
    return about, contents


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    data = _read(path, _LARGEST_MANIFEST)
    try:
        about = json.loads(data)
        known = about.pop("sha256")
        is_sound = render_manifest(about) == data and isinstance(known, str) and _are_facts(about["files"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        is_sound = False
    if not is_sound:
        raise ModelFileError(f"{path}: damaged: this manifest is not what was written.")
    return about


def _read(path: Path, most: int) -> bytes:
    """Read a file of up to ``most`` bytes; refuse a larger one, and a pipe or a device, which could hang."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError(f"{path}: damaged: this is not an ordinary file.")
        if status.st_size > most:
            raise ModelFileError(f"{path}: damaged: it holds {status.st_size:,} bytes, more than {most:,}.")
        return disk.read(path)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}).") from error


def render_manifest(about: Mapping[str, Any]) -> bytes:
    """Return the manifest as bytes, with a checksum of all the rest."""
    total = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    return (json.dumps({**about, "sha256": total}, indent=1) + "\n").encode()


def _are_facts(files: Any) -> bool:
    """Whether these are plain names with sizes and checksums: a name that contains a folder could lead elsewhere."""
    return 0 < len(files) <= _MOST_FILES and all(
        Path(name).name == name and type(facts["bytes"]) is int and isinstance(facts["sha256"], str)
        for name, facts in files.items()
    )
