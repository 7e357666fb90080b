"""A folder for the results of one command: made, locked, swept, and removed again if nothing was written."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unseam.io import disk
from unseam.io.lock import locked
from unseam.io.unfinished import remove_unfinished
from unseam.io.write import make_folders


@contextmanager
def output_folder(out: Path, doing: str, *, is_shared: bool = False) -> Iterator[None]:
    """Hold a folder for results from before anything is computed until the last of them is written.

    It removes what killed commands left half written. Folders that were made for this and stay empty are removed at the end.

    Parameters
    ----------
    out
        The folder; it is made, with its parents.
    doing, is_shared
        As for :func:`unseam.io.lock.locked`.

    Raises
    ------
    OutputError
        If it cannot be made or written into; :class:`~unseam.errors.InUseError` if another process holds it.
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
