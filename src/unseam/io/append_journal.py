"""A journal of finished work, line by line: a file that only grows, each line with its check sum.

::

    unseam journal 1
    5d41402a {"chunk": 0, "time": 1.5}
    7d793037 {"chunk": 1, "time": 1.4}

The check sum of a line covers everything before it, so a line that is lost, doubled or out of place is noticed like a flipped
bit. What follows the first unsound line is not trusted: it is cut off, and its work is done again.
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
    """A journal, open for reading and appending; one process at a time, which its owner ensures (:mod:`unseam.io.lock`).

    Parameters
    ----------
    path
        The file; created if it is absent.

    Attributes
    ----------
    note
        Damage that was cut off, for the user; None after a run that ended or was killed, which leaves at most half of a last
        line that no one has seen.

    Raises
    ------
    OutputError
        If the file cannot be read or written, or is no journal.

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
                write_bytes_whole(path, _HEADER)
            elif not path.is_file():  # a pipe could hang
                raise OutputError(f"{path}: this is no ordinary file, and no journal. Remove it to start again.")
            self._num_lines, self._length, self._sum = self._sound_part()
            self._descriptor = disk.open_to_append(path)
            try:
                self._cut_off()
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
                    raise OutputError(f"{self.path}: a record that was not written here. Remove it to start again.") from error

    def append(self, records: Iterable[Mapping[str, Any]], *, is_synced: bool = True) -> None:
        """Add records; when this returns they are on the disk.

        Parameters
        ----------
        records
            JSON values; arrays :func:`packed`.
        is_synced
            Otherwise they survive a killed process, but a power cut only after the next call that syncs.

        Raises
        ------
        OutputError
            If they cannot be written: none of them is added, and this journal takes no more. Open it again to continue.
        """
        if self._descriptor is None:
            raise OutputError(
                f"{self.path}: this journal takes no more records: it is closed, or could not be written. Go on anew."
            )
        lines, total, num = [], self._sum, 0
        for record in records:
            text = json.dumps(dict(record), separators=(",", ":"), allow_nan=False).encode()
            assert len(text) < _LONGEST_LINE - 10
            total = zlib.crc32(text, total)
            lines.append(b"%08x %s\n" % (total, text))
            num += 1
        data = b"".join(lines)
        try:
            append_bytes(self.path, self._descriptor, data, is_synced=is_synced)
        except BaseException:
            self._give_up()
            raise
        self._sum, self._length, self._num_lines = total, self._length + len(data), self._num_lines + num

    def close(self) -> None:
        """Close the file; what was added without sync may still be lost in a power cut."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with naming(self.path):
                disk.close(descriptor)

    def __enter__(self) -> "AppendJournal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _sound_part(self) -> tuple[int, int, int]:
        """Number of sound lines, their end, and the check sum up to there."""
        with self.path.open("rb") as stream:
            if stream.readline(len(_HEADER)) != _HEADER:
                raise OutputError(
                    f"{self.path}: this is no journal of a run, or its beginning is damaged. Remove it to start again."
                )
            num, end, total = 0, len(_HEADER), zlib.crc32(_HEADER)
            while (after := _sum_of(stream, total)) is not None:
                num, end, total = num + 1, stream.tell(), after
            return num, end, total

    def _cut_off(self) -> None:
        """Remove what follows the sound part; note it if it is more than half of one line."""
        assert self._descriptor is not None
        size = self.path.stat().st_size
        if size == self._length:
            return
        with self.path.open("rb") as stream:
            stream.seek(self._length)
            is_half_a_line = b"\n" not in stream.read(_LONGEST_LINE) and size - self._length < _LONGEST_LINE
        if not is_half_a_line:
            self.note = (
                f"{self.path}: damaged after record {self._num_lines:,}; the {size - self._length:,} bytes behind it are not "
                "used, and the work that they told of is done again"
            )
        disk.cut(self._descriptor, self._length)
        disk.sync(self._descriptor)

    def _give_up(self) -> None:
        """After a failed write it is unknown what reached the disk: cut all of it off, if that is possible."""
        descriptor, self._descriptor = self._descriptor, None
        assert descriptor is not None
        with suppress(OSError):  # if not, the next one who opens it sees that the last line is not sound
            disk.cut(descriptor, self._length)
        with suppress(OSError):
            disk.close(descriptor)


def _sum_of(stream: IO[bytes], before: int) -> int | None:
    """Check sum at the end of a line; None if the line is not sound."""
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    total = zlib.crc32(line[9:-1], before)
    return total if line[:8] == b"%08x" % total else None


def pack(array: np.ndarray) -> dict[str, Any]:
    """Make a JSON value of an array: type, shape, and the numbers compressed.

    >>> unpacked(packed(np.arange(3, dtype=np.uint16)))
    array([0, 1, 2], dtype=uint16)
    """
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    assert _TYPES.fullmatch(little.dtype.str)
    assert little.nbytes <= _LARGEST_ARRAY
    data = base64.b64encode(zlib.compress(little.tobytes(), 1)).decode()
    return {"dtype": little.dtype.str, "shape": list(little.shape), "zlib-base64": data}


def unpack(about: Any) -> np.ndarray:
    """Return the array of :func:`packed`, writable.

    Raises
    ------
    OutputError
        If it is none: nothing is made that is larger than its own type and shape say, or than 256 MiB.
    """
    try:
        kind, shape, text = about["dtype"], about["shape"], about["zlib-base64"]
        if _TYPES.fullmatch(kind) and all(type(side) is int and 0 <= side < 2**40 for side in shape) and len(shape) <= 8:
            dtype = np.dtype(kind)
            num_bytes = math.prod(shape) * dtype.itemsize
            if num_bytes <= _LARGEST_ARRAY:
                unpacker = zlib.decompressobj()
                data = unpacker.decompress(base64.b64decode(text, validate=True), num_bytes + 1)
                if len(data) == num_bytes and unpacker.eof and not unpacker.unused_data:
                    return np.frombuffer(bytearray(data), dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
    except (LookupError, TypeError, ValueError, binascii.Error, zlib.error):
        pass
    raise OutputError("A record of the journal holds no array where there should be one. Remove the journal to start again.")
