"""A journal keeps what was added, returns nothing that was not written, and reports what it had to cut off."""

import base64
import errno
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from torture.disk_calls import failing, watched
from unseam.errors import OutputError
from unseam.io import remove_unfinished
from unseam.io.append_journal import AppendJournal, pack, unpack


def records(num: int, first: int = 0) -> list[dict[str, object]]:
    return [{"chunk": number, "words": "é\n" * (number % 3)} for number in range(first, first + num)]


def read(path: Path) -> tuple[list[dict[str, object]], str | None]:
    with AppendJournal(path) as journal:
        return list(journal.records()), journal.note


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of ten records, from two runs."""
    path = tmp_path / "journal"
    with AppendJournal(path) as journal:
        journal.append(records(3))
        journal.append(records(1, 3), is_synced=False)
        assert list(journal.records()) == records(4)
    with AppendJournal(path) as journal:
        assert journal.note is None
        journal.append(records(6, 4))
        journal.append([])
    return path


def test_added_records_are_read_back(path: Path) -> None:
    assert read(path) == (records(10), None)
    assert path.read_bytes().count(b"\n") == 11


def test_half_of_a_last_line_is_cut_off(path: Path) -> None:
    """Wherever the file ends, the whole lines are read, there is no note, and the journal continues."""
    sound = path.read_bytes()
    for length in range(len("unseam journal 1\n"), len(sound)):
        path.write_bytes(sound[:length])
        num = sound[:length].count(b"\n") - 1
        with AppendJournal(path) as journal:
            assert list(journal.records()) == records(num)
            assert journal.note is None
            journal.append(records(1, num))
        assert read(path) == (records(num + 1), None)


def test_any_bit_is_noticed(path: Path, rng: np.random.Generator) -> None:
    sound = path.read_bytes()
    for bit in rng.permutation(8 * len(sound))[:300]:
        damaged = bytearray(sound)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(damaged))
        line = sound[: bit // 8].count(b"\n")
        if line == 0:
            with pytest.raises(OutputError, match=r"not a journal.*Remove"):
                read(path)
            continue
        kept, note = read(path)
        assert kept == records(line - 1)
        assert note is None if line == 10 and not damaged.endswith(b"\n") else str(line - 1) in (note or "")
        assert read(path) == (kept, None)


@pytest.mark.parametrize("change", ["lost", "doubled", "swapped", "zeros"])
def test_lines_out_of_place(change: str, path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    if change == "lost":
        del lines[5]
    elif change == "doubled":
        lines.insert(5, lines[4])
    elif change == "swapped":
        lines[5], lines[6] = lines[6], lines[5]
    else:
        lines[5] = bytes(len(lines[5]))
    path.write_bytes(b"".join(lines))
    kept, note = read(path)
    assert kept == records(4)
    assert note is not None
    assert "record 4;" in note


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EIO])
def test_any_call_may_fail(reason: int, tmp_path: Path) -> None:
    """What was added before stays; nothing of a failed call is kept; a journal that failed accepts no more."""
    path, num, journal = tmp_path / "journal", 0, None
    for call in range(1, 30):
        remove_unfinished(tmp_path)
        with watched(failing(call, reason)) as calls:
            try:
                with AppendJournal(path) as journal:
                    for _ in range(2):
                        journal.append(records(2, num))
                        num += 2
            except OutputError as error:
                message = str(error)
                if journal is not None:
                    with pytest.raises(OutputError, match="Open it again"):
                        journal.append(records(1))
        if len(calls) < call:
            break
        assert str(path) in message
        assert os.strerror(reason) in message
        if path.exists():
            assert read(path) == (records(num), None)
    assert num >= 8


def test_half_a_line_that_could_not_be_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unseam.io import disk

    def write(descriptor: int, data: memoryview) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(descriptor, data[:7])

    def cut(descriptor: int, length: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with AppendJournal(path) as journal:
        monkeypatch.setattr(disk, "write", write)
        monkeypatch.setattr(disk, "cut", cut)
        with pytest.raises(OutputError, match="No space left on device"):
            journal.append(records(1, 10))
    monkeypatch.undo()
    assert read(path) == (records(10), None)


def test_order_of_calls(path: Path) -> None:
    with AppendJournal(path) as journal, watched() as calls:
        journal.append(records(2, 10))
        assert [name for name, _ in calls] == ["write", "sync"]
        calls.clear()
        journal.append(records(2, 12), is_synced=False)
        assert [name for name, _ in calls] == ["write"]
    with path.open("ab") as stream:
        stream.write(b"half")
    with watched() as calls:
        AppendJournal(path).close()
    assert [name for name, _ in calls] == ["open_to_append", "cut", "sync", "close"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    for content in (b"", b"a,b\n1,2\n", b"unseam journal 2\n", bytes(100)):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(OutputError, match=r"not a journal.*Remove"):
            AppendJournal(tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == content
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="ordinary file"):
        AppendJournal(tmp_path / "folder")
    with pytest.raises(OutputError, match="folder first"):
        AppendJournal(tmp_path / "absent" / "a")
    text = b"[1]"
    (tmp_path / "a").write_bytes(b"unseam journal 1\n%08x %s\n" % (zlib.crc32(text, zlib.crc32(b"unseam journal 1\n")), text))
    with AppendJournal(tmp_path / "a") as journal, pytest.raises(OutputError, match="Remove"):
        list(journal.records())


ARRAYS = hnp.arrays(
    st.one_of(
        hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(endianness="<"), st.just(np.dtype(bool))
    ),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
)


@given(ARRAYS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrays_come_back(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "journal"
    path.unlink(missing_ok=True)
    with AppendJournal(path) as journal:
        journal.append([{"edge": pack(array)}])
    back = unpack(read(path)[0][0]["edge"])
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable


def test_values_that_are_no_array() -> None:
    good = pack(np.arange(6, dtype=np.uint16).reshape(2, 3))
    bomb = base64.b64encode(zlib.compress(bytes(10**7))).decode()
    for change in (
        {"dtype": "O"}, {"dtype": "<u3"}, {"dtype": "|V8"}, {"dtype": None}, {"shape": [2, 4]}, {"shape": [-2, -3]},
        {"shape": [2.0, 3]}, {"shape": [2**39, 2**39]}, {"shape": [True, 6]}, {"shape": None}, {"shape": 6},
        {"zlib-base64": "?"},
        {"zlib-base64": ""}, {"zlib-base64": None}, {"zlib-base64": bomb}, {"zlib-base64": good["zlib-base64"][:-8]},
        {"zlib-base64": "é"}, {"shape": [1] * 9},
    ):  # fmt: skip
        with pytest.raises(OutputError, match="no array"):
            unpack({**good, **change})
    for about in (None, [], 3, {}):
        with pytest.raises(OutputError, match="no array"):
            unpack(about)
