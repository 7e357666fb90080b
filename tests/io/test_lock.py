"""One process at a time writes into a folder, and a dead one blocks no other."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from unseam.errors import InUseError, OutputError
from unseam.io.lock import LOCK_NAME, locked

HOLD = "import sys; from pathlib import Path; from unseam.io.lock import locked\n"
HOLD += "with locked(Path(sys.argv[1]), 'training'): print('has it', flush=True); sys.stdin.read()"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="other locks there")


def holder(folder) -> subprocess.Popen:
    words = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "has it\n"
    return process


def test_no_file_is_left(tmp_path):
    with locked(tmp_path, "training"):
        assert [path.name for path in tmp_path.iterdir()] == [LOCK_NAME]
    assert not list(tmp_path.iterdir())


def test_the_error_names_the_holder(tmp_path):
    with locked(tmp_path, "training"), pytest.raises(InUseError) as caught, locked(tmp_path, "prediction"):
        pass
    for fact in (tmp_path, f"process {os.getpid()} on {socket.gethostname()}, training for 0 s", "--out"):
        assert str(fact) in str(caught.value)


@POSIX
def test_a_killed_process_blocks_no_other(tmp_path):
    with holder(tmp_path) as process:
        with pytest.raises(InUseError, match=f"process {process.pid} "), locked(tmp_path, "training"):
            pass
        process.kill()
        process.wait()
        assert (tmp_path / LOCK_NAME).exists()
        with locked(tmp_path, "training"):
            assert json.loads((tmp_path / LOCK_NAME).read_text())["pid"] == os.getpid()
    assert not list(tmp_path.iterdir())


@POSIX
def test_sharing(tmp_path):
    with locked(tmp_path, "prediction", is_shared=True):
        with locked(tmp_path, "prediction", is_shared=True), pytest.raises(InUseError), locked(tmp_path, "training"):
            pass
        assert (tmp_path / LOCK_NAME).exists()
        with pytest.raises(InUseError), locked(tmp_path, "training"):
            pass
    with locked(tmp_path, "training"), pytest.raises(InUseError), locked(tmp_path, "prediction", is_shared=True):
        pass
    assert not list(tmp_path.iterdir())


def test_threads_exclude_each_other(tmp_path):
    """They do so even while the lock file is removed and created again all the time."""
    inside, most, got = [], [0], [0]

    def work():
        for _ in range(100):
            try:
                with locked(tmp_path, "training"):
                    inside.append(1)
                    most[0] = max(most[0], len(inside))
                    got[0] += 1
                    time.sleep(0)
                    inside.pop()
            except InUseError:
                pass

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert got[0] > 0


@pytest.mark.parametrize("text", [b"", b"\xff\n", b"[]", b'{"pid": "x"}', b'{"pid": 1e99, "host": "h"}', b"[" * 70_000])
def test_a_lock_file_without_a_name(tmp_path, text):
    with locked(tmp_path, "training"):
        (tmp_path / LOCK_NAME).write_bytes(text)
        with pytest.raises(InUseError, match="another process"), locked(tmp_path, "training"):
            pass


def test_the_text_of_the_lock_file_is_made_harmless_and_short(tmp_path):
    holder = {"pid": 1, "host": "far\x1b[2J\u202e" + "x" * 1000, "since": time.time() + 1000, "doing": "a\nb"}
    with locked(tmp_path, "training"):
        (tmp_path / LOCK_NAME).write_text(json.dumps(holder))
        with pytest.raises(InUseError) as caught, locked(tmp_path, "training"):
            pass
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 500
    assert "process 1 on far?[2J?xxx" in message
    assert "a?b. " in message  # "since" is in the future, as after the clock was set back: no duration


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)
    words = "Permission denied.*--out"
    with pytest.raises(OutputError, match=words), locked(tmp_path, "training"):
        pass


@POSIX
@pytest.mark.parametrize("make", [os.mkfifo, lambda p: p.symlink_to(p.parent / "elsewhere"), lambda p: p.mkdir()])
def test_something_else_of_that_name(tmp_path, make):
    make(tmp_path / LOCK_NAME)
    with pytest.raises(OutputError), locked(tmp_path, "training"):
        pass
    assert not (tmp_path / "elsewhere").exists()


@POSIX
def test_a_disk_without_locks_is_no_reason_not_to_work(tmp_path, monkeypatch):
    import fcntl

    def unknown(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unknown)
    with locked(tmp_path, "training"), locked(tmp_path, "training"):
        pass
    assert not list(tmp_path.iterdir())
