"""What a process that trains networks sets once, for speed.

An update of a network with large maps allocates and frees some hundred megabytes. glibc gives such
memory back and asks for it again, and the system clears every page anew: for `twin_max` that took
four tenths of an update.

Adam's mean of a gradient that has become 0, as behind every dead unit, shrinks by a tenth an update
until it is a denormal number that rounding keeps from ever being 0. Arithmetic on those takes many
times as long: thirteen times for a whole step of Adam. Flushed to 0 they change nothing that could
be learnt: a step is some 10⁻³⁰ of a weight.
"""

from __future__ import annotations

import ctypes
import platform

import torch

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEEP_ALL = 2**31 - 1
_LARGEST_ON_HEAP = 32 * 2**20
"""The most that glibc accepts as the size from which memory is mapped apart."""


def prepare(threads: int) -> None:
    """Set this process up to train: threads, freed memory kept, denormal numbers flushed to 0.

    Args:
        threads: Of PyTorch. Denormal numbers are flushed in the calling one.
    """
    torch.set_num_threads(threads)
    keep_freed_memory()
    torch.set_flush_denormal(True)


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
