"""Freed memory is kept for the next update instead of being handed back to the system.

An update of a network with large maps allocates and frees some hundred megabytes. glibc gives such
memory back and asks for it again, and the system clears every page anew: for `twin_max` that took
four tenths of an update.
"""

from __future__ import annotations

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEEP_ALL = 2**31 - 1
_LARGEST_ON_HEAP = 32 * 2**20
"""The most that glibc accepts as the size from which memory is mapped apart."""


def keep_freed_memory() -> bool:
    """Tell the C library of this process to keep what is freed; return whether it could be told.

    Memory never grows beyond what was in use at one time. Without effect where the C library is
    not glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    mapped = libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_ON_HEAP)
    return bool(mapped and libc.mallopt(_M_TRIM_THRESHOLD, _KEEP_ALL))
