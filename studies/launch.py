"""Many jobs on this machine, usually runs: a process each, so many at a time, and one display.

A run that fails does not stop the others; one whose process was killed is tried again. Ctrl-C
once: every run writes a checkpoint and ends; twice: everything stops now.

Each process has a line of its own to the launcher. A queue or an event that all share can be left
locked for ever by a process that is killed at the wrong moment.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from threading import Event
from typing import Any

from rich.console import Console

from studies.display import Display
from studies.worker import Job, Options, Perform, Verdict, work

_CONTEXT = multiprocessing.get_context("spawn")

RETRIES = 2
"""Times that a run is begun again after its process was killed (for want of memory, say)."""


@dataclass(frozen=True)
class Outcome:
    """How a grid ended: names of runs that finished, were interrupted, failed (with why)."""

    finished: tuple[str, ...]
    interrupted: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]


class Worker:
    """A job at work, seen from the launcher.

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

    def heard(self) -> Iterator[Any]:
        """Yield what it has said and nobody has read; half a message of a killed one is none."""
        try:
            while self.line.poll():
                yield self.line.recv()
        except (EOFError, OSError):
            return


def launch(
    jobs: Sequence[Job],
    perform: Perform,
    options: Options,
    console: Console,
    *,
    unit: str = "steps",
    done: Callable[[Job], None] = lambda job: None,
) -> Outcome:
    """Do every job, `options.workers` at a time, in the order given.

    Args:
        jobs: Those that are not finished.
        perform: Does one of them; sent to another process, so a function of a module.
        options: What they share.
        console: Where progress is drawn.
        unit: Of their lengths.
        done: Is called here with each one that has finished.

    Returns:
        How each of them ended.
    """
    waiting = list(jobs)
    running: dict[str, Worker] = {}
    ended: dict[str, Verdict] = {}
    tries = dict.fromkeys((job.title for job in jobs), 0)
    stop = Event()
    display = Display(jobs, console, unit)

    def wind_down() -> None:
        stop.set()
        for worker in running.values():
            worker.process.terminate()

    with display, _signals(wind_down, running):
        while running or (waiting and not stop.is_set()):
            while waiting and len(running) < options.workers and not stop.is_set():
                job = waiting.pop(0)
                tries[job.title] += 1
                running[job.title] = Worker(job, perform, options)
                if stop.is_set():  # the signal came while it was being started
                    running[job.title].process.terminate()
            wait([o for w in running.values() for o in (w.line, w.process.sentinel)], timeout=0.5)
            for name, worker in list(running.items()):
                gone = not worker.process.is_alive()  # asked first: then all it said can be read
                for message in worker.heard():
                    if isinstance(message, Verdict):
                        ended[name] = message
                    elif message.note:
                        display.note(name, message.note)
                    else:
                        display.show(name, message)
                if not gone:
                    continue
                del running[name]
                if name not in ended and not stop.is_set() and tries[name] <= RETRIES:
                    display.note(
                        name,
                        f"killed (exit status {worker.process.exitcode}); "
                        f"tried again ({tries[name]} of {RETRIES})",
                    )
                    waiting.insert(0, worker.job)
                    continue
                ended.setdefault(name, _silent_end(worker, stop.is_set(), tries[name]))
                display.end(name, ended[name].how, ended[name].why)
                if ended[name].how == "finished":
                    done(worker.job)
    names = [job.title for job in jobs]
    by_end = {how: [n for n in names if n in ended and ended[n].how == how] for how in _ENDS}
    never = [job.title for job in waiting]
    return Outcome(
        finished=tuple(by_end["finished"]),
        interrupted=(*by_end["interrupted"], *never),
        failed=tuple((n, ended[n].why) for n in by_end["failed"]),
    )


_ENDS = ("finished", "interrupted", "failed")


def _silent_end(worker: Worker, stopping: bool, tries: int) -> Verdict:
    """Return the verdict on a process that ended without one."""
    if stopping and worker.process.exitcode == -signal.SIGTERM:
        return Verdict("interrupted")  # before it had begun, so there was nothing to save
    times = f" {tries} times" if tries > 1 else ""
    return Verdict("failed", f"killed{times} (exit status {worker.process.exitcode})")


@contextmanager
def _signals(wind_down: Any, running: dict[str, Worker]) -> Iterator[None]:
    """On SIGINT or SIGTERM wind down; on a second one kill what runs and leave."""
    count = 0

    def handle(number: int, frame: object) -> None:
        nonlocal count
        count += 1
        if count == 1:
            print("stopping: each run writes its checkpoint; again to stop now", file=sys.stderr)
            wind_down()
        else:
            for worker in running.values():
                worker.process.kill()
            os._exit(130)

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
