"""The program that :mod:`unseam.io.decoder_process` runs: it reads one file after another under limits and sends numbers."""

import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from unseam.errors import ImageReadError, LabelError
from unseam.io import READERS
from unseam.io.decoder_process import HELLO


def answer_tasks() -> None:
    """Answer tasks, one line of JSON each, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the pipe
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what libraries print must not mix with the answers
        answers.write(HELLO)
        answers.flush()
        for line in sys.stdin.buffer:
            _answer(json.loads(line), answers)
            answers.flush()


def _answer(task: dict[str, Any], answers: IO[bytes]) -> None:
    path = Path(task["path"])
    limit_process(task["seconds"], task["bytes"])
    reader = next(reader for reader in READERS if reader.can_read(path))
    answer: dict[str, Any]
    pixels = np.empty(0, np.uint8)
    try:
        file = (reader.read_labels if task["labels"] else reader.read_image)(path)
    except (ImageReadError, LabelError) as error:
        answer = {"reason": str(error).removeprefix(f"{path}: "), "is_label_error": isinstance(error, LabelError)}
    else:
        pixels = np.ascontiguousarray(file.pixels)
        answer = {"shape": pixels.shape, "dtype": pixels.dtype.str, "axes": file.axes}
        answer |= {"calibration": asdict(file.calibration), "notes": file.notes}
        answer |= {"palette": None if file.palette is None else file.palette.tolist()}
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.write(pixels.reshape(-1).view(np.uint8).data)


def limit_process(seconds: int, num_bytes: int) -> None:
    """Make the system end this process when the file takes more time or memory than it was granted."""
    try:
        import resource
    except ImportError:  # Windows
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    with suppress(ValueError, OSError):  # the user has set a stricter limit
        most = int(used.ru_utime + used.ru_stime) + 1 + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    with suppress(ValueError, OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + num_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
