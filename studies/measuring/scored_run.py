"""A run of a study: trained, scored, measured, and ready to be published."""

from __future__ import annotations

import functools
import threading
import time
from pathlib import Path

from agents.settings import EvaluationProtocol
from analysis.battery import CLAIMED
from analysis.claims import CLAIMS
from analysis.shared import Shared
from analysis.tasks.tuning import TUNING_SEEDS
from analysis.verdicts.selection import split_width
from studies.measuring.measure import GAMES, open_run, score, stored_scores
from studies.measuring.measure_agent import measure, write_measurements
from studies.running.conductor import Interrupted, Progress, Report
from studies.running.directory import RunSpec
from studies.running.lock import locked
from studies.running.worker import Options, train_run

MEASURING = 60.0
"""Seconds that measuring an agent may take, the data built before; a guess on the safe side."""

ANSWER = 2.0
"""Seconds in which a launcher, on a cluster too, answers that there is no time left for so much."""


def asked_of(game: str, row: str) -> tuple[str, ...]:
    """Return what has to be measured of an agent beside its score, because claims are about it.

    Args:
        game: What it plays.
        row: Its extractor, a width allowed.
    """
    base = row if ":" in row else split_width(row)[0]
    cells = [
        cell
        for claim in CLAIMS
        for part in claim.parts
        if part.regime == "reinforcement" and game in part.games
        for cell in part.cells
    ]
    wanted = {CLAIMED[c.measure] for c in cells if c.row == base and c.measure in CLAIMED}
    return tuple(sorted(wanted))


@functools.cache
def _shared(game: str, folder: Path) -> Shared:
    """Return the data of a game; a process that does several runs loads them once."""
    return Shared(game, folder=folder, workers=1)


def train_and_score(spec: RunSpec, options: Options, report: Report, stop: threading.Event) -> None:
    """Train a run to its end, if that is not done; score it; measure what claims ask of it.

    `studies.publish` makes its row of what lies in the directory then. Games that have begun are
    played to their end, so the launcher is told beforehand how long they may take.

    Raises:
        Interrupted: If `stop` was set before the final score or the measures; the next call goes on
            there.
    """
    longest = 0.0

    def hear(progress: Progress) -> None:
        nonlocal longest
        longest = max(longest, progress.pause)
        report(progress)

    train_run(spec, options, hear, stop)
    expected = longest * GAMES / spec.settings.eval_games
    report(Progress(spec.length, 0.0, None, "final score", pause=expected))
    if stop.wait(ANSWER if expected else 0.0):
        raise Interrupted
    began = time.monotonic()
    with locked(spec.directory):
        run = open_run(spec.directory)
        if stored_scores(run, EvaluationProtocol(), GAMES) is None:
            score(run, EvaluationProtocol(), GAMES, options.device)
        write_measurements(run)
    report(Progress(spec.length, 0.0, None, "scored", pause=time.monotonic() - began))
    names = () if spec.seed in TUNING_SEEDS else asked_of(spec.game, spec.extractor)
    if names:
        report(Progress(spec.length, 0.0, None, "measuring", pause=MEASURING))
        if stop.wait(ANSWER if expected else 0.0):
            raise Interrupted
        with locked(spec.directory):
            measure(run, names, _shared(spec.game, spec.root / "datasets"), tell=lambda said: None)
