"""Decoding apart: files whose codec could crash, hang or fill the memory are read by a process of their own.

JPEG, JPEG 2000 and WebP are decoded by libraries in C that have had faults on damaged input, and will have more. The process
that runs them is started at the first such file, is given one file after the other, and hands back numbers, never objects. If
it dies or takes too long, that file is refused and the next one gets a new process. All else (plain numbers, LZW, Deflate,
PackBits, Zstandard, PNG, GIF, BMP) is decoded in this process, under the caps of :mod:`unseam.io.guard`.

What remains: the limits on processor time and memory are the operating system's. Linux keeps both, macOS that of time only,
Windows none; there the clock alone ends a decoder that hangs. The process has the rights of the user: it guards against
accidents and exhaustion, not against a decoder that has been taken over. Where no process can be started, the file is
decoded here.
"""

import atexit
import functools
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from unseam.errors import ImageReadError, LabelError, UnseamError
from unseam.io.guard import most_decoded_bytes
from unseam.io.image_file import ImageFile

HELLO = b"unseam decoder 1\n"
_CODE = "import sys; sys.path[:] = sys.argv[1:]; from unseam.io.decoder_main import answer_tasks; answer_tasks()"
_LEAST_SECONDS, _LEAST_BYTES = 10, 256 * 2**20
_SLOWEST = 2_000_000  # bytes that an old machine decodes in a second
_START_SECONDS = 60.0
_PATIENCE = (6.0, 60.0)  # by the clock: so many times the seconds granted, and so many more; a machine may sleep, or be busy


class DecoderDidNotStart(Exception):
    """There is no process to decode in; the caller decodes itself."""


class DecoderProcess:
    """One process that decodes one file at a time; started when it is first needed, and again after it died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def read(self, path: Path, is_labels: bool, promised: int) -> ImageFile:
        """Have a file read as an image or a label map.

        Parameters
        ----------
        promised
            Bytes that its header says it decodes to; they determine the time and the memory that it gets.

        Raises
        ------
        ImageReadError, LabelError
            From the reader; or if its decoder died or took too long.
        DecoderDidNotStart
            If no process can be started.
        """
        seconds = _LEAST_SECONDS + min(promised // _SLOWEST, 60 + 20 * path.stat().st_size // 10**6)
        grant = _LEAST_BYTES + min(4 * promised, most_decoded_bytes())
        task = {"path": str(path.absolute()), "labels": is_labels, "seconds": seconds, "bytes": grant}
        with self._lock:
            process = self._running()
            try:
                return self._ask(process, path, task)
            except UnseamError:  # the reader's own answer
                raise
            except (OSError, EOFError, ValueError) as error:
                code = self._ended(process)
                raise ImageReadError(
                    path,
                    f"its decoder crashed, or did not end within {seconds} s or {grant / 1e6:,.0f} MB (exit code {code}); the "
                    "file is damaged: copy it again, or open it in Fiji and save it as TIFF without compression",
                ) from error
            except BaseException:  # Ctrl-C: the answer will still come, and must not be taken for that of the next file
                self._ended(process)
                raise

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            if self._process is not None and self._owner == os.getpid():
                self._ended(self._process)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._owner != os.getpid():  # this is a fork: the other one's pipes are not ours
            self._process = None
        if self._process is not None and self._process.poll() is not None:
            self._ended(self._process)
        if self._process is None:
            self._process, self._owner = _started(), os.getpid()
        return self._process

    def _ask(self, process: "subprocess.Popen[bytes]", path: Path, task: dict[str, Any]) -> ImageFile:
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(_PATIENCE[0] * task["seconds"] + _PATIENCE[1], process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline() or b"null")
            if not isinstance(answer, dict):
                raise EOFError
            pixels = None if "reason" in answer else _received(process.stdout, answer)
        finally:
            watchdog.cancel()
        if pixels is None:
            reason = answer["reason"]
            raise LabelError(f"{path}: {reason}", path) if answer["is_label_error"] else ImageReadError(path, reason)
        spacing = answer["spacing_um"]
        return ImageFile(pixels, answer["axes"], (spacing[0], spacing[1]) if spacing else None, path, tuple(answer["notes"]))

    def _ended(self, process: "subprocess.Popen[bytes]") -> int:
        """Kill it if it lives and close its pipes; return its exit code."""
        self._process = None
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not sent cannot be sent any more
                    pipe.close()
        return process.wait()


@functools.cache
def shared_decoder() -> DecoderProcess:
    """The decoder of this process; it ends with it."""
    one = DecoderProcess()
    atexit.register(one.close)
    return one


def _received(stream: IO[bytes], answer: dict[str, Any]) -> np.ndarray:
    """The pixels after an answer, read straight into their array; nothing is unpickled."""
    pixels = np.empty(answer["shape"], np.dtype(answer["dtype"]))
    rest = pixels.reshape(-1).view(np.uint8).data
    while rest:
        num_read = stream.readinto(rest)  # type: ignore[attr-defined]
        if not num_read:
            raise EOFError
        rest = rest[num_read:]
    return pixels


def _started() -> "subprocess.Popen[bytes]":
    if getattr(sys, "frozen", False) or not sys.executable:
        raise DecoderDidNotStart  # sys.executable would be the whole program, not Python
    words = [sys.executable, "-I", "-c", _CODE, *sys.path]
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        process = subprocess.Popen(  # noqa: S603 - this Python, this package
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, creationflags=flags
        )
    except OSError as error:
        raise DecoderDidNotStart from error
    assert process.stdout is not None
    watchdog = threading.Timer(_START_SECONDS, process.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        hello = process.stdout.readline()
    finally:
        watchdog.cancel()
    if hello != HELLO:
        process.kill()
        process.communicate()
        raise DecoderDidNotStart
    return process
