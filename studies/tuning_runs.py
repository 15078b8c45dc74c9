"""Published runs that were trained to choose a learning rate, and how to train more of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.checkpoints import read_json
from agents.settings import (
    PRESETS,
    Settings,
    as_dict,
    fingerprint,
    parse_settings,
    resolve,
    training_protocol,
)
from analysis.learning import mean_height
from analysis.tasks.tuning import TUNING_SEEDS
from commandline import BadInput, told
from envs.games import Game, find
from studies import grid


@dataclass(frozen=True)
class TuningRun:
    """One published run of a tuning seed.

    Attributes:
        path: Of its row, below the folder of rows.
        study: As it was named, the rate in it.
        game: What it played.
        row: Of the zoo, with its width.
        seed: One of the tuning seeds.
        settings: How it was trained.
        height: Mean height of its learning curve over all agent steps, raw score.
    """

    path: str
    study: str
    game: Game
    row: str
    seed: int
    settings: Settings
    height: float

    @property
    def fingerprint(self) -> str:
        """Of the way of training; the learning rate has no part in it."""
        return fingerprint(training_protocol(self.settings))


def tuning_runs(results: Path) -> list[TuningRun]:
    """Return the finished runs of tuning seeds below `results/runs`.

    Raises:
        BadInput: If a row cannot be read.
    """
    names = [f"seed{seed}.json" for seed in TUNING_SEEDS]
    paths = sorted(p for name in names for p in (results / "runs").rglob(name))
    found = []
    for path in paths:
        row = read_json(path)
        try:
            if row["finished"]:
                found.append(_tuning_run(row, str(path.relative_to(results))))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BadInput(f"{path}: expected the row of a run, got {told(error)}") from None
    return found


def _tuning_run(row: Mapping[str, Any], path: str) -> TuningRun:
    game = find(str(row["game"]))
    # Where every game stood still there is no score; nobody plays worse.
    worst = game.score_range[0]
    curve = [(int(p[0]), float(worst if p[1] is None else p[1])) for p in row["curve"]]
    return TuningRun(
        path,
        str(row["study"]),
        game,
        str(row["extractor"]),
        int(row["seed"]),
        parse_settings(row["settings"]),
        mean_height(curve),
    )


OPTIONS = tuple(
    name for name in grid.PARAMETERS if name in as_dict(Settings()) and name != "learning_rate"
)
"""Settings that are options of train.py, but for the one that is chosen here."""


def recipe(run: TuningRun) -> tuple[str, dict[str, Any]] | None:
    """Return the preset, and options beside it, with which train.py trains as `run` was trained.

    Of several presets the one that needs the fewest options; `None` if none can do it.
    """
    found = []
    for preset in PRESETS:
        usual = resolve(preset, run.game.name)
        asked = {name: getattr(run.settings, name) for name in OPTIONS}
        options = {name: v for name, v in asked.items() if v != getattr(usual, name)}
        settings = resolve(preset, run.game.name, options)
        if fingerprint(training_protocol(settings)) == run.fingerprint:
            found.append((preset, options))
    return min(found, key=lambda recipe: len(recipe[1]), default=None)
