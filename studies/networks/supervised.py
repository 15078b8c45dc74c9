"""Networks trained without a game, many at a time; each finished one adds its row to `results/`.

Three stages, each a folder of its own: `tuning` chooses a learning rate for each row on other
seeds, `tuned` are the runs that are judged, `common` the same at one rate for all. A run whose row
lies in `results/` is not done again, so that `runs/` can be lost.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from agents import process
from agents.checkpoints import read_json
from analysis.supervised import Stopped, train
from analysis.supervised_checkpoint import Row
from analysis.tasks import catalogue, tuning
from analysis.tasks.task import Task
from commandline import BadInput, told
from studies.networks.supervised_rows import publish, publish_diverged
from studies.networks.supervised_run import Stage, SupervisedRun
from studies.running.conductor import Interrupted, Progress, Report
from studies.running.directory import differences
from studies.running.lock import GaveUpError, locked
from studies.running.worker import Options

REPORT_EVERY = 2.0
"""Seconds between two reports of a run."""


def perform(run: SupervisedRun, options: Options, report: Report, stop: threading.Event) -> None:
    """Train and judge one network, and publish its row."""
    run.directory.mkdir(parents=True, exist_ok=True)
    try:
        with locked(run.directory, patience=options.patience, stop=stop):
            _perform(run, options, report, stop)
    except GaveUpError:
        raise Interrupted from None


def _perform(run: SupervisedRun, options: Options, report: Report, stop: threading.Event) -> None:
    process.prepare(options.threads)
    report(Progress(0, 0, None, "loading"))
    asked = _task(run.task, run.game, run.condition)
    told, before = time.monotonic(), -1

    def tell(updates: int, curve: list[Row]) -> None:
        nonlocal told, before
        before = updates - 1 if before < 0 else before
        if time.monotonic() - told >= REPORT_EVERY:
            rate = (updates - before) / (time.monotonic() - told)
            told, before = time.monotonic(), updates
            doing = f"skill {curve[-1]['skill']:.3f}" if curve else "training"
            report(Progress(updates, rate, None, doing))

    try:
        trained = train(
            run.network, asked, run.seed, run.settings, run.directory, tell, stop.is_set
        )
    except Stopped:
        raise Interrupted from None
    except FloatingPointError as error:
        # A rate at which training diverges is a rate that was tried; a judged run that does failed.
        if run.stage != "tuning":
            raise
        publish_diverged(run, asked, str(error))
        return
    report(Progress(run.length, 0, None, "measuring"))
    publish(run, asked, trained)


@functools.lru_cache(maxsize=2)
def _task(name: str, game: str, condition: str) -> Task:
    """Return a task; a process that does several runs loads its data once."""
    return catalogue.task(name, game, condition)


def tried(run: SupervisedRun) -> list[tuning.Tried]:
    """Return what the published tuning runs of the run's row and task say."""
    folder = run.published.parent
    found = []
    for path in sorted(folder.glob("*rate*-seed*.json")):
        row = read_json(path)
        try:
            found.append(
                tuning.Tried(
                    float(row["settings"]["learning_rate"]),
                    int(row["seed"]),
                    float(row["best_validation_skill"]),
                    int(row["settings"]["updates"]),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{path}: expected the row of a tuning run, got {told(error)}") from None
    return found


def tuning_runs(
    asked: Iterable[tuple[str, str, str]], rows: Sequence[str], root: Path, results: Path
) -> list[SupervisedRun]:
    """Return the runs that choosing a learning rate still takes: seeds in rounds, all rows in each.

    Args:
        asked: Task, game, condition.
        rows: Of the zoo.
        root: The folder of all runs.
        results: The folder of published rows.
    """
    found = []
    for task, game, condition in dict.fromkeys(catalogue.where_rates_are(*q) for q in asked):
        shortest = catalogue.TASKS[task].tuning_updates
        for seed in tuning.TUNING_SEEDS:
            for row in rows:
                settings = replace(catalogue.TASKS[task].settings, updates=shortest)
                any_rate = SupervisedRun(
                    "tuning", task, game, condition, row, seed, settings, root, results
                )
                known = tried(any_rate)
                updates = tuning.updates_to_try(known, shortest)
                for rate in tuning.to_try(known, shortest):
                    run = at(any_rate, rate, updates)
                    if not run.published.exists():
                        found.append(run)
    return found


def _chosen_rate(run: SupervisedRun) -> float | None:
    """Return the learning rate that the tuning runs of a run's row and task have chosen."""
    return tuning.choose_rate(tried(run), catalogue.TASKS[run.task].tuning_updates)


def at(run: SupervisedRun, rate: float, updates: int) -> SupervisedRun:
    """Return the same run at another learning rate and length."""
    settings = replace(run.settings, learning_rate=rate, updates=updates)
    return replace(run, settings=settings)


def judged_runs(
    asked: Iterable[tuple[str, str, str]],
    rows: Sequence[str],
    seeds: Sequence[int],
    stage: Stage,
    updates: int,
    root: Path,
    results: Path,
) -> list[SupervisedRun]:
    """Return the runs that are judged and lack a row: seeds in rounds, all rows in each.

    Args:
        asked: Task, game, condition.
        rows: Of the zoo.
        seeds: From 0 on; those that chose the learning rates are refused.
        stage: `tuned` or `common`.
        updates: Of each run.
        root: The folder of all runs.
        results: The folder of published rows.

    Raises:
        BadInput: If a row has no learning rate yet, a seed was one of those that chose it, or what
            is published was trained with other settings.
    """
    if used := sorted(set(seeds) & set(tuning.TUNING_SEEDS)):
        raise BadInput(f"--seeds: expected other seeds than those that chose the rates, got {used}")
    found = []
    for task, game, condition in asked:
        rates: dict[str, float] = {}
        settings = catalogue.TASKS[task].settings
        for row in rows:
            known = catalogue.where_rates_are(task, game, condition)
            probe = SupervisedRun("tuning", *known, row, 0, settings, root, results)
            rate = _chosen_rate(probe) if stage == "tuned" else tuning.COMMON_RATE
            if rate is None:
                raise BadInput(
                    f"{row}: expected a learning rate chosen for {known[0]} in {game} (in "
                    f"{probe.published.parent}), got none; run the same command with --tune first"
                )
            rates[row] = rate
        for seed in seeds:
            for row in rows:
                how = replace(settings, updates=updates, learning_rate=rates[row])
                run = SupervisedRun(stage, task, game, condition, row, seed, how, root, results)
                if not is_published(run):
                    found.append(run)
    return found


def is_published(run: SupervisedRun) -> bool:
    """Say whether the row of a run that is judged lies there.

    Raises:
        BadInput: If it cannot be read, or is that of a run with other settings.
    """
    if not run.published.exists():
        return False
    odd = differences(read_json(run.published), {"settings": asdict(run.settings)})
    if odd:
        raise BadInput(
            f"{run.published}: expected the row of a run with the same settings, got one with "
            f"others ({'; '.join(odd)}); move it away to train anew"
        )
    return True
