"""Available memory, the memory that this process holds, and amounts of memory as text."""

import re
import sys
from pathlib import Path

import torch

from unseam.errors import SettingsError

_UNITS = {
    "": 1, "b": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "bad_alloc", "out of memory", "failed to allocate")
"""Phrases of PyTorch and OpenVINO in the RuntimeError of a failed allocation."""


def parse_bytes(text: str | int) -> int:
    """Read an amount of memory in bytes. Raises SettingsError if the text is not an amount.

    >>> parse_bytes("2GB"), parse_bytes("1.5 GiB"), parse_bytes(1000)
    (2000000000, 1610612736, 1000)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(text).lower())
    size = int(float(match[1]) * _UNITS[match[2]]) if match and match[2] in _UNITS else 0
    if size < 1:
        raise SettingsError(f"The memory is {text!r}. Give an amount such as 2GB, 500MB, 1.5GiB or a number of bytes.")
    return size


def format_bytes(size: int) -> str:
    """Write a number of bytes in GB or whole MB, rounded up.

    >>> format_bytes(1_234_567_890), format_bytes(56_700_000)
    ('1.23 GB', '57 MB')
    """
    return f"{size / 10**9:.2f} GB" if size >= 10**9 else f"{-(-size // 10**6)} MB"


def resident_bytes() -> int | None:
    """Return the bytes that this process holds now (Linux) or its peak (macOS); None where neither is known."""
    if sys.platform not in ("linux", "darwin"):
        return None
    import resource

    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def available_bytes(root: Path = Path("/")) -> int | None:
    """Return the bytes that the machine and the process's control groups still allow (Linux); None where unknown."""
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return min(found + _left_in_groups(root), default=None)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, PyTorch or OpenVINO means that memory ran out."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _OUT_OF_MEMORY)


def _left_in_groups(root: Path) -> list[int]:
    """Return the bytes left in each control group around this process, for versions 1 and 2 of control groups."""
    left: list[int] = []
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return left
    for line in lines:
        _, kinds, name = line.split(":", 2)
        if kinds == "":
            base, most, now, cache = root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in kinds.split(","):
            base, cache = root / "sys/fs/cgroup/memory", "total_inactive_file"
            most, now = "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        group = base / name.lstrip("/")
        for folder in (group, *group.parents):  # a limit of any parent group applies too
            if (folder / most).is_file() and (limit := (folder / most).read_text(encoding="ascii").strip()) != "max":
                used = int((folder / now).read_text(encoding="ascii")) - _reclaimable(folder, cache)
                left.append(max(0, int(limit) - used))
            if folder == base:
                break
    return left


def _reclaimable(group: Path, key: str) -> int:
    """Return the bytes of cached files, which the system drops before it refuses memory."""
    try:
        rows = (line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        return next((int(row[1]) for row in rows if row[0] == key), 0)
    except OSError:
        return 0
