"""A run of a study: trained, scored, and ready to be published."""

from __future__ import annotations

import threading

from agents.settings import EvaluationProtocol
from studies.measuring.measure import GAMES, open_run, score, stored_scores
from studies.measuring.measure_agent import write_measurements
from studies.running.conductor import Progress, Report
from studies.running.directory import RunSpec
from studies.running.lock import locked
from studies.running.worker import Options, train_run


def train_and_score(spec: RunSpec, options: Options, report: Report, stop: threading.Event) -> None:
    """Train a run to its end, if that is not done, and play the whole games of its final score.

    `studies.publish` makes its row of what lies in the directory then.
    """
    train_run(spec, options, report, stop)
    report(Progress(spec.length, 0.0, None, "final score"))
    with locked(spec.directory):
        run = open_run(spec.directory)
        if stored_scores(run, EvaluationProtocol(), GAMES) is None:
            score(run, EvaluationProtocol(), GAMES, options.device)
        write_measurements(run)
