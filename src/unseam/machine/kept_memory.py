"""Freed memory is kept for the next step, so that the system does not clear the same pages again and again."""

import ctypes
import os
import sys

_SWITCH = "UNSEAM_KEEP_MEMORY"
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h


def keep_freed_memory() -> bool:
    """Make this process keep the memory that it frees until it ends; return whether it does.

    Every training step and every tile allocates and frees the same maps of tens of MB. The C library of Linux (glibc) returns
    such large blocks to the system at once, and the system must clear them before it hands them out again.

    The cost: the process holds its memory until it ends, even when it is idle, and fragmentation raises the peak somewhat. So
    call this in a program that trains or predicts and then ends, not in a library. It cannot be undone.

    It does nothing and returns False on other systems and with other C libraries, where the user has configured the allocator
    (``MALLOC_...``, ``GLIBC_TUNABLES``, ``LD_PRELOAD``), and where the environment has ``UNSEAM_KEEP_MEMORY=0``.
    """
    if not sys.platform.startswith("linux") or os.environ.get(_SWITCH) == "0" or _is_configured_by_user() or not _is_glibc():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, -1))


def _is_configured_by_user() -> bool:
    names = ("MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES", "LD_PRELOAD")
    return any(os.environ.get(name) for name in names)


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):  # a C library that does not know the question
        return False
