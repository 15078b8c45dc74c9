"""A time after which a study should have stopped, and how early that has to be begun."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from commandline import BadInput
from studies.running.conductor import Progress
from studies.running.worker import Job

TIME_IS_UP = os.EX_TEMPFAIL
"""Exit status (75) when the time was up before everything was done: call again. `sysexits.h` has it
for failures of which a later attempt may succeed."""

LEAST = 10.0
"""Seconds of the shortest budget; in less, hardly a process is at work."""

ALWAYS = 4.0
"""Seconds to spare before anything has been measured: a small checkpoint, and a process's end."""

SPARE = 2.0
"""Times the longest pause measured; games get longer as agents get better, and disks slower."""


def parse_duration(what: str, given: str) -> float:
    """Return seconds: `90s`, `9m`, `2h` or `1h30m`.

    Args:
        what: The argument as the user knows it.
        given: What was typed.

    Raises:
        BadInput: If it is nothing of the kind, or too short for anything.
    """
    parts = re.fullmatch(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?", given.strip())
    numbers = parts.groups() if parts is not None else (None,)
    if not any(numbers):
        raise BadInput(f"{what}: expected a time such as 90s, 9m, 2h or 1h30m, got {given!r}")
    seconds = sum(int(n or 0) * unit for n, unit in zip(numbers, (3600, 60, 1), strict=True))
    if seconds < LEAST:
        raise BadInput(f"{what}: expected at least {LEAST:.0f}s, got {given!r}")
    return float(seconds)


@dataclass
class Budget:
    """How long is left, and how long it takes to stop.

    A run hears the wish to stop between two rollouts, not while it evaluates, reads out or writes a
    checkpoint, and then writes one. So it may take its longest such pause; that is what runs tell.

    Attributes:
        seconds: The budget, from now on.
        clock: Seconds, from any start.
        pause: The longest pause that a run told of, in seconds.
        start: The longest a job took from its start to its first word, in seconds.
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    pause: float = 0.0
    start: float = 0.0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def left(self) -> float:
        """Seconds until the budget ends; negative after that."""
        return self.began + self.seconds - self.clock()

    @property
    def margin(self) -> float:
        """Seconds before its end at which jobs have to be told to stop.

        Half of the budget at most, or jobs with long pauses would get nowhere, call after call.
        """
        return min(ALWAYS + SPARE * self.pause, self.seconds / 2)

    def learn(self, pause: float) -> None:
        """Take note of a pause."""
        self.pause = max(self.pause, pause)

    def learn_start(self, seconds: float) -> None:
        """Take note of how long a job took to begin."""
        self.start = max(self.start, seconds)

    @property
    def over(self) -> bool:
        """Whether to stop now."""
        return self.left <= self.margin

    @property
    def worth_beginning(self) -> bool:
        """Whether a job that began now would get to do anything."""
        return self.left > self.margin + 2 * self.start


class Pace:
    """How much is done how fast, and how long jobs take to begin and to listen.

    Args:
        budget: Is told of it.
    """

    def __init__(self, budget: Budget | None) -> None:
        self.budget = budget
        self.clock = time.monotonic()
        self._begun: dict[str, float] = {}
        self._span: dict[str, tuple[int, int]] = {}

    def begin(self, name: str) -> None:
        """Take note that a job begins."""
        self._begun[name] = time.monotonic()

    def hear(self, name: str, progress: Progress) -> None:
        """Take note of what a job says of itself."""
        first, _ = self._span.get(name, (progress.step, 0))
        self._span[name] = (min(first, progress.step), progress.step)
        begun = self._begun.pop(name, None)
        if self.budget is not None:
            self.budget.learn(progress.pause)
            if begun is not None:
                self.budget.learn_start(time.monotonic() - begun)

    def finish(self, job: Job) -> None:
        """Take note that a job is done to its end."""
        first, _ = self._span.get(job.title, (0, 0))
        self._span[job.title] = (first, job.length)

    @property
    def rate(self) -> float:
        """Units a second, of all together, since this was made."""
        done = sum(last - first for first, last in self._span.values())
        return done / max(time.monotonic() - self.clock, 1e-9)
