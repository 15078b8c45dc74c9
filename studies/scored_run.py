"""A run of a study: trained, scored, and ready to be published."""

from __future__ import annotations

import threading

from agents.settings import EvaluationProtocol
from studies.conductor import Progress, Report
from studies.directory import RunSpec
from studies.lock import locked
from studies.measure import GAMES, open_run, score, stored_scores
from studies.measure_agent import write_measurements
from studies.worker import Options, train_run


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
