"""Jobs on this machine, a process each.

Each process has a line of its own to the launcher. A queue or an event that all share can be left
locked for ever by a process that is killed at the wrong moment.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any

from studies.running.worker import Job, Options, Perform, Verdict, work

_CONTEXT = multiprocessing.get_context("spawn")


class Process:
    """A job at work in a process of its own.

    Args:
        job: What is to be done.
        perform: Does it.
        options: What all jobs share.
    """

    def __init__(self, job: Job, perform: Perform, options: Options) -> None:
        self.job = job
        self.line, theirs = _CONTEXT.Pipe(duplex=False)
        self.process: SpawnProcess = _CONTEXT.Process(
            target=work, args=(job, perform, options, theirs), name=job.title
        )
        # The process inherits the mask: Ctrl-C cannot hit it before it has said that it ignores it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()

    def gone(self) -> bool:
        """Say whether the process has ended."""
        return not self.process.is_alive()

    def heard(self) -> Iterator[Any]:
        """Yield what it has said and nobody has heard; half a message of a killed one is none."""
        try:
            while self.line.poll():
                yield self.line.recv()
        except (EOFError, OSError):
            return

    def ask(self) -> None:
        """Ask it to save and end."""
        self.process.terminate()

    def kill(self) -> None:
        """End it now."""
        self.process.kill()

    def silent_end(self, stopping: bool) -> Verdict:
        """Return the verdict on a process that ended without one."""
        if stopping and self.process.exitcode in (-signal.SIGTERM, -signal.SIGHUP):
            return Verdict("interrupted")  # before it had begun, so there was nothing to save
        return Verdict("failed", f"killed (exit status {self.process.exitcode})")


class Processes:
    """Processes of this machine.

    Args:
        most: Jobs at a time.
    """

    retries = 2

    def __init__(self, most: int) -> None:
        self.most = most

    def session(self) -> AbstractContextManager[object]:
        """Return nothing that lasts: each process has its own line."""
        return nullcontext()

    def room(self) -> int:
        """Return how many jobs can be at work."""
        return self.most

    def begin(self, job: Job, perform: Perform, options: Options) -> Process:
        """Begin a job."""
        return Process(job, perform, options)

    def wait(self, workers: Sequence[Any], seconds: float) -> None:
        """Wait until one of them says something or ends, at most so long."""
        wait([o for w in workers for o in (w.line, w.process.sentinel)], timeout=seconds)
