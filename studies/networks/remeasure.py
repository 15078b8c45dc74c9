"""Trained networks measured again: a measure has changed, what they learnt has not.

    python -m studies.networks.remeasure where --rows nature@0.5 gap@0.5 --seeds 0 1 --measures jnd

takes measures of networks whose rows are in `results/` and whose weights are still in their run
directories, and puts the numbers into the place of the old ones. What is read off the curve is read
again, too. Weights that are not those of the row are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import tyro
from rich.progress import track

import commandline
from agents.checkpoints import load_weights, read_json, write_json
from analysis.measurements import load, save
from analysis.networks import build
from analysis.supervised import SupervisedSettings, Trained, late_gain, outputs_of, protocol
from analysis.tasks import catalogue
from analysis.tasks.task import Task
from commandline import BadInput, choose, told
from studies.networks.supervised_rows import AFTER, SHIFTED, of_network, of_training
from studies.networks.supervised_run import SupervisedRun
from studies.running.directory import commit

CLOSE = 1e-6
"""By which the skill of the same weights on the same scenes may differ, on another machine, say."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        task: What the networks were trained on: where, reward, what, …
        rows: Of the zoo, a width allowed.
        seeds: Of the networks.
        measures: Which to take again; all of the task's unless named.
        game: Whose pictures they see.
        out: Folder of all runs, with the weights.
        results: Folder of published rows.
    """

    task: tyro.conf.Positional[str]
    rows: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=lambda: [0])
    measures: list[str] = field(default_factory=list)
    game: str = "pong"
    out: Path = Path("runs")
    results: Path = Path("results")


def kept(arguments: Arguments) -> tuple[list[SupervisedRun], list[SupervisedRun]]:
    """Return the runs asked for that have a row and weights, and those that lack one of them.

    Raises:
        BadInput: If there is no such task, game or measure, or no such run.
    """
    choose("task", arguments.task, catalogue.TASKS)
    kind = catalogue.TASKS[arguments.task]
    choose("--game", arguments.game, kind.games)
    for name in arguments.measures:
        shifts = ("shifts",) if arguments.task in SHIFTED else ()
        choose("--measures", name, (*AFTER.get(arguments.task, ()), *shifts))
    usual = [
        SupervisedRun(
            "tuned", arguments.task, arguments.game, condition, row, seed, kind.settings,
            arguments.out, arguments.results,
        )
        for seed in dict.fromkeys(arguments.seeds)
        for row in dict.fromkeys(arguments.rows)
        for condition in kind.games[arguments.game]
    ]  # fmt: skip
    there, lacking = [], []
    for run in usual:
        rows = [
            replace(run, settings=settings_of(file))
            for file in sorted(run.published.parent.glob(f"*seed{run.seed}.json"))
            if not file.name.startswith("measurements")
        ]
        there += [row for row in rows if weights(row).exists()]
        lacking += [row for row in rows or [run] if not weights(row).exists()]
    if not there:
        raise BadInput(
            f"--rows: expected a network with its row in {arguments.results} and its weights in "
            f"{arguments.out}, got {', '.join(arguments.rows) or 'none'}"
        )
    return there, lacking


def settings_of(file: Path) -> SupervisedSettings:
    """Return how the network of a row was trained.

    Raises:
        BadInput: If the row does not say.
    """
    try:
        return SupervisedSettings(**read_json(file)["settings"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{file}: expected the row of a run, got {told(error)}") from None


def weights(run: SupervisedRun) -> Path:
    """Return where a run's judged weights lie."""
    return run.directory / "network.safetensors"


def trained(run: SupervisedRun, row: dict[str, Any], task: Task) -> Trained:
    """Return what came of a run, from its row and its weights.

    Raises:
        BadInput: If the row cannot be read, was trained on other data, or is of other weights.
    """
    network = build(run.network, run.seed, task.outputs)
    load_weights(network, weights(run))
    network.eval()
    try:
        curve = [dict(zip(row["columns"], point, strict=True)) for point in row["curve"]]
        skill, last = float(row["skill"]), float(row["last_skill"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{run.published}: expected the row of a run, got {told(error)}") from None
    if row.get("fingerprint") != protocol(task, run.settings):
        raise BadInput(f"{run.published}: expected a network trained on these data, got another")
    judged = task.judge(outputs_of(network, task.parts["test"].observations), "test")
    if abs(judged.skill - skill) > CLOSE:
        raise BadInput(
            f"{weights(run)}: expected the weights of {run.published} with skill {skill:.6f}, got "
            f"{judged.skill:.6f}"
        )
    gain = late_gain([point["skill"] for point in curve], run.settings.looks)
    silent = bool(row.get("silent"))
    return Trained(network, curve, judged, last, gain, silent, row["fingerprint"])


def again(run: SupervisedRun, task: Task, names: Sequence[str]) -> int:
    """Measure a network again and replace the numbers; return how many are new."""
    row = read_json(run.published)
    result = trained(run, row, task)
    made_by = commit() or ""
    found = of_training(run, task, result, made_by)
    found += of_network(run, task, result, names or None, made_by)
    measures = {m.measure for m in found}
    before = load(run.measurements) if run.measurements.exists() else []
    save([*(m for m in before if m.measure not in measures), *found], run.measurements)
    write_json(run.published, {**row, "gain": result.gain})
    return len(found)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the command line names; return the exit status."""
    program = "python -m studies.networks.remeasure"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    torch.set_num_threads(1)
    runs, lacking = kept(arguments)
    tasks: dict[str, Task] = {}
    for run in track(runs, "measuring"):
        if run.condition not in tasks:
            tasks[run.condition] = catalogue.task(run.task, run.game, run.condition)
        count = again(run, tasks[run.condition], arguments.measures)
        print(f"{run.title}: {count} numbers")
    for run in lacking:
        print(f"{run.title}: not measured again, no weights in {weights(run).parent}")
    return 1 if lacking else 0


if __name__ == "__main__":
    commandline.run(main)
