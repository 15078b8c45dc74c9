"""One process on a run directory at a time, also where several machines share the folder.

Two things say that somebody is at work:

- the system's lock (flock) on the file `lock`. It dies with its owner, however he dies, and decides
  between the processes of one machine. Between machines it is no proof: some shared file systems
  keep it to one machine, others keep the lock of a machine that is gone.
- the owner's name in that file, and a *beat* that he adds to every few seconds. Whoever finds the
  file of another machine watches it. If it beats, the run is taken. If it is silent for long
  enough, its owner is dead, and the file is replaced.

An owner looks before each beat whether the file is still his, and if not ends at once. Whoever
replaced it waits for longer than a beat before he begins, so that an owner who was only asleep has
left by then, and looks again: of two who replace at the same time, the later one stays. No clock of
another machine is read, only how long a file stays as it is.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from commandline import BadInput
from studies.running.lock_owner import TIMING, Held, Owner, Timing, this_machine

NAME = "lock"
"""A file in the run directory, there only while somebody is at work (or after he was killed)."""

PATIENCE = 0.1
"""Seconds in which a lock that is only being looked at (`held`) is let go of."""


class HeldError(BadInput):
    """Another process is at work in the run directory."""


class GaveUpError(Exception):
    """Waiting for the run directory was broken off, as asked."""


@contextmanager
def locked(
    folder: Path,
    *,
    patience: float = PATIENCE,
    tell: Callable[[str], None] = lambda line: None,
    stop: Event | None = None,
    machine: str | None = None,
    timing: Timing = TIMING,
) -> Iterator[None]:
    """Hold the run directory for as long as the block lasts, at most as long as this process.

    Args:
        folder: The run directory.
        patience: Seconds to wait for somebody who is at work there.
        tell: Is told in a line why it takes long.
        stop: When set, waiting is broken off.
        machine: The name of this one.
        timing: How others are watched.

    Raises:
        HeldError: If another process holds it.
        GaveUpError: If `stop` was set before it was free.
    """
    watch = _Watch(folder / NAME, machine or this_machine(), timing, tell, stop or Event())
    held = watch.take(max(patience, PATIENCE))
    done = Event()
    keeper = Thread(target=held.keep, args=(timing.beat, done), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
        held.release()


def check_free(folder: Path) -> None:
    """Raise `HeldError` if a process of this machine is at work there; change nothing."""
    path = folder / NAME
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return
    try:
        owner = Owner.parse(os.pread(handle, 200, 0))
        elsewhere = owner is not None and owner.machine != this_machine()
        if _flock(handle) is False and not elsewhere:
            raise _busy(path)
    finally:
        os.close(handle)


def held(folder: Path) -> bool:
    """Say whether a process seems to be at work in a run directory; change nothing.

    Of another machine it is judged by the age of its last beat, so by the clock: good enough to
    tell, not to act on.
    """
    try:
        handle = os.open(folder / NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        if _flock(handle, fcntl.LOCK_SH) is False:  # many may look at a time
            return True
        owner = Owner.parse(os.pread(handle, 200, 0))
        age = time.time() - os.fstat(handle).st_mtime
    finally:
        os.close(handle)
    return owner is not None and owner.machine != this_machine() and age < TIMING.silence


def _flock(handle: int, how: int = fcntl.LOCK_EX) -> bool | None:
    """Lock a file; return whether that went, `None` where the file system knows no such thing."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _busy(path: Path) -> HeldError:
    return HeldError(
        f"{path.parent}: expected a run nobody works on, got one that another process trains"
    )


def _read(path: Path) -> bytes | None:
    """Return what lies there now; opened anew, because a file that is open may show old content."""
    try:
        return path.read_bytes()[:200]
    except OSError:
        return None


@dataclass(frozen=True)
class _Watch:
    """Somebody who wants a lock."""

    path: Path
    machine: str
    timing: Timing
    tell: Callable[[str], None]
    stop: Event

    def take(self, patience: float) -> Held:
        deadline = time.monotonic() + patience
        while True:
            handle, new = self._open()
            held = None
            try:
                held = self._decide(handle, new, deadline)
            finally:
                if held is None or held.handle != handle:
                    os.close(handle)
            if held is not None:
                return held

    def _decide(self, handle: int, new: bool, deadline: float) -> Held | None:
        """Take the lock, or wait for something to change; `None` if it has to be looked at anew."""
        mine, text = self._look(handle, new)
        owner = Owner.parse(text)
        here = new or (owner is not None and owner.machine == self.machine)
        if not self._there(handle):
            return None  # its owner left between our opening and locking it
        if mine is not False and (new or (mine and here)):
            return Held(self.path, handle, self._name())
        if mine is False and here:  # by a process of this machine: no doubt
            self._wait_or_leave(deadline)
            return None
        # The handle stays locked, if it is, so that nobody else here watches too.
        alive = self._alive(text)
        if alive is None:
            return None
        if not alive:
            return self._replace()
        self._wait_or_leave(deadline)
        return None

    def _look(self, handle: int, new: bool) -> tuple[bool | None, bytes]:
        """Try to lock the file, and read it; whoever has just made it is let past."""
        for _ in range(20):
            mine, text = _flock(handle), os.pread(handle, 200, 0)
            if (mine is not False) if new else text:
                return mine, text
            if mine:
                fcntl.flock(handle, fcntl.LOCK_UN)
            time.sleep(PATIENCE / 10)
        return _flock(handle), os.pread(handle, 200, 0)

    def _name(self) -> Owner:
        return Owner(self.machine, secrets.token_hex(8), 0)

    def _open(self) -> tuple[int, bool]:
        """Open the file; say whether it was made just now, which of all machines only one does."""
        while True:
            try:
                return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644), True
            except FileExistsError:
                with suppress(FileNotFoundError):
                    return os.open(self.path, os.O_RDWR), False

    def _there(self, handle: int) -> bool:
        try:
            return os.path.samestat(self.path.stat(), os.fstat(handle))
        except FileNotFoundError:
            return False

    def _wait_or_leave(self, deadline: float) -> None:
        """Wait a little, or leave if that was done for long enough."""
        if time.monotonic() >= deadline:
            raise _busy(self.path)
        self._pause(PATIENCE / 10 if deadline - time.monotonic() <= PATIENCE else 0.5)

    def _pause(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise GaveUpError

    def _alive(self, text: bytes) -> bool | None:
        """Watch the owner's beats; return `None` if he left or another came."""
        self.tell(f"held by another machine; free if that is silent for {self.timing.silence:g} s")
        deadline = time.monotonic() + self.timing.silence
        first = Owner.parse(text)
        while time.monotonic() < deadline:
            self._pause(self.timing.beat / 10)
            now = _read(self.path)
            if now is None:
                return None
            if now != text:
                there = Owner.parse(now)
                same = first is not None and there is not None and first.token == there.token
                return True if same else None
        return False

    def _replace(self) -> Held | None:
        """Put a file of our own in the place of a dead owner's; `None` if another was later."""
        name = self._name()
        beside = self.path.with_name(f"{NAME}.{name.token}")
        handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            _flock(handle)
            held = Held(self.path, handle, name)
            os.replace(beside, self.path)
            self._pause(self.timing.settle)
            if held.ours():
                return held
        except BaseException:
            beside.unlink(missing_ok=True)
            os.close(handle)
            raise
        os.close(handle)
        return None
