"""A job that lasts until it is asked to stop, and a launcher of one, for tests."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from studies.launch import launch
from studies.running.conductor import Interrupted, Progress, Report
from studies.running.worker import Options


@dataclass(frozen=True)
class Stay:
    """Leaves `begun` in its directory, and `saved` when it was asked to stop."""

    directory: Path
    title: str = "stay"
    length: int = 1


def stay(job: Stay, options: Options, report: Report, stop: threading.Event) -> None:
    (job.directory / "begun").touch()
    while not stop.wait(0.1):
        report(Progress(0, 0.0, None, "", "still here"))
    (job.directory / "saved").touch()
    raise Interrupted


def main() -> None:
    """Launch one job in the folder that the command line names."""
    options = Options(1, "disabled", "cpu", 1)
    outcome = launch([Stay(Path(sys.argv[1]))], stay, options, Console())
    sys.exit(130 if outcome.interrupted else 0)
