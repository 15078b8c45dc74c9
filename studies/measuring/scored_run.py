"""A run of a study: trained, scored, and ready to be published."""

from __future__ import annotations

import threading
import time

from agents.settings import EvaluationProtocol
from studies.measuring.measure import GAMES, open_run, score, stored_scores
from studies.measuring.measure_agent import write_measurements
from studies.running.conductor import Interrupted, Progress, Report
from studies.running.directory import RunSpec
from studies.running.lock import locked
from studies.running.worker import Options, train_run

ANSWER = 2.0
"""Seconds in which a launcher, on a cluster too, answers that there is no time left for so much."""


def train_and_score(spec: RunSpec, options: Options, report: Report, stop: threading.Event) -> None:
    """Train a run to its end, if that is not done, and play the whole games of its final score.

    `studies.publish` makes its row of what lies in the directory then. Games that have begun are
    played to their end, so the launcher is told beforehand how long they may take.

    Raises:
        Interrupted: If `stop` was set before the final score; the next call plays it.
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
