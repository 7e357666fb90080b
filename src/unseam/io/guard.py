"""The fence around other people's decoders: whatever they raise becomes one kind of error that names the file."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unseam.errors import ImageReadError, UnseamError

MAX_DECODED_BYTES = 16 * 2**30
"""Largest image that is decoded into memory. A header that asks for more is treated as damaged or hostile."""


@contextmanager
def decoding(path: Path, what: str) -> Iterator[None]:
    """Run a foreign decoder; every failure becomes an :class:`~unseam.errors.ImageReadError`.

    Decoders raise two dozen kinds of exceptions on damaged files; only this function catches all of them. ``what`` names the
    format for the message: "PNG picture".
    """
    try:
        yield
    except UnseamError:
        raise
    except MemoryError as error:
        raise ImageReadError(path, f"the {what} does not fit into memory; crop it or close other programs") from error
    except (Exception, SystemExit) as error:  # a library that exits would end the work on all other files, without a word
        if isinstance(error, OSError) and error.errno is not None:  # the disk or the rights, not the content
            raise ImageReadError(path, f"cannot be read ({error.strerror})") from error
        detail = " ".join(str(error).split())[:200]
        raise ImageReadError(
            path,
            f"no readable {what}: damaged, cut short or of an unsupported kind ({type(error).__name__}: {detail}). Copy the "
            "file again, or open it in Fiji and save it as TIFF",
        ) from error


_LARGEST_POINTER = 1024  # bytes
_POINTERS = {
    b"version https://git-lfs": "git lfs pull",
    b"/annex/objects/": "git annex get",
    b"../.git/annex/": "git annex get",
    b".git/annex/": "git annex get",
}
"""What such a file begins with, and the command that fetches its content."""


def status_of(path: Path) -> os.stat_result:
    """Return the status of a file or folder. Raises ImageReadError if it is absent or access is denied."""
    try:
        return os.stat(path)
    except FileNotFoundError as error:
        if os.path.islink(path):
            where = os.readlink(path)
            remedy = "mount its disk, fetch the content (git annex get, dvc pull), or put the file itself there"
            raise ImageReadError(path, f"this link leads to {where}, and nothing is there; {remedy}") from error
        raise ImageReadError(path, "there is no such file; check the name and the folder") from error
    except (OSError, ValueError) as error:
        raise ImageReadError(path, f"cannot be read ({getattr(error, 'strerror', None) or error})") from error


def check_regular(path: Path, status: os.stat_result) -> None:
    """Refuse a folder, an empty file, and a pipe or a device, which could hang or never end. Raises ImageReadError."""
    if stat.S_ISDIR(status.st_mode):
        raise ImageReadError(path, "this is a folder, not an image file; give the files in it")
    if not stat.S_ISREG(status.st_mode):
        raise ImageReadError(path, "this is not an ordinary file but a pipe or a device; copy the image to a file")
    if status.st_size == 0:
        raise ImageReadError(path, "the file is empty (0 bytes); copy or export it again")
    if status.st_size < _LARGEST_POINTER and (remedy := _pointer(path)):
        raise ImageReadError(path, f"this file only says where the image is stored; fetch the image: {remedy}")


def _pointer(path: Path) -> str:
    """Return how to fetch the content of a file that a version control system keeps elsewhere; empty for any other file."""
    try:
        with path.open("rb") as file:
            head = file.read(200)
    except OSError:  # reading the file itself will say so
        return ""
    return next((remedy for start, remedy in _POINTERS.items() if head.startswith(start)), "")


def most_decoded_bytes() -> int:
    """Return the bytes that one image may decode to: :data:`MAX_DECODED_BYTES`, or half of the machine's memory if less."""
    try:
        return min(MAX_DECODED_BYTES, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    except (AttributeError, ValueError, OSError):  # Windows, or a system that does not state it
        return MAX_DECODED_BYTES


def check_size(path: Path, num_bytes: int) -> None:
    """Refuse an image that would decode to more than :func:`most_decoded_bytes`. Raises ImageReadError with both sizes."""
    most = most_decoded_bytes()
    if num_bytes > most:
        raise ImageReadError(
            path,
            f"would take {num_bytes / 2**30:,.1f} GiB in memory; at most {most / 2**30:.1f} GiB may be read at once; cut it "
            "into parts, or segment it part by part: unseam predict MODEL IMAGE --out NAME.ome.zarr",
        )
