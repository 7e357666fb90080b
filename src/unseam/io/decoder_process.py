"""Decoding in a separate process: for files whose codec could crash, hang or fill the memory.

JPEG, JPEG 2000 and WebP are decoded by libraries in C that have had faults on damaged input, and will have more. The process
that runs them starts at the first such file, gets one file after another, and returns numbers, never objects. If it dies or
takes too long, that file is refused and the next one gets a new process. Everything else (plain numbers, LZW, Deflate,
PackBits, Zstandard, PNG, GIF, BMP) is decoded in the calling process, under the caps of :mod:`unseam.io.guard`.

The operating system enforces the limits on processor time and memory: Linux both, macOS only time, Windows neither; there only
the clock ends a decoder that hangs. The process has the rights of the user: it guards against accidents and exhaustion, not
against a decoder that an attacker controls. Where no process can be started, the caller decodes the file itself.
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
from unseam.io.calibration import calibration_from
from unseam.io.guard import most_decoded_bytes
from unseam.io.image_file import ImageFile

HELLO = b"unseam decoder 1\n"
_CODE = "import sys; sys.path[:] = sys.argv[1:]; from unseam.io.decoder_main import answer_tasks; answer_tasks()"
_LEAST_SECONDS, _LEAST_BYTES = 10, 256 * 2**20
_SLOWEST = 2_000_000  # bytes that an old machine decodes per second
_START_SECONDS = 60.0
_PATIENCE = (6.0, 60.0)  # the clock allows 6 x the granted processor seconds + 60: a machine may be busy, or sleep


class DecoderDidNotStart(Exception):
    """No process could be started; the caller decodes the file itself."""


class DecoderProcess:
    """One process that decodes one file at a time. It starts when it is first needed, and again after it died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def read(self, path: Path, is_labels: bool, promised: int) -> ImageFile:
        """Let the process read a file as an image or a label map.

        ``promised`` is the number of bytes that the file's header promises; it determines the granted time and memory.

        Raises
        ------
        ImageReadError, LabelError
            From the reader; or if its decoder died or took too long.
        DecoderDidNotStart
            If no process can be started.
        """
        # the second bound: a small file whose header promises gigabytes must not buy hours
        seconds = _LEAST_SECONDS + min(promised // _SLOWEST, 60 + 20 * path.stat().st_size // 10**6)
        grant = _LEAST_BYTES + min(4 * promised, most_decoded_bytes())
        task = {"path": str(path.absolute()), "labels": is_labels, "seconds": seconds, "bytes": grant}
        with self._lock:
            process = self._ensure_process()
            try:
                return self._ask(process, path, task)
            except UnseamError:  # the reader's own answer: the process is sound and stays
                raise
            except (OSError, EOFError, ValueError) as error:
                code = self._end(process)
                raise ImageReadError(
                    path,
                    f"its decoder crashed, or did not end within {seconds} s or {grant / 1e6:,.0f} MB (exit code {code}); the "
                    "file is damaged: copy it again, or open it in Fiji and save it as TIFF without compression",
                ) from error
            except BaseException:  # Ctrl-C: the answer would still arrive, and be read as that of the next file
                self._end(process)
                raise

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            if self._process is not None and self._owner == os.getpid():
                self._end(self._process)

    def _ensure_process(self) -> "subprocess.Popen[bytes]":
        # after a fork two processes would share the pipes and read each other's answers
        if self._process is not None and self._owner != os.getpid():
            self._process = None
        if self._process is not None and self._process.poll() is not None:
            self._end(self._process)
        if self._process is None:
            self._process, self._owner = _start_process(), os.getpid()
        return self._process

    def _ask(self, process: "subprocess.Popen[bytes]", path: Path, task: dict[str, Any]) -> ImageFile:
        assert process.stdin is not None
        assert process.stdout is not None
        # a decoder that waits uses no processor time, so the system's limit never ends it; killing it ends the read below
        watchdog = threading.Timer(_PATIENCE[0] * task["seconds"] + _PATIENCE[1], process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline() or b"null")
            if not isinstance(answer, dict):
                raise EOFError
            pixels = None if "reason" in answer else _receive_pixels(process.stdout, answer)
        finally:
            watchdog.cancel()
        if pixels is None:
            reason = answer["reason"]
            raise LabelError(f"{path}: {reason}", path) if answer["is_label_error"] else ImageReadError(path, reason)
        palette = answer["palette"]
        return ImageFile(
            pixels,
            answer["axes"],
            calibration_from(answer["calibration"]),
            path,
            tuple(answer["notes"]),
            None if palette is None else np.array(palette, np.uint8),
        )

    def _end(self, process: "subprocess.Popen[bytes]") -> int:
        """Kill the process if it lives and close its pipes; return its exit code."""
        self._process = None
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # closing flushes what the dead process cannot take any more
                    pipe.close()
        return process.wait()


@functools.cache
def shared_decoder() -> DecoderProcess:
    """Return the one decoder of this process; it ends with it."""
    decoder = DecoderProcess()
    atexit.register(decoder.close)
    return decoder


def _receive_pixels(stream: IO[bytes], answer: dict[str, Any]) -> np.ndarray:
    """Read the pixels after an answer straight into their array; nothing is unpickled."""
    pixels = np.empty(answer["shape"], np.dtype(answer["dtype"]))
    rest = pixels.reshape(-1).view(np.uint8).data
    while rest:
        num_read = stream.readinto(rest)  # type: ignore[attr-defined]
        if not num_read:
            raise EOFError
        rest = rest[num_read:]
    return pixels


def _start_process() -> "subprocess.Popen[bytes]":
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
