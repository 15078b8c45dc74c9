"""How long the analysis of one agent takes, and where the time goes.

    python -m benchmarks.analysis --row nature@0.5 half_max@0.5

takes every measure that needs no rollouts of a network with random weights, as of an agent, on as
many threads as asked for, and prints the seconds of each and their share. With --do-map it also
builds Pong's map of what each place is worth: 20 × 20 places, 4 velocities, 10 scenes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

import commandline
from agents import extractors, process
from analysis.battery import INSTRUMENTS, Subject, generator
from analysis.networks import build
from analysis.shared import Shared
from analysis.worth.do_maps import do_map
from analysis.worth.do_scenes import DoSettings
from commandline import at_least

LIMIT_SECONDS = 90
"""For all measures of one network without rollouts."""

LIMIT_MAP_SECONDS = 300
"""For a do-map under the scripted player."""

ACTIONS = 6


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        row: Rows of the zoo, a width allowed.
        threads: PyTorch threads. NumPy's own follow OMP_NUM_THREADS.
        do_map: Also build a do-map, in a folder of its own.
    """

    row: list[str] = field(default_factory=lambda: ["nature@0.5", "half_max@0.5"])
    threads: int = 2
    do_map: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False


def seconds_of(row: str, shared: Shared) -> dict[str, float]:
    """Return the seconds that each measure without rollouts takes of a row."""
    subject = Subject(build(row, 0, ACTIONS), "reinforcement", shared)
    found = {}
    for name, instrument in INSTRUMENTS.items():
        if instrument.rollouts or not instrument.of(subject):
            continue
        began = time.perf_counter()
        instrument.take(subject, generator(0, name))
        found[name] = time.perf_counter() - began
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 if a limit is passed."""
    arguments = commandline.parse(Arguments, argv, "benchmarks.analysis", __doc__ or "")
    at_least("--threads", arguments.threads, 1)
    for row in arguments.row:
        extractors.check(row)
    process.prepare(arguments.threads)
    console = Console(highlight=False)
    shared = Shared("pong")
    _ = shared.held, shared.ladders  # loading them is not the analysis of an agent
    kept = True
    for row in arguments.row:
        found = seconds_of(row, shared)
        total = sum(found.values())
        kept &= total <= LIMIT_SECONDS
        table = Table("measure", "seconds", "share", title=f"{row}, {arguments.threads} threads")
        for name, seconds in sorted(found.items(), key=lambda item: -item[1]):
            table.add_row(name, f"{seconds:.1f}", f"{seconds / total:.0%}")
        table.add_row("all", f"{total:.1f}", f"at most {LIMIT_SECONDS}")
        console.print(table)
    if arguments.do_map:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            of = do_map(DoSettings(), folder=Path(folder))
            seconds = time.perf_counter() - began
        kept &= seconds <= LIMIT_MAP_SECONDS
        console.print(
            f"do-map: {seconds:.0f} s (at most {LIMIT_MAP_SECONDS}); {of.facts.get('counts')}"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    commandline.run(main)
