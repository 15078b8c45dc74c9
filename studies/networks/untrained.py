"""Networks with random weights, read out: many rows, many seeds, seconds each.

A job is a share of the networks, because starting a process takes longer than measuring one. Seeds
come in rounds, all rows in each; what was measured is in `results/` at once, one file for each row,
and is not measured again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents import extractors, process
from agents.settings import fingerprint
from analysis import battery
from analysis.measurements import Measurement, load, save
from analysis.networks import build
from analysis.probing.probes import DECIDE, pixel_probes
from analysis.shared import Shared
from studies.running.conductor import Interrupted, Progress, Report
from studies.running.directory import commit
from studies.running.lock import locked
from studies.running.worker import Options

OUTPUTS = 6
"""Of the last layer: the actions of Pong. No measure of this regime looks at more than that."""

PATIENCE = 60.0
"""Seconds to wait for another command that adds to the same file."""

PIXELS = "raw_pixels"
"""The row of what is measured on the input itself."""

OF_PIXELS = ("erased_r2", *(measure for measure, _, _ in DECIDE))
"""What is published of it."""


@dataclass(frozen=True)
class UntrainedShare:
    """Some of the networks of a game.

    Attributes:
        number: Which share.
        game: Whose pictures.
        networks: Rows and seeds, in order.
        results: The folder of published rows.
        root: The folder of all runs.
    """

    number: int
    game: str
    networks: tuple[tuple[str, int], ...]
    results: Path
    root: Path

    @property
    def title(self) -> str:
        """What it is called while it is at work."""
        return f"untrained/{self.game}/share{self.number}"

    @property
    def directory(self) -> Path:
        """Where it would leave an error."""
        return self.root / "untrained" / self.game

    @property
    def length(self) -> int:
        """Networks."""
        return len(self.networks)


def published(results: Path, game: str, row: str) -> Path:
    """Return the file of a row's measurements."""
    return results / "untrained" / game / extractors.directory_name(row) / "measurements.json"


def shares(
    game: str, rows: Sequence[str], seeds: Sequence[int], workers: int, root: Path, results: Path
) -> list[UntrainedShare]:
    """Return what is left to measure, dealt to so many workers; each row belongs to one of them.

    Args:
        game: Whose pictures.
        rows: Of the zoo, widths allowed.
        seeds: Of the initial weights.
        workers: Shares, at most.
        root: The folder of all runs.
        results: The folder of published rows.
    """
    known = {row: _seeds(published(results, game, row)) for row in rows}
    found = []
    for number in range(workers):
        mine = rows[number::workers]
        left = tuple((row, seed) for seed in seeds for row in mine if seed not in known[row])
        if left:
            found.append(UntrainedShare(number, game, left, results, root))
    return found


def _seeds(file: Path) -> set[int]:
    return {m.seed for m in load(file)} if file.exists() else set()


def measure(share: UntrainedShare, options: Options, report: Report, stop: threading.Event) -> None:
    """Measure every network of a share."""
    process.prepare(options.threads)
    share.directory.mkdir(parents=True, exist_ok=True)
    shared = Shared(share.game, workers=1)
    # The data, and nothing of a row or a seed: what has to agree between rows that are compared.
    made_on = fingerprint({"data": shared.held.content_hash(), "regime": "untrained"})
    made_by = commit() or ""
    began = time.monotonic()
    for done, (row, seed) in enumerate(share.networks):
        if stop.is_set():
            raise Interrupted
        network = build(row, seed, OUTPUTS)
        subject = battery.Subject(network, "untrained", shared)
        found: list[Measurement] = []
        for name, instrument in battery.UNTRAINED.items():
            if instrument.of(subject):
                measured = instrument.take(subject, battery.generator(seed, name))
                found += measured.measurements(
                    row, seed, "untrained", share.game, 0, made_on, made_by
                )
        _add(found, published(share.results, share.game, row), share)
        rate = (done + 1) / (time.monotonic() - began)
        report(Progress(done + 1, rate, None, f"{row}, seed {seed}"))


def _add(found: Sequence[Measurement], file: Path, share: UntrainedShare) -> None:
    """Add to what is published of a row; another command may be adding other seeds."""
    beside = share.directory / file.parent.name
    beside.mkdir(parents=True, exist_ok=True)
    with locked(beside, patience=PATIENCE):
        save([*(load(file) if file.exists() else []), *found], file)


def check_set(shared: Shared, results: Path) -> None:
    """Publish what the shared set itself tells, with the ball and with it erased; once a game.

    The row `raw_pixels`: what probes find without any network. A network may well make of the input
    what is easier to read. Beside the numbers lies the whole table of probes.
    """
    if is_checked(shared.game, results):
        return
    file = _of_pixels(shared.game, results)
    made_on = fingerprint({"data": shared.held.content_hash(), "regime": "untrained"})
    measured = pixel_probes(shared.held, battery.generator(0, PIXELS))
    file.parent.mkdir(parents=True, exist_ok=True)
    measured.table.to_parquet(file.with_name("probes.parquet"))
    made_by = commit() or ""
    save(measured.measurements(PIXELS, 0, "untrained", shared.game, 0, made_on, made_by), file)


def is_checked(game: str, results: Path) -> bool:
    """Whether everything that is told of a game's shared set has been published."""
    file = _of_pixels(game, results)
    return file.exists() and set(OF_PIXELS) <= {m.measure for m in load(file)}


def _of_pixels(game: str, results: Path) -> Path:
    return results / "untrained" / game / PIXELS / "measurements.json"
