"""The work folder of a large prediction: it lies next to the result until the result is finished.

::

    slide-seg.ome.zarr              appears by one rename, when it is complete
    slide-seg-prob.ome.zarr         the probabilities, if wanted: appears just before
    .slide-seg.ome.zarr.unseam/     until then:
        plan.json                   everything that the result depends on
        model.safetensors           a copy of the model
        journal.txt                 one line with a check sum per finished chunk
        result.ome.zarr/            the result so far
        probabilities.ome.zarr/     the probabilities so far
        scratch/                    arrays from which objects are made
        finished.json               the counts of the result, when it is complete and only its name is missing

So whatever has the name of a result is complete, and interrupted work can be resumed.
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
_PLAN, _FINISHED = "plan.json", "finished.json"


def is_one_result(out: Path) -> bool:
    """Return whether a path names one large result, not a folder for many.

    >>> is_one_result(Path("slide-seg.ome.zarr")), is_one_result(Path("results"))
    (True, False)
    """
    return out.name.lower().endswith((*ZARR, *TIFF))


def work_folder(out: Path) -> Path:
    """Return the path of the work folder of a result."""
    return out.parent / f".{out.name}.unseam"


def probability_store(out: Path) -> Path:
    """Return the path of the probabilities that belong to a result.

    >>> probability_store(Path("slide-seg.ome.zarr")).name, probability_store(Path("a.b.zarr")).name
    ('slide-seg-prob.ome.zarr', 'a.b-prob.zarr')
    """
    length = len(next((ending for ending in (".ome.zarr", *ZARR) if out.name.lower().endswith(ending)), ""))
    cut = len(out.name) - length
    return out.with_name(f"{out.name[:cut]}-prob{out.name[cut:]}")


@contextmanager
def claim(out: Path, *more: Path, resume: bool, overwrite: bool) -> Iterator[Path]:
    """Create the work folder if needed, and lock it: no other process can work on the same result.

    Raise OutputError if the result, one of ``more`` (written along with it) or unfinished work exists and neither option is
    given, SettingsError if there is nothing to resume, and InUseError if another process holds the lock.
    """
    folder = work_folder(out)
    if resume and overwrite:
        raise SettingsError("Got both --resume and --overwrite: one continues the work, the other starts again. Give one.")
    is_begun = (folder / _PLAN).exists()
    if resume and not is_begun:
        found = f"{out} is finished" if out.exists() else f"there is no work folder {folder.name} next to it"
        raise SettingsError(f"{out}: there is nothing to resume: {found}. Leave out --resume.")
    for path in (out, *more):
        if path.exists() and not resume:
            _check_replaceable(path, overwrite)
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
    """Empty a work folder except for the lock.

    The plan goes last: it marks leftovers as unfinished work. The counts go before it: without them, a journal of finished
    chunks would lead to a result that has its name already.
    """
    for path in sorted(disk.list_folder(folder), key=lambda path: (path.name == _PLAN, path.name == _FINISHED)):
        if path.name != ".unseam.lock":
            remove(path)


def write_or_check_plan(folder: Path, plan: Mapping[str, Any], *, resume: bool) -> None:
    """Write the plan of new work, or check that resumed work has the same plan. Raise SettingsError with the differences."""
    text = json.dumps(plan, indent=1)
    if not resume:
        write_text_whole(folder / _PLAN, text)
        return
    try:
        before = json.loads((folder / _PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(f"{folder / _PLAN}: cannot be read. Give --overwrite to start again.") from error
    now = json.loads(text)
    changed = [name for name in now if now[name] != before.get(name)] if isinstance(before, dict) else list(now)
    if changed:
        differences = "; ".join(f"{name}: {_short(before.get(name))} before, {_short(now[name])} now" for name in changed[:3])
        raise SettingsError(
            f"This work was started differently ({differences}), and one result must be computed in one way. Give the model, "
            "image and options that it was started with, or --overwrite to start again."
        )


def write_finished(folder: Path, counts: Mapping[str, Any]) -> None:
    """Note that all of the result is complete, and its counts."""
    write_text_whole(folder / _FINISHED, json.dumps(counts))


def read_finished(folder: Path) -> dict[str, Any] | None:
    """Return the counts of :func:`write_finished`; None if the result is not complete."""
    try:
        found = json.loads((folder / _FINISHED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def publish(result: Path, out: Path) -> None:
    """Give a finished store its name, in place of an older result of ours. Nothing happens if an earlier run did."""
    if not result.exists():
        return
    try:
        older = name_beside(out) if out.exists() else None
        if older is not None:  # a folder cannot be renamed over another, and removing a large store first would take minutes
            disk.rename(out, older)
        disk.rename(result, out)
        sync_folder(out.parent)
        if older is not None:
            remove(older)
    except OSError as error:
        raise OutputError(
            f"{out}: the finished result, {result}, could not be renamed to this ({error.strerror}). Run the same command with "
            "--resume to try again."
        ) from error


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_replaceable(out: Path, overwrite: bool) -> None:
    if not overwrite:
        raise OutputError(f"{out} already exists. Give --overwrite to replace it, or another --out.")
    if out.is_dir():
        try:
            read_facts(out)
        except OutputError as error:
            raise OutputError(
                f"{out} was not written by unseam and may be an image, so it is not overwritten. Give another --out."
            ) from error


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
