"""Everything that `evaluate.py` does without an agent: untrained, supervised, and the game itself.

Each finished piece is published to `results/` at once and not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from agents import extractors
from analysis.shared import Shared
from analysis.supervised import SupervisedSettings
from analysis.tasks import catalogue
from analysis.worth.rollouts import can_be_played_on
from commandline import BadInput, at_least, called, choose
from envs.games import GAMES, find
from studies.crew import hire_for_networks
from studies.launch import launch
from studies.networks import potential, supervised, untrained
from studies.networks.supervised_run import Stage, SupervisedRun
from studies.running.worker import Job, Options, Perform


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        rows: Of the zoo, widths allowed.
        seeds: Of the networks.
        games: Whose pictures they see.
        workers: Processes.
        threads: PyTorch threads of each.
        root: The folder of all runs.
        results: The folder of published rows.
        ray: Address of a Ray cluster, `None` for processes of this machine.
    """

    rows: tuple[str, ...]
    seeds: tuple[int, ...]
    games: tuple[str, ...]
    workers: int
    threads: int
    root: Path
    results: Path
    ray: str | None = None

    def check(self, *, networks: bool = True) -> None:
        """Raise `BadInput` if that cannot be done; nothing has been written then."""
        if networks and not self.rows:
            raise BadInput("--rows: expected rows of the zoo, such as nature@0.5; got none")
        for name in ("seeds", "games"):
            if not getattr(self, name):
                raise BadInput(
                    f"--{name.replace('games', 'game')}: expected at least one, got none"
                )
        for row in self.rows:
            _check_row(row)
        for seed in self.seeds:
            at_least("--seeds", seed, 0)
        for game in self.games:
            choose("--game", game, GAMES)
        at_least("--workers", self.workers, 1)


def _check_row(row: str) -> None:
    """Raise `BadInput` if there is no such row; costly ones tell by the time that they take."""
    with called("--rows", instead_of="--extractor"):
        extractors.check(row, allow_costly=True)


@dataclass(frozen=True)
class Training:
    """How networks are trained in the supervised regime.

    Attributes:
        tasks: Keys of `analysis.tasks.catalogue.TASKS`.
        tune: Choose learning rates instead, on seeds of their own.
        common: Train all rows at one rate instead of each at its own.
        updates: Of each network's weights.
    """

    tasks: tuple[str, ...]
    tune: bool
    common: bool
    updates: int


def train_supervised(asked: Asked, training: Training, console: Console) -> int:
    """Train the networks that have no row yet; return the exit status."""
    asked.check()
    SupervisedSettings(updates=training.updates)  # refuses what cannot be
    for name in training.tasks:
        choose("--supervised", name, catalogue.TASKS)
    questions = [
        (name, game, condition)
        for name in training.tasks
        for game in asked.games
        for condition in catalogue.TASKS[name].games[
            choose("--game", game, catalogue.TASKS[name].games)
        ]
    ]

    for row in asked.rows:
        for name, _, condition in questions:
            _check_row(catalogue.TASKS[name].network(row, condition))

    def left() -> Sequence[SupervisedRun]:
        if training.tune:
            return supervised.tuning_runs(questions, asked.rows, asked.root, asked.results)
        stage: Stage = "common" if training.common else "tuned"
        return supervised.judged_runs(
            questions, asked.rows, asked.seeds, stage, training.updates, asked.root, asked.results
        )

    def prepare() -> None:
        for question in dict.fromkeys((j.task, j.game, j.condition) for j in left()):
            catalogue.task(*question)

    return _until_done(left, prepare, supervised.perform, asked, console, "updates")


def measure_untrained(asked: Asked, console: Console) -> int:
    """Measure the networks with random weights that have not been; return the exit status."""
    asked.check()

    def left() -> Sequence[Job]:
        return [
            share
            for game in asked.games
            for share in untrained.shares(
                game, asked.rows, asked.seeds, asked.workers, asked.root, asked.results
            )
        ]

    def prepare() -> None:
        for game in asked.games:
            shared = Shared(game, workers=asked.workers)
            _ = shared.held, shared.ladders

    for game in asked.games:  # also if all of its networks were measured before
        if not untrained.is_checked(game, asked.results):
            console.print(f"{game}: the input's own limit …", markup=False)
            untrained.check_set(Shared(game, workers=asked.workers), asked.results)
    return _until_done(left, prepare, untrained.measure, asked, console, "networks")


def measure_potential(asked: Asked, console: Console) -> int:
    """Measure the potential reward where that was not done; return the exit status."""
    asked.check(networks=False)
    for game in asked.games:
        if not can_be_played_on(find(game)):
            raise BadInput(f"--game: expected pong or breakout, got {game!r}")

    def left() -> Sequence[potential.PotentialRun]:
        return [
            run
            for game in asked.games
            for run in potential.left(game, asked.seeds, asked.root, asked.results)
        ]

    def prepare() -> None:
        potential.prepare(left(), asked.workers)

    return _until_done(left, prepare, potential.perform, asked, console, "seeds")


def _until_done(
    left: Callable[[], Sequence[Job]],
    prepare: Callable[[], None],
    perform: Perform,
    asked: Asked,
    console: Console,
    unit: str,
) -> int:
    """Do what is left until nothing is: what was found out may ask for more.

    Args:
        left: Returns what is left.
        prepare: Builds the data that jobs share, here and once: processes that all find nothing
            would all build it.
        perform: Does a job.
        asked: For what.
        console: Is told.
        unit: What is counted.
    """
    if not left():
        console.print("every row is there; nothing to do")
        return 0
    prepare()
    options = Options(asked.workers, "disabled", "cpu", asked.threads)
    backend = hire_for_networks(asked.root, asked.workers, asked.ray, asked.threads)
    while jobs := left():
        outcome = launch(jobs, perform, options, console, unit=unit, backend=backend)
        for name, why in outcome.failed:
            console.print(f"failed: {name}: {why}", markup=False)
        if outcome.failed:
            return 1
        if outcome.interrupted:
            console.print("interrupted; the same command goes on")
            return 130
    return 0
