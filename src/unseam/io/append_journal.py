"""A journal of finished work: a file that only grows, one record and one checksum per line.

::

    unseam journal 1
    5d41402a {"chunk": 0, "time": 1.5}
    7d793037 {"chunk": 1, "time": 1.4}

The checksum of a line covers everything before it, so a lost, doubled or misplaced line is noticed like a flipped bit. What
follows the first damaged line is not trusted: it is cut off, and its work is done again.
"""

import base64
import binascii
import json
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from unseam.errors import OutputError
from unseam.io import disk
from unseam.io.write import append_bytes, naming, write_bytes_whole

_HEADER = b"unseam journal 1\n"
_LONGEST_LINE = 2**26
_LARGEST_ARRAY = 2**28
_TYPES = re.compile(r"[<|][uif][1248]|\|b1")


class AppendJournal:
    """A journal, open for reading and appending; its owner ensures that one process at a time opens it (:mod:`unseam.io.lock`).

    ``note`` tells the user about damage that was cut off. A killed process leaves at most half of an unread last line, which is
    no damage: ``note`` stays None.

    Parameters
    ----------
    path
        The file; created if it is absent.

    Raises
    ------
    OutputError
        If the file cannot be read or written, or is not a journal.

    Examples
    --------
    >>> with AppendJournal(folder / "journal") as journal:  # doctest: +SKIP
    ...     done = {record["chunk"] for record in journal.records()}
    ...     journal.append([{"chunk": 7}])
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.note: str | None = None
        self._descriptor: int | None = None
        with naming(path):
            if not path.exists():
                write_bytes_whole(path, _HEADER)  # whole, so that a kill leaves no journal with half a header
            elif not path.is_file():  # opening a pipe could hang
                raise OutputError(f"{path}: this is not an ordinary file, so not a journal. Remove it to start again.")
            self._num_lines, self._length, self._sum = self._find_sound_part()
            self._descriptor = disk.open_to_append(path)
            try:
                # before the first append, or the new record would join the half line of a killed process
                self._cut_off_rest()
            except BaseException:
                self.close()
                raise

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield all records in the order in which they were added, read from the file one by one."""
        with naming(self.path), self.path.open("rb") as stream:
            stream.readline(_LONGEST_LINE)
            for _ in range(self._num_lines):
                try:
                    yield dict(json.loads(stream.readline(_LONGEST_LINE)[9:]))
                except (ValueError, TypeError, RecursionError) as error:
                    raise OutputError(f"{self.path}: it holds a foreign record. Remove it to start again.") from error

    def append(self, records: Iterable[Mapping[str, Any]], *, is_synced: bool = True) -> None:
        """Add records; when this returns they are on the disk.

        Parameters
        ----------
        records
            JSON values; arrays go through :func:`pack`.
        is_synced
            If False, the records survive a killed process, but a power cut only after the next synced call.

        Raises
        ------
        OutputError
            If the records cannot be written. None of them is added, and this journal accepts no more: open it again.
        """
        if self._descriptor is None:
            raise OutputError(f"{self.path}: the journal is closed, or a write failed, so it takes no more. Open it again.")
        lines, total = [], self._sum
        for record in records:
            text = json.dumps(dict(record), separators=(",", ":"), allow_nan=False).encode()
            assert len(text) < _LONGEST_LINE - 10
            total = zlib.crc32(text, total)
            lines.append(b"%08x %s\n" % (total, text))
        data = b"".join(lines)
        try:
            append_bytes(self.path, self._descriptor, data, is_synced=is_synced)
        except BaseException:
            self._give_up()
            raise
        # only now: after a failed write the old sum and length still describe the file
        self._sum, self._length, self._num_lines = total, self._length + len(data), self._num_lines + len(lines)

    def close(self) -> None:
        """Close the file; a power cut may still lose what was added without sync."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with naming(self.path):
                disk.close(descriptor)

    def __enter__(self) -> "AppendJournal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _find_sound_part(self) -> tuple[int, int, int]:
        """Return the number of sound lines, the byte at which they end, and the checksum up to there."""
        with self.path.open("rb") as stream:
            if stream.readline(len(_HEADER)) != _HEADER:
                raise OutputError(f"{self.path}: this is not a journal, or its header is damaged. Remove it to start again.")
            num, end, total = 0, len(_HEADER), zlib.crc32(_HEADER)
            while (after := _check_line(stream, total)) is not None:
                num, end, total = num + 1, stream.tell(), after
            return num, end, total

    def _cut_off_rest(self) -> None:
        """Remove what follows the sound part; note it if it is more than half a line."""
        assert self._descriptor is not None
        size = self.path.stat().st_size
        if size == self._length:
            return
        with self.path.open("rb") as stream:
            stream.seek(self._length)
            # a kill during a write leaves one line without an end; anything else means that the disk lost or changed data
            is_half_a_line = b"\n" not in stream.read(_LONGEST_LINE) and size - self._length < _LONGEST_LINE
        if not is_half_a_line:
            self.note = (
                f"{self.path}: damaged after record {self._num_lines:,}; the {size - self._length:,} bytes after it are not "
                "used, and their work is done again"
            )
        disk.cut(self._descriptor, self._length)
        disk.sync(self._descriptor)

    def _give_up(self) -> None:
        """Cut off all of a failed write, if possible: how much of it reached the disk is unknown."""
        descriptor, self._descriptor = self._descriptor, None
        assert descriptor is not None
        with suppress(OSError):  # if this fails, the next process to open the journal finds the damaged line and cuts it off
            disk.cut(descriptor, self._length)
        with suppress(OSError):
            disk.close(descriptor)


def _check_line(stream: IO[bytes], before: int) -> int | None:
    """Read a line and return the checksum at its end; None if the line is damaged."""
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    total = zlib.crc32(line[9:-1], before)
    return total if line[:8] == b"%08x" % total else None


def pack(array: np.ndarray) -> dict[str, Any]:
    """Turn an array into a JSON value: type, shape, and the compressed numbers.

    >>> unpack(pack(np.arange(3, dtype=np.uint16)))
    array([0, 1, 2], dtype=uint16)
    """
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    assert _TYPES.fullmatch(little.dtype.str)
    assert little.nbytes <= _LARGEST_ARRAY
    data = base64.b64encode(zlib.compress(little.tobytes(), 1)).decode()
    return {"dtype": little.dtype.str, "shape": list(little.shape), "zlib-base64": data}


def unpack(about: Any) -> np.ndarray:
    """Return the array that :func:`pack` packed, writable.

    It never allocates more than the stated type and shape need, nor more than 256 MiB. Raises OutputError if ``about`` holds no
    array.
    """
    try:
        kind, shape, text = about["dtype"], about["shape"], about["zlib-base64"]
        if _TYPES.fullmatch(kind) and all(type(side) is int and 0 <= side < 2**40 for side in shape) and len(shape) <= 8:
            dtype = np.dtype(kind)
            num_bytes = math.prod(shape) * dtype.itemsize
            if num_bytes <= _LARGEST_ARRAY:
                unpacker = zlib.decompressobj()
                # one byte more than promised: enough to notice too much data, too little for a bomb to fill the memory
                data = unpacker.decompress(base64.b64decode(text, validate=True), num_bytes + 1)
                if len(data) == num_bytes and unpacker.eof and not unpacker.unused_data:
                    return np.frombuffer(bytearray(data), dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
    except (LookupError, TypeError, ValueError, binascii.Error, zlib.error):
        pass
    raise OutputError("A record of the journal holds no array where one is expected. Remove the journal to start again.")
