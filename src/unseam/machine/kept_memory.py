"""Freed memory kept for the next step, so that the system does not clear the same pages again and again."""

import ctypes
import os
import sys

_SWITCH = "UNSEAM_KEEP_MEMORY"
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h


def keep_freed_memory() -> bool:
    """Let this process keep what it frees until it ends; whether that was done.

    Every step of training and every tile takes and frees the same maps of tens of MB. The C library of Linux (glibc) gives such
    large pieces back to the system at once, which must fill them with zeros before it lends them out again. After this
    call it keeps them.

    What it costs: memory once used stays with the process until it ends, also when it computes no more, and pieces of many
    sizes fit together less well, so that the peak is somewhat higher. So call it where a program trains or predicts and then
    ends, not in a library that is imported into others. It cannot be undone.

    Nothing is done, and False returned, on other systems and with other C libraries; where the user has set the allocator
    up (``MALLOC_...``, ``GLIBC_TUNABLES``, or another allocator by ``LD_PRELOAD``); and with ``UNSEAM_KEEP_MEMORY=0`` in the
    environment, which switches it off.
    """
    if not sys.platform.startswith("linux") or os.environ.get(_SWITCH) == "0" or _is_set_up_by_the_user():
        return False
    if not _is_glibc():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, -1))


def _is_set_up_by_the_user() -> bool:
    names = ("MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES", "LD_PRELOAD")
    return any(os.environ.get(name) for name in names)


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):  # a C library that does not know the question
        return False
