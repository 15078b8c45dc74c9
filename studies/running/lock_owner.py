"""What a lock on a run directory says of its owner, and how he shows that he is alive."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

LOST = 75
"""Exit status of a process whose run was taken over (`EX_TEMPFAIL`)."""


@dataclass(frozen=True)
class Timing:
    """How an owner on another machine is known to be alive; all in seconds.

    Attributes:
        beat: Between two beats.
        silence: Without a beat until the owner is taken for dead. Shared file systems may show a
            change late: NFS after 60 s at most, and at once to whoever opens the file anew.
        settle: Between replacing a dead owner's file and beginning; more than two beats.
    """

    beat: float = 10.0
    silence: float = 60.0
    settle: float = 25.0


TIMING = Timing()


@dataclass(frozen=True)
class Owner:
    """What a lock says: which machine, which process of it, and how often it has beaten."""

    machine: str
    token: str
    beats: int

    def text(self) -> bytes:
        """Return the content of the file, always of the same length."""
        return f"{self.machine} {self.token} {self.beats:012d}\n".encode()

    @classmethod
    def parse(cls, text: bytes) -> Owner | None:
        """Return whom a file names; `None` if that is nobody."""
        words = text.decode("ascii", "replace").split()
        if len(words) != 3 or not words[2].isdigit():
            return None
        return cls(words[0], words[1], int(words[2]))


def this_machine() -> str:
    """Return what tells this machine, since it was started, from all others, and says no more."""
    try:
        told = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        told = platform.node()
    return hashlib.sha256(told.encode()).hexdigest()[:16]


class Held:
    """A lock that is ours, until somebody takes us for dead.

    Args:
        path: Where it lies.
        handle: Of the open file, locked where the file system can.
        owner: We.
    """

    def __init__(self, path: Path, handle: int, owner: Owner) -> None:
        self.path, self.handle, self.owner = path, handle, owner
        self.beat()

    def beat(self) -> None:
        """Show that we are alive; a disk that does not answer now may do so next time."""
        self.owner = Owner(self.owner.machine, self.owner.token, self.owner.beats + 1)
        with suppress(OSError):
            os.pwrite(self.handle, self.owner.text(), 0)
            os.fsync(self.handle)

    def ours(self) -> bool:
        """Say whether the file there is still this one."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return False
        except OSError:
            return True  # cannot be told now
        there = Owner.parse(text)
        return there is not None and there.token == self.owner.token

    def keep(self, every: float, done: Event) -> None:
        """Beat until done; end this process when another has taken its place."""
        while not done.wait(every):
            if not self.ours():
                print(f"{self.path.parent}: taken over by another process", file=sys.stderr)
                os._exit(LOST)
            self.beat()

    def release(self) -> None:
        """Let go of it; the file goes too, unless it is another's by now."""
        if self.ours():
            self.path.unlink(missing_ok=True)
        os.close(self.handle)
