"""Many runs on this machine: a process each, so many at a time, and one display for all.

A run that fails does not stop the others. Ctrl-C once: every run writes a checkpoint and ends;
twice: everything stops now.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from commandline import BadInput
from studies.directory import RunSpec
from studies.run import Interrupted, train
from studies.run import Progress as RunProgress

_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Options:
    """What all runs of a grid share.

    Attributes:
        workers: Runs at a time.
        wandb_mode: `offline`, `online` or `disabled`.
        device: Torch device.
        threads: Torch threads a run.
    """

    workers: int
    wandb_mode: str
    device: str
    threads: int


@dataclass(frozen=True)
class Outcome:
    """How a grid ended: names of runs that finished, were interrupted, failed (with why)."""

    finished: tuple[str, ...]
    interrupted: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]


def _work(spec: RunSpec, options: Options, queue: Queue[Any], stop: Any) -> None:
    """Train one run in a process of its own; everything it has to say goes through `queue`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the launcher decides; it sets `stop`
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    verdict: tuple[str, str]
    try:
        train(
            spec,
            wandb_mode=options.wandb_mode,
            device=options.device,
            threads=options.threads,
            report=lambda progress: queue.put((spec.name, progress)),
            stop=stop,
        )
        verdict = ("finished", "")
    except Interrupted:
        verdict = ("interrupted", "")
    except BadInput as error:
        verdict = ("failed", str(error))
    except Exception as error:
        (spec.directory / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        verdict = ("failed", f"{type(error).__name__}: {error} (see {spec.directory}/error.txt)")
    queue.put((spec.name, verdict))


def launch(specs: Sequence[RunSpec], options: Options, console: Console) -> Outcome:
    """Train every run, `options.workers` at a time, in the order given.

    Args:
        specs: Runs that are not finished.
        options: What they share.
        console: Where progress is drawn.

    Returns:
        How each of them ended.
    """
    queue: Queue[Any] = _CONTEXT.Queue()
    waiting = list(specs)
    running: dict[str, tuple[RunSpec, SpawnProcess, Any]] = {}
    ended: dict[str, tuple[str, str]] = {}
    stopping = False
    display = Display(specs, console)

    def wind_down() -> None:
        nonlocal stopping
        stopping = True
        for _, _, stop in running.values():
            stop.set()

    with display, _signals(wind_down, running):
        while running or (waiting and not stopping):
            while waiting and len(running) < options.workers and not stopping:
                spec = waiting.pop(0)
                stop = _CONTEXT.Event()
                process = _CONTEXT.Process(
                    target=_work, args=(spec, options, queue, stop), name=spec.name
                )
                process.start()
                running[spec.name] = (spec, process, stop)
            gone = [name for name, (_, process, _) in running.items() if not process.is_alive()]
            for name, message in _drain(queue, 0.0 if gone else 0.2):
                if isinstance(message, RunProgress):
                    display.show(name, message)
                else:
                    ended[name] = message
            for name in gone:
                process = running.pop(name)[1]
                ended.setdefault(name, ("failed", f"killed (exit status {process.exitcode})"))
                display.end(name, *ended[name])
    names = [spec.name for spec in specs]
    by_end = {how: [n for n in names if ended.get(n, ("",))[0] == how] for how in _ENDS}
    never = [spec.name for spec in waiting]
    return Outcome(
        finished=tuple(by_end["finished"]),
        interrupted=(*by_end["interrupted"], *never),
        failed=tuple((n, ended[n][1]) for n in by_end["failed"]),
    )


_ENDS = ("finished", "interrupted", "failed")


def _drain(queue: Queue[Any], patience: float) -> Iterator[tuple[str, Any]]:
    """Yield what lies in the queue; wait up to `patience` seconds for the first message."""
    import queue as stdlib_queue

    try:
        yield queue.get(timeout=patience) if patience else queue.get(timeout=0.05)
        while True:
            yield queue.get_nowait()
    except stdlib_queue.Empty:
        return


@contextmanager
def _signals(wind_down: Any, running: dict[str, Any]) -> Iterator[None]:
    """On SIGINT or SIGTERM wind down; on a second one kill what runs and leave."""
    count = 0

    def handle(number: int, frame: object) -> None:
        nonlocal count
        count += 1
        if count == 1:
            print("stopping: each run writes its checkpoint; again to stop now", file=sys.stderr)
            wind_down()
        else:
            for _, process, _ in running.values():
                process.kill()
            os._exit(130)

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Display:
    """A progress bar for each run at work and one for the grid; plain lines where no terminal is.

    Args:
        specs: The runs.
        console: Where to draw.
    """

    def __init__(self, specs: Sequence[RunSpec], console: Console) -> None:
        self.console = console
        self.total = {spec.name: spec.settings.steps for spec in specs}
        self.done = dict.fromkeys(self.total, 0)
        self.rates: dict[str, float] = {}
        self.over = 0
        self._lines: dict[str, float] = {}
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:>10,.0f}/{task.total:,.0f} steps"),
            TextColumn("{task.fields[told]}"),
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
        told = [f"{progress.rate:,.0f} steps/s"] if progress.rate else []
        if progress.rate:
            told.append(f"{_duration(left / progress.rate)} left")
        if progress.score is not None:
            told.append(f"score {progress.score:.1f}")
        told.append(progress.doing)
        if name not in self.tasks:
            self.tasks[name] = self.bars.add_task(name, total=self.total[name], told="")
        self.bars.update(self.tasks[name], completed=progress.step, told=" · ".join(told))
        self.bars.update(self.grid, completed=sum(self.done.values()), told=self._grid_told())
        if not self.console.is_terminal and self._due(name):
            share = f"{progress.step:,}/{self.total[name]:,}"
            self.console.print(f"{name}: {share} · {' · '.join(told)} · {self._grid_told()}")

    def end(self, name: str, how: str, why: str) -> None:
        """Say how a run ended."""
        self.over += 1
        self.rates.pop(name, None)
        if name in self.tasks:
            self.bars.remove_task(self.tasks.pop(name))
        if how == "finished":
            self.done[name] = self.total[name]
        self.bars.update(self.grid, completed=sum(self.done.values()), told=self._grid_told())
        self.console.print(f"{name}: {how}{': ' + why if why else ''}", highlight=False)

    def _grid_told(self) -> str:
        left = sum(self.total.values()) - sum(self.done.values())
        rate = sum(self.rates.values())
        eta = f" · {_duration(left / rate)} left in all" if rate > 0 else ""
        return f"{self.over}/{len(self.total)} runs{eta}"

    def _due(self, name: str, every: float = 15.0) -> bool:
        now = time.monotonic()
        due = now - self._lines.get(name, -every) >= every
        if due:
            self._lines[name] = now
        return due


def _duration(seconds: float) -> str:
    """Return a rough duration: `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
