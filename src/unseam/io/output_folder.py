"""A folder for the results of one command: created, locked, cleaned up, and removed again if nothing was written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unseam.io import disk
from unseam.io.lock import locked
from unseam.io.unfinished import remove_unfinished
from unseam.io.write import make_folders


def is_case_blind(folder: Path) -> bool:
    """Return whether the disk of a folder takes ``A.tif`` and ``a.tif`` for one file, as those of macOS and Windows do."""
    folder = folder.resolve()
    other = folder.with_name(folder.name.swapcase()) if folder.name else folder
    return other != folder and os.path.exists(other) and os.path.samefile(folder, other)


@contextmanager
def output_folder(out: Path, doing: str, *, is_shared: bool = False) -> Iterator[None]:
    """Create a folder for results, with its parents, and hold its lock (:func:`unseam.io.lock.locked`) during the block.

    What killed commands left unfinished is removed first. New folders that stay empty are removed at the end.

    Raises
    ------
    OutputError
        If the folder cannot be created or written to; :class:`~unseam.errors.InUseError` if another process holds it.
    """
    new = [folder for folder in (out, *out.parents) if not folder.exists()]
    make_folders(out)
    try:
        with locked(out, doing, is_shared=is_shared):
            remove_unfinished(out)
            yield
    finally:
        with suppress(OSError):  # only an empty folder can be removed
            for folder in new:
                disk.remove_folder(folder)
