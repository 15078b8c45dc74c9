"""Many jobs, usually runs, so many at a time, and one display; where they run, a backend knows.

A run that fails does not stop the others; one whose process was killed is tried again. Ctrl-C
once, a terminal that closes or an error here: every run writes a checkpoint and ends. Ctrl-C twice:
everything stops now.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol, runtime_checkable

from rich.console import Console

from studies.launching.budget import Budget, Pace
from studies.launching.display import Display
from studies.launching.processes import Processes
from studies.running.worker import Job, Options, Perform, Verdict


@runtime_checkable
class Worker(Protocol):
    """A job at work, seen from the launcher."""

    @property
    def job(self) -> Job:
        """What it does."""
        ...

    def gone(self) -> bool:
        """Say whether it is over; all it said can be heard then."""
        ...

    def heard(self) -> Iterator[Any]:
        """Yield what it has said and nobody has heard: `Progress`, and a `Verdict` at the end."""
        ...

    def ask(self) -> None:
        """Ask it to write a checkpoint and end; once."""
        ...

    def kill(self) -> None:
        """End it now; called from a signal handler."""
        ...

    def silent_end(self, stopping: bool) -> Verdict:
        """Return the verdict on one that is gone without having given its own."""
        ...


@runtime_checkable
class Backend(Protocol):
    """Where jobs are done."""

    retries: int
    """Times that a job is begun again after its process was killed."""

    def session(self) -> AbstractContextManager[object]:
        """Return what has to last as long as jobs are at work."""
        ...

    def room(self) -> int:
        """Return how many jobs can be at work now."""
        ...

    def begin(self, job: Job, perform: Perform, options: Options) -> Worker:
        """Begin a job."""
        ...

    def wait(self, workers: Sequence[Any], seconds: float) -> None:
        """Wait until one of them says something or ends, at most so long."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How a grid ended.

    Attributes:
        finished: Names of runs.
        interrupted: Names of runs that go on when they are asked for again, or were not begun.
        failed: Names of runs, each with why.
        timed_out: Whether it was time that interrupted them.
        rate: Units a second, of all together, pauses and starts included; 0 if nothing was done.
    """

    finished: tuple[str, ...]
    interrupted: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    timed_out: bool = False
    rate: float = 0.0


@dataclass
class _Stop:
    """Whether everything is to end, and why."""

    event: Event = field(default_factory=Event)
    timed_out: bool = False


def launch(
    jobs: Sequence[Job],
    perform: Perform,
    options: Options,
    console: Console,
    *,
    unit: str = "steps",
    done: Callable[[Job], None] = lambda job: None,
    backend: Backend | None = None,
    budget: Budget | None = None,
) -> Outcome:
    """Do every job, as many at a time as the backend has room for, in the order given.

    Args:
        jobs: Those that are not finished.
        perform: Does one of them; sent to another process, so a function of a module.
        options: What they share.
        console: Where progress is drawn.
        unit: Of their lengths.
        done: Is called here with each one that has finished.
        backend: Where; by default `options.workers` processes of this machine.
        budget: When to stop; by default never.

    Returns:
        How each of them ended.
    """
    where = backend or Processes(options.workers)
    waiting = list(jobs)
    running: dict[str, Worker] = {}
    ended: dict[str, Verdict] = {}
    tries = dict.fromkeys((job.title for job in jobs), 0)
    stop = _Stop()
    asked: set[str] = set()
    display, pace = Display(jobs, console, unit), Pace(budget)

    with where.session(), display, _signals(stop.event, running), _taken_along(running):
        while running or (waiting and not stop.event.is_set()):
            if budget is not None and budget.over and not stop.event.is_set():
                stop.timed_out = True
                stop.event.set()
            while waiting and len(running) < where.room() and not stop.event.is_set():
                if budget is not None and not budget.worth_beginning:
                    break
                job = waiting.pop(0)
                tries[job.title] += 1
                pace.begin(job.title)
                running[job.title] = where.begin(job, perform, options)
            if stop.event.is_set():
                for name in running.keys() - asked:
                    running[name].ask()
                    asked.add(name)
            if not running and budget is not None and not budget.worth_beginning:
                stop.timed_out = True
                stop.event.set()
            where.wait(list(running.values()), 0.5)
            for name, worker in list(running.items()):
                gone = worker.gone()  # asked first: then all it said can be heard
                for message in worker.heard():
                    if isinstance(message, Verdict):
                        ended[name] = message
                    elif message.note:
                        display.note(name, message.note)
                    else:
                        pace.hear(name, message)
                        display.show(name, message)
                if not gone:
                    continue
                del running[name]
                asked.discard(name)
                if name not in ended:
                    verdict = worker.silent_end(stop.event.is_set())
                    if not stop.event.is_set() and tries[name] <= where.retries:
                        again = f"tried again ({tries[name]} of {where.retries})"
                        display.note(name, f"{verdict.why}; {again}")
                        waiting.insert(0, worker.job)
                        continue
                    ended[name] = _after(tries[name], verdict)
                display.end(name, ended[name].how, ended[name].why)
                if ended[name].how == "finished":
                    pace.finish(worker.job)
                    done(worker.job)
    names = [job.title for job in jobs]
    by_end = {how: [n for n in names if n in ended and ended[n].how == how] for how in _ENDS}
    never = [job.title for job in waiting]
    return Outcome(
        finished=tuple(by_end["finished"]),
        interrupted=(*by_end["interrupted"], *never),
        failed=tuple((n, ended[n].why) for n in by_end["failed"]),
        timed_out=stop.timed_out,
        rate=pace.rate,
    )


_ENDS = ("finished", "interrupted", "failed")


def _after(tries: int, verdict: Verdict) -> Verdict:
    """Say in a verdict on a silent end how often that came."""
    if verdict.how != "failed" or tries == 1:
        return verdict
    return Verdict("failed", verdict.why.replace("killed", f"killed {tries} times", 1))


@contextmanager
def _taken_along(running: dict[str, Worker]) -> Iterator[None]:
    """Ask what is at work to save and end if the launcher leaves by an exception.

    `| head` has read enough, a terminal closed, a row could not be handled: this process would then
    wait at its exit until all that it began is done.
    """
    try:
        yield
    except BaseException:
        for worker in running.values():
            with suppress(Exception):
                worker.ask()
        raise


@contextmanager
def _signals(stop: Event, running: dict[str, Worker]) -> Iterator[None]:
    """On SIGINT or SIGTERM wind down; on a second one kill what runs and leave.

    So too on SIGHUP, as often as it comes: a terminal that closes may send it twice. `nohup` has it
    ignored, and that stays so.
    """
    count = 0

    def handle(number: int, frame: object) -> None:
        nonlocal count
        stop.set()
        if number == signal.SIGHUP:  # there may be no terminal left to print on
            return
        count += 1
        if count == 1:
            print("stopping: each run writes its checkpoint; again to stop now", file=sys.stderr)
        else:
            for worker in running.values():
                worker.kill()
            os._exit(130)

    heeded = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        heeded.append(signal.SIGHUP)
    before = {s: signal.signal(s, handle) for s in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
