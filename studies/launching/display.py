"""What the terminal shows while runs are at work."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from commandline import counted
from studies.running.conductor import Progress as RunProgress
from studies.running.preflight import duration
from studies.running.worker import Job


class Display:
    """A progress bar for each run at work and one for the grid; plain lines where no terminal is.

    Args:
        jobs: The runs.
        console: Where to draw.
        unit: Of their lengths.
    """

    def __init__(self, jobs: Sequence[Job], console: Console, unit: str) -> None:
        self.console = console
        self.unit = unit
        self.total = {job.title: job.length for job in jobs}
        self.done = dict.fromkeys(self.total, 0)
        self.rates: dict[str, float] = {}
        self.over = 0
        self._lines: dict[str, float] = {}
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:>10,.0f}/{task.total:,.0f} " + unit),
            TextColumn("{task.fields[told]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self.grid = self.bars.add_task("all runs", total=sum(self.total.values()), told="")
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Display:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def show(self, name: str, progress: RunProgress) -> None:
        """Draw what a run says of itself."""
        self.done[name] = progress.step
        self.rates[name] = progress.rate
        left = self.total[name] - progress.step
        told = [f"{progress.rate:,.0f} {self.unit}/s"] if progress.rate else []
        if progress.rate:
            told.append(f"{duration(left / progress.rate)} left")
        if progress.score is not None:
            told.append(f"score {progress.score:.1f}")
        told.append(progress.doing)
        if name not in self.tasks:
            self.tasks[name] = self.bars.add_task(name, total=self.total[name], told="")
        self.bars.update(self.tasks[name], completed=progress.step, told=" · ".join(told))
        self.bars.update(self.grid, completed=sum(self.done.values()), told=self._grid_told())
        if not self.console.is_terminal and self._due(name):
            share = f"{progress.step:,}/{self.total[name]:,}"
            self._print(f"{name}: {share} · {' · '.join(told)} · {self._grid_told()}")

    def note(self, name: str, line: str) -> None:
        """Say something of a run in a line of its own."""
        self._print(f"{name}: {line}")

    def end(self, name: str, how: str, why: str) -> None:
        """Say how a run ended."""
        self.over += 1
        self.rates.pop(name, None)
        if name in self.tasks:
            self.bars.remove_task(self.tasks.pop(name))
        if how == "finished":
            self.done[name] = self.total[name]
        self.bars.update(self.grid, completed=sum(self.done.values()), told=self._grid_told())
        self._print(f"{name}: {how}{': ' + why if why else ''}")

    def _print(self, line: str) -> None:
        # As it is: in names, paths and errors [/tmp] is no markup.
        self.console.print(line, highlight=False, markup=False)

    def _grid_told(self) -> str:
        left = sum(self.total.values()) - sum(self.done.values())
        rate = sum(self.rates.values())
        eta = f" · {duration(left / rate)} left in all" if rate > 0 else ""
        return f"{self.over}/{counted(len(self.total), 'run')}{eta}"

    def _due(self, name: str, every: float = 15.0) -> bool:
        now = time.monotonic()
        due = now - self._lines.get(name, -every) >= every
        if due:
            self._lines[name] = now
        return due
