"""What a finished supervised run leaves: its row, and the numbers that claims can use."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import pandas as pd

from agents.checkpoints import write_json
from analysis import battery
from analysis.measurements import Measurement, save
from analysis.measures.shifts import output_shift
from analysis.probing import probes
from analysis.readings import Measured, Reading
from analysis.shared import Shared
from analysis.supervised import Trained, outputs_of, protocol
from analysis.tasks.task import ManySided, Task
from studies.networks.supervised_run import SupervisedRun
from studies.running.directory import commit, versions


def publish(run: SupervisedRun, task: Task, trained: Trained) -> None:
    """Write the row of a finished run, and beside it what claims can use."""
    run.published.parent.mkdir(parents=True, exist_ok=True)
    if run.stage != "tuning":
        found = of_training(run, task, trained) + of_network(run, task, trained)
        save(found, run.measurements)
    columns = list(trained.curve[0])
    _write(
        run,
        trained.fingerprint,
        {
            "skill": trained.judged.skill,
            **trained.judged.beside,
            "last_skill": trained.last,
            "best_validation_skill": max(row["skill"] for row in trained.curve),
            "gain": trained.gain,
            "stuck": trained.stuck,
            "silent": trained.silent,
            "columns": columns,
            "curve": [[round(row[c], 5) for c in columns] for row in trained.curve],
        },
    )


def publish_diverged(run: SupervisedRun, task: Task, why: str) -> None:
    """Write the row of a tuning run whose loss was no number any more: that of one that is stuck.

    Args:
        run: Which run.
        task: What it was to learn.
        why: In words.
    """
    run.published.parent.mkdir(parents=True, exist_ok=True)
    nothing = dict.fromkeys(("skill", "last_skill", "best_validation_skill", "gain"), 0.0)
    about = {"stuck": True, "diverged": why, "columns": ["update", "loss", "skill"], "curve": []}
    _write(run, protocol(task, run.settings), nothing | about)


def _write(run: SupervisedRun, fingerprint: str, found: dict[str, Any]) -> None:
    write_json(
        run.published,
        {
            "stage": run.stage,
            "task": run.task,
            "game": run.game,
            "condition": run.condition,
            "row": run.row,
            "seed": run.seed,
            "settings": asdict(run.settings),
            "fingerprint": fingerprint,
            **found,
            "versions": versions(),
            "commit": commit(),
        },
    )


def of_training(
    run: SupervisedRun, task: Task, trained: Trained, made_by: str = ""
) -> list[Measurement]:
    """Return what the claims can use of how training went and of how good the outputs are.

    Args:
        run: Which run.
        task: What it learnt.
        trained: What came of it.
        made_by: The commit, if it is another one than the row names.
    """
    if isinstance(task, ManySided):
        outputs = outputs_of(trained.network, task.parts["test"].observations)
        readings = task.readings(outputs, trained.curve)
    else:
        readings = (
            Reading(task.measure, trained.judged.skill, task.condition),
            # Several networks a row and seed, one for each condition; of WHERE there is one.
            Reading(task.gain, trained.gain, "" if run.task == "where" else task.condition),
        )
    if run.task == "where":
        readings += (Reading("updates_to_4px", trained.reached("rmse_px", 4)),)
    return _measurements(run, Measured(pd.DataFrame(), readings), trained, made_by)


AFTER = {"where": ("probes", "jnd", "equivariance", "bits", "pools")}
"""Measures of the trained network, by task: taken at once, because weights are not published."""

SHIFTED = {"what": "what_shift", "reward": "reward_shift"}
"""Robustness to shifts of the input, by task."""


def of_network(
    run: SupervisedRun,
    task: Task,
    trained: Trained,
    names: Collection[str] | None = None,
    made_by: str = "",
) -> list[Measurement]:
    """Return what is measured of the trained network.

    The tables stay in the run's directory; what probes find in the features, and in their controls,
    is published.

    Args:
        run: Which run.
        task: What it learnt.
        trained: What came of it.
        names: Only these measures; all of the task's unless told.
        made_by: The commit, if it is another one than the row names.
    """
    subject = battery.Subject(trained.network, "supervised", _shared(run.game))
    found: list[Measurement] = []
    for name in AFTER.get(run.task, ()):
        if names is not None and name not in names:
            continue
        instrument = battery.INSTRUMENTS[name]
        if instrument.of(subject):
            measured = instrument.take(subject, battery.generator(run.seed, name))
            measured.table.to_parquet(run.directory / f"{name}.parquet")
            if name == "probes":
                run.published.parent.mkdir(parents=True, exist_ok=True)
                probes.published(measured.table).to_parquet(run.probes)
            found += _measurements(run, measured, trained, made_by)
    if run.task in SHIFTED and (names is None or "shifts" in names):
        measured = output_shift(
            trained.network,
            task.parts["test"].observations,
            battery.generator(run.seed, "shifts"),
            measure=SHIFTED[run.task],
            condition=run.condition,
        )
        found += _measurements(run, measured, trained, made_by)
    return found


def _measurements(
    run: SupervisedRun, measured: Measured, trained: Trained, made_by: str
) -> list[Measurement]:
    return measured.measurements(
        run.row,
        run.seed,
        "supervised",
        run.game,
        run.settings.updates,
        trained.fingerprint,
        made_by,
    )


@functools.lru_cache(maxsize=1)
def _shared(game: str) -> Shared:
    return Shared(game, workers=1)
