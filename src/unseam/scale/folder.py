"""The work folder of a large prediction: it lies next to the result until that is finished.

::

    slide-seg.ome.zarr              appears by one rename, when everything is in it
    .slide-seg.ome.zarr.unseam/     until then:
        plan.json                   what is computed, from which image, by which model
        model.safetensors           the model
        journal.txt                 a checked line for each finished chunk
        result.ome.zarr/            the result so far
        scratch/                    arrays from which objects are made

So whatever has the name of a result is complete, and stopped work can be resumed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from unseam.errors import OutputError, SettingsError
from unseam.io import disk
from unseam.io.lock import locked
from unseam.io.result import read_facts, sweep_image
from unseam.io.unfinished import name_beside, remove
from unseam.io.write import make_folders, sync_folder, write_text_whole

ZARR, TIFF = (".zarr",), (".tif", ".tiff", ".btf")


def is_one_result(out: Path) -> bool:
    """Whether a name is that of one large result, not of a folder for many.

    >>> is_one_result(Path("slide-seg.ome.zarr")), is_one_result(Path("results"))
    (True, False)
    """
    return out.name.lower().endswith((*ZARR, *TIFF))


def work_folder(out: Path) -> Path:
    """Path of the work folder of a result."""
    return out.parent / f".{out.name}.unseam"


@contextmanager
def claim(out: Path, *, resume: bool, overwrite: bool) -> Iterator[Path]:
    """Hold the work folder, made if need be, so that no other process works on the same result.

    Raises
    ------
    OutputError
        If the result or unfinished work on it exists and neither option was given; or if nothing can be written.
    InUseError
        If another process holds it.
    SettingsError
        If there is nothing to resume.
    """
    folder = work_folder(out)
    if resume and overwrite:
        raise SettingsError("--resume and --overwrite came together: one continues the work, the other starts again. Give one.")
    is_begun = (folder / "plan.json").exists()
    if resume and not is_begun:
        found = f"{out} is finished" if out.exists() else f"there is no work folder {folder.name} next to it"
        raise SettingsError(f"{out}: there is nothing to resume: {found}. Leave --resume out.")
    if out.exists() and not resume:
        _check_replaceable(out, overwrite)
    if is_begun and not resume and not overwrite:
        raise OutputError(
            f"{out}: there is unfinished work on it ({folder}). Give --resume to continue it, or --overwrite to start again."
        )
    make_folders(folder)
    try:
        with locked(folder, f"segmenting to {out.name}"):
            if overwrite:
                clear(folder)
            sweep_image(folder)
            yield folder
    finally:
        with suppress(OSError):  # only an empty folder can be removed
            disk.remove_folder(folder)


def clear(folder: Path) -> None:
    """Remove everything in a work folder except the lock; the plan last, so that leftovers can be recognised."""
    for path in sorted(disk.list_folder(folder), key=lambda path: path.name == "plan.json"):
        if path.name != ".unseam.lock":
            remove(path)


def write_or_check_plan(folder: Path, plan: Mapping[str, Any], *, resume: bool) -> None:
    """Write the plan of new work, or compare it with that of resumed work.

    Raises
    ------
    SettingsError
        If the work was started in another way; names what differs.
    OutputError
        If it cannot be read or written.
    """
    text = json.dumps(plan, indent=1)
    if not resume:
        write_text_whole(folder / "plan.json", text)
        return
    try:
        before = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(f"{folder / 'plan.json'}: cannot be read, so the work cannot go on. Give --overwrite.") from error
    now = json.loads(text)
    changed = [name for name in now if now[name] != before.get(name)] if isinstance(before, dict) else list(now)
    if changed:
        said = "; ".join(f"{name}: {_short(before.get(name))} before, {_short(now[name])} now" for name in changed[:3])
        raise SettingsError(
            f"This work was started differently ({said}), and a result comes from one way of computing. Give the model, the "
            "image and the options that it was started with, or --overwrite to start again."
        )


def publish(result: Path, out: Path) -> None:
    """Give a finished store its name; a result of ours with that name steps aside and is removed.

    Raises
    ------
    OutputError
        If it cannot be renamed.
    """
    try:
        aside = None
        if out.exists():
            aside = name_beside(out)
            disk.rename(out, aside)
        disk.rename(result, out)
        sync_folder(out.parent)
        if aside is not None:
            remove(aside)
    except OSError as error:
        raise OutputError(f"{out}: the finished result, {result}, could not be given this name ({error.strerror}).") from error


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_replaceable(out: Path, overwrite: bool) -> None:
    if not overwrite:
        raise OutputError(f"{out} exists already, and nothing is overwritten. Give --overwrite, or another --out.")
    if out.is_dir():
        try:
            read_facts(out)
        except OutputError as error:
            raise OutputError(
                f"{out} was not written by unseam, so it is not overwritten: it may be an image. Give another --out."
            ) from error


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
