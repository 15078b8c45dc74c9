"""Choose each row's learning rate from published tuning runs.

    python train.py --study studies/tune_catch.yaml --workers 2
    python -m studies.tune

reads the rows of the tuning seeds below results/runs, chooses, and writes what was chosen and what
lost to results/tuning/, one file for each game and way of training. train.py takes the rates from
there; it refuses rows whose tuning has begun and is not done: their runs could stand beside none.

The rule, fixed before any of these runs: the rate with the highest learning curve – its mean height
over all agent steps, mean of the three tuning seeds; the smaller of equals. A rate counts with all
three seeds, and the four of the grid have to be there. An optimum at the edge widens the grid by
one rate in that direction; the command for it is printed. A row that no rate lifts off random play
(5 % of the way to the game's reference, or to the best row where there is none) keeps the preset's
rate: noise chooses nothing.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console

import commandline
from agents import tuned
from agents.checkpoints import write_json
from analysis.supervised import STUCK
from analysis.tasks.tuning import (
    RATES,
    TUNING_SEEDS,
    TUNING_UPDATES,
    Tried,
    choose_rate,
    means,
    to_try,
)
from commandline import PYTHON, BadInput
from studies.tuning_runs import TuningRun, recipe, tuning_runs


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        results: Folder of published rows; the choice goes to its tuning/. train.py reads that of
            results alone.
    """

    results: tyro.conf.Positional[Path] = field(default=Path("results"))


@dataclass(frozen=True)
class Choice:
    """What the runs of one row say.

    Attributes:
        row: Of the zoo, with its width.
        runs: Its tuning runs.
        tried: The same for the rule: rate, seed, normalised height.
    """

    row: str
    runs: tuple[TuningRun, ...]
    tried: tuple[Tried, ...]

    @property
    def means(self) -> Mapping[float, float]:
        """Mean normalised height of each rate that has all seeds."""
        return means(self.tried, TUNING_UPDATES)  # the length that `Tried` has by itself

    @property
    def missing(self) -> Sequence[float]:
        """Rates that have to be tried before one can be chosen."""
        return () if self.stuck else to_try(self.tried)

    @property
    def stuck(self) -> bool:
        """Whether no rate of the grid lifts the row off random play."""
        known = self.means
        return not set(RATES) - known.keys() and max(known.values()) < STUCK

    @property
    def rate(self) -> float | None:
        """The rate chosen; `None` if more is to do, or if the row is stuck."""
        return None if self.stuck else choose_rate(self.tried)

    def facts(self) -> dict[str, Any]:
        """Return the choice as the file has it: what was chosen, and what lost."""
        by_rate: dict[float, list[TuningRun]] = defaultdict(list)
        for run in self.runs:
            by_rate[run.settings.learning_rate].append(run)
        known = self.means
        return {
            **({} if self.rate is None else {"rate": self.rate}),
            "rates": {
                f"{rate:g}": {
                    "mean": round(known[rate], 4) if rate in known else None,
                    "heights": {str(run.seed): round(run.height, 4) for run in runs},
                    "curves": [run.path for run in runs],
                }
                for rate, runs in sorted(by_rate.items())
            },
        }


def choices(runs: Sequence[TuningRun]) -> list[Choice]:
    """Return the choice for each row of one game and one way of training.

    Raises:
        BadInput: If the runs are not equally long, or two are of one rate and seed.
    """
    game = runs[0].game
    by_row: dict[str, list[TuningRun]] = defaultdict(list)
    known: dict[tuple[str, float, int], TuningRun] = {}
    for run in runs:
        if run.settings.steps != runs[0].settings.steps:
            raise BadInput(
                f"{run.path}: expected tuning runs of one length, got {run.settings.steps:,} agent "
                f"steps, and {runs[0].settings.steps:,} in {runs[0].path}"
            )
        key = (run.row, run.settings.learning_rate, run.seed)
        other = known.setdefault(key, run)
        if other is not run:
            raise BadInput(f"{run.path}: expected one run of a rate and seed, got {other.path} too")
        by_row[run.row].append(run)
    reference = game.reference_score
    if reference is None:
        reference = max(run.height for run in runs)
    span = max(reference - game.random_score, 1e-9)
    return [
        Choice(
            row,
            tuple(members),
            tuple(
                Tried(r.settings.learning_rate, r.seed, (r.height - game.random_score) / span)
                for r in members
            ),
        )
        for row, members in by_row.items()
    ]


def command_for(choice: Choice, results: Path) -> str:
    """Return the command that tries what is missing of a row, one rate after the other."""
    run = choice.runs[0]
    preset, options = recipe(run) or ("…", {})
    more = "".join(f"--{name.replace('_', '-')} {value} " for name, value in options.items())
    study = run.study.removesuffix(f"{run.settings.learning_rate:g}") + "{learning_rate}"
    rates = " ".join(f"{rate:g}" for rate in choice.missing)
    return (
        f"for rate in {rates}; do {PYTHON} train.py --preset {preset} {more}"
        f"--game {run.game.name} --extractor {shlex.quote(run.row)} "
        f"--seed {' '.join(map(str, TUNING_SEEDS))} --learning-rate $rate "
        f"--study-name {shlex.quote(study)} --results {shlex.quote(str(results))}; done"
    )


def tell(found: Sequence[Choice], results: Path, console: Console) -> None:
    """Print what was chosen for each row of a game, and what is left to try."""
    for choice in found:
        known = ", ".join(f"{rate:g}: {mean:.3f}" for rate, mean in choice.means.items())
        if choice.rate is not None:
            console.print(f"  {choice.row}: {choice.rate:g} ({known})")
        elif choice.stuck:
            console.print(f"  {choice.row}: stuck at every rate, keeps the preset's ({known})")
        else:
            why = "the best so far lies at the edge" if len(choice.means) >= len(RATES) else "begun"
            console.print(f"  {choice.row}: not chosen yet, {why} ({known or 'no whole rate'})")
            console.print(f"    {command_for(choice, results)}")


def write(found: Sequence[Choice], results: Path) -> Path:
    """Write what was chosen for the rows of a game, and what lost; return the file."""
    run = found[0].runs[0]
    made = recipe(run)
    path = results / "tuning" / f"{run.game.name}-{run.fingerprint}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(
        path,
        {
            "game": run.game.name,
            "training_fingerprint": run.fingerprint,
            "steps": run.settings.steps,
            "preset": made[0] if made else None,
            "options": made[1] if made else {},
            "rule": " ".join((__doc__ or "").partition("The rule, ")[2].split()),
            "rows": {c.row: c.facts() for c in found if c.rate is not None},
            "stuck": {c.row: c.facts() for c in found if c.stuck},
            "open": {c.row: c.facts() for c in found if c.rate is None and not c.stuck},
        },
    )
    return path


def main(argv: Sequence[str] | None = None) -> int:
    """Choose and write; return the exit status."""
    program = "python -m studies.tune"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    by_training: dict[tuple[str, str], list[TuningRun]] = defaultdict(list)
    for run in tuning_runs(arguments.results):
        by_training[run.game.name, run.fingerprint].append(run)
    if not by_training:
        raise BadInput(
            f"{arguments.results}: expected rows of seeds "
            f"{', '.join(map(str, TUNING_SEEDS))} below runs/, got none; "
            "train.py --study studies/tune_catch.yaml makes some"
        )
    console = Console(highlight=False, soft_wrap=True)
    decided = [choices(runs) for runs in by_training.values()]
    for found in decided:
        run = found[0].runs[0]
        console.print(f"{run.game.title}, {run.settings.steps:,} agent steps, {run.fingerprint}")
        tell(found, arguments.results, console)
        console.print(f"  {write(found, arguments.results)}")
    if (arguments.results / "tuning").resolve() != tuned.FOLDER:
        console.print(
            "train.py takes rates from results/tuning alone; copy there what it is to use"
        )
    return 0


if __name__ == "__main__":
    commandline.run(main)
