"""How much memory there is, how much this process holds, and how people write an amount of it."""

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
_NO_ROOM = ("can't allocate memory", "not enough memory", "bad_alloc", "out of memory", "failed to allocate")
"""What PyTorch and OpenVINO write into a RuntimeError when the system gives them no memory."""


def parse_bytes(text: str | int) -> int:
    """An amount of memory as people write it.

    Raises
    ------
    SettingsError
        If it is none.

    Examples
    --------
    >>> parse_bytes("2GB"), parse_bytes("1.5 GiB"), parse_bytes(1000)
    (2000000000, 1610612736, 1000)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(text).lower())
    size = int(float(match[1]) * _UNITS[match[2]]) if match and match[2] in _UNITS else 0
    if size < 1:
        raise SettingsError(f"The memory is {text!r}. It may be an amount such as 2GB, 500MB, 1.5GiB or plain bytes.")
    return size


def format_bytes(size: int) -> str:
    """Bytes as people read them.

    >>> as_amount(1_234_567_890), as_amount(56_700_000)
    ('1.23 GB', '57 MB')
    """
    return f"{size / 10**9:.2f} GB" if size >= 10**9 else f"{-(-size // 10**6)} MB"


def resident_bytes() -> int | None:
    """What this process holds in memory now; the most that it ever held where only that is known; None: not known."""
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * _page_size()
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def available_bytes(root: Path = Path("/")) -> int | None:
    """What this process may still take: of the machine, and of the control groups it is in (Linux); None: not known."""
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return min(found + _left_in_groups(root), default=None)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, PyTorch or OpenVINO says that there was not enough memory."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_ROOM)


def _page_size() -> int:
    import resource

    return resource.getpagesize()


def _left_in_groups(root: Path) -> list[int]:
    """What each control group above this process leaves, in the files of both versions."""
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
        for folder in (group, *group.parents):
            if (folder / most).is_file() and (limit := (folder / most).read_text(encoding="ascii").strip()) != "max":
                used = int((folder / now).read_text(encoding="ascii")) - _reclaimable(folder, cache)
                left.append(max(0, int(limit) - used))
            if folder == base:
                break
    return left


def _reclaimable(group: Path, key: str) -> int:
    """Cached files, which the system drops before it refuses memory."""
    try:
        rows = (line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        return next((int(row[1]) for row in rows if row[0] == key), 0)
    except OSError:
        return 0
