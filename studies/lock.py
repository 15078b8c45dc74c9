"""One process on a run directory at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commandline import BadInput

NAME = "lock"
"""A file in the run directory, there only while somebody is at work (or after he was killed)."""


class HeldError(BadInput):
    """Another process is at work in the run directory."""


PATIENCE = 0.1
"""Seconds in which a lock that is only being looked at (`held`) is let go of."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the run directory for as long as the block lasts, at most as long as this process.

    The system lets go of the lock when its owner dies, however it dies; the file left behind then
    means nothing.

    Raises:
        HeldError: If another process holds it.
    """
    path = folder / NAME
    handle = _take(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is still ours
        os.close(handle)


def check_free(folder: Path) -> None:
    """Raise `BadInput` if another process is at work in a run directory; change nothing."""
    path = folder / NAME
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return
    try:
        _lock(handle, path)
    finally:
        os.close(handle)


def held(folder: Path) -> bool:
    """Say whether a process is at work in a run directory; change nothing."""
    try:
        handle = os.open(folder / NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # many may look at a time
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _take(path: Path) -> int:
    deadline = time.monotonic() + PATIENCE
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(handle, path)
            there = path.stat()
        except FileNotFoundError:
            os.close(handle)  # its owner left between our opening and locking it
            continue
        except HeldError:
            os.close(handle)
            if time.monotonic() > deadline:
                raise
            time.sleep(PATIENCE / 10)
            continue
        except BaseException:
            os.close(handle)
            raise
        if (there.st_ino, there.st_dev) == (os.fstat(handle).st_ino, os.fstat(handle).st_dev):
            return handle
        os.close(handle)


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise HeldError(
            f"{path.parent}: expected a run nobody works on, got one that another process trains"
        ) from None
