"""The command that would show a number, or complete what a verdict lacks.

Every command here is one that `evaluate.py`, `train.py` or `python -m agents.geometry` takes
(`tests/reporting/test_commands.py` parses each of them).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from analysis.battery import CLAIMED
from analysis.claim import Part
from analysis.measurements import REFERENCES
from analysis.tasks.catalogue import TASKS
from analysis.verdicts.decisions import Cell
from analysis.verdicts.evidence import in_game
from analysis.verdicts.rules import SEEDS, Regime
from analysis.verdicts.selection import Setting, split_width
from commandline import PYTHON, typed

WIDTH: Mapping[str, float] = MappingProxyType({"untrained": 0.5, "supervised": 0.5})
"""Width at which each regime is run, unless numbers at another are there: as in the README."""

TASK: Mapping[str, str] = MappingProxyType(
    {
        "where_r2": "where",
        "where_gain": "where",
        "jnd_px": "where",
        "updates_to_4px": "where",
        "place_bits": "where",
        "place_rmse_px": "where",
        "coarse_r2": "where",
        "phase_r2": "where",
        "equivariance": "where",
        "equivariance_at_stride": "where",
        "reward_share": "reward",
        "reward_gain": "reward",
        "reward_shift": "reward",
        "what_skill": "what",
        "what_gain": "what",
        "what_shift": "what",
        "presence_auc": "count",
        "count_r2": "count",
        "count_place_r2": "count",
        "count_gain": "count",
        "test_error": "overfitting",
    }
)
"""The task of the supervised regime whose runs give a measure."""

STUDIES = Path(__file__).resolve().parent.parent / "studies"
"""Where the study files lie."""


@dataclass(frozen=True)
class Published:
    """Study files for agents of one game.

    Attributes:
        tuning: The one that chooses the learning rates of its rows.
        study: The one whose agents are judged.
    """

    tuning: str
    study: str

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows that are judged, a width allowed."""
        return _rows_of(self.study)


AGENTS_OF: Mapping[str, tuple[Published, ...]] = MappingProxyType(
    {
        "catch": (
            Published("tune_catch", "catch"),
            Published("tune_catch_pairs", "catch_pairs"),
        ),
        "pong": (Published("tune_pong", "blog_pong"), Published("tune_pong_pairs", "blog_pairs")),
        "breakout": (Published("tune_breakout", "blog_breakout"),),
    }
)
"""By game, in the order in which they are to be run."""


@cache
def _rows_of(study: str) -> tuple[str, ...]:
    content = yaml.safe_load((STUDIES / f"{study}.yaml").read_text(encoding="utf-8"))
    return tuple(content["parameters"]["extractor"]["values"])


def studies(rows: Sequence[str], game: str) -> tuple[Published, ...]:
    """Return the studies in which all these rows are trained; none if there are none.

    Args:
        rows: Of the zoo, a width allowed.
        game: What they play.
    """
    found = tuple(study for study in AGENTS_OF[game] if {*rows} & {*study.rows})
    there = {row for study in found for row in study.rows}
    return found if {*rows} <= there else ()


def for_part(part: Part, record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the commands behind one verdict, in the order in which to give them.

    Args:
        part: The part of the claim.
        record: Its line of `analysis.claims.claims_table`: game, width, budget and what is missing.
    """
    if part.regime == "arithmetic":
        return (f"{PYTHON} -m agents.geometry {' '.join(part.rows)}",)
    game = str(record["game"])
    if part.regime == "game":
        return (f"{PYTHON} evaluate.py --potential-reward --game {game} --seeds {seeds('game')}",)
    measured = bool(record["quantities"] or record["budget"])
    width = float(record["width"]) if measured else usual_width(part.regime, game)
    setting = Setting(part.regime, game, width)
    if part.regime == "supervised":
        return _supervised(part, setting)
    rows = needed_rows(part, setting)
    if part.regime == "reinforcement":
        return _agents(part, game, rows)
    return (
        f"{PYTHON} evaluate.py --untrained --game {game} --rows {' '.join(rows)} --seeds "
        f"{seeds('untrained')}",
    )


def _agents(part: Part, game: str, rows: Sequence[str]) -> tuple[str, ...]:
    if planned := studies(rows, game):
        # A study scores its agents, measures what claims ask of them, and publishes both.
        return (
            typed("train.py", "--study", *(f"studies/{s.tuning}.yaml" for s in planned)),
            f"{PYTHON} -m studies.tune",
            typed("train.py", "--study", *(f"studies/{s.study}.yaml" for s in planned)),
        )
    listed = f"--extractor {' '.join(rows)} --seed {seeds('reinforcement')}"
    measured = dict.fromkeys(CLAIMED[c.measure] for c in part.cells if c.measure in CLAIMED)
    last = measures(*measured) if measured else score()
    return f"{PYTHON} train.py --game {game} {listed}", last


def usual_width(regime: Regime, game: str) -> float:
    """Return the width at which a regime is run in a game: agents, that of their study."""
    return WIDTH.get(regime) or split_width(AGENTS_OF[game][0].rows[0])[1]


def rows_by_task(part: Part, setting: Setting) -> dict[str, tuple[str, ...]]:
    """Return the tasks of the supervised regime behind a verdict, and the rows to train on each."""
    found: dict[str, dict[str, None]] = {}
    for cell in _cells(part, setting.game):
        rows = found.setdefault(_task(cell), {})
        rows[setting.row(_run_as(cell.row, cell.measure))] = None
    return {task: tuple(rows) for task, rows in found.items()}


def tuned_by_task(judged: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the tasks on which learning rates are chosen, and the rows whose rates they are.

    Args:
        judged: The rows that are judged, by task.
    """
    found: dict[str, dict[str, None]] = {}
    for task, rows in judged.items():
        found.setdefault(TASKS[task].rates_of or task, {}).update(dict.fromkeys(rows))
    return {task: tuple(rows) for task, rows in found.items()}


def _supervised(part: Part, setting: Setting) -> tuple[str, ...]:
    judged = rows_by_task(part, setting)
    found = [f"{c} --tune" for c in _training(tuned_by_task(judged), setting.game)]
    planned = seeds("supervised")
    found += [f"{c} --seeds {planned}" for c in _training(judged, setting.game)]
    if part.oracle:
        found.append(f"{PYTHON} evaluate.py --potential-reward --game {setting.game}")
    return tuple(found)


def _training(by_task: Mapping[str, tuple[str, ...]], game: str) -> Iterable[str]:
    """Yield a command for all tasks that the same rows are trained on."""
    together: dict[tuple[str, ...], list[str]] = {}
    for task, rows in by_task.items():
        together.setdefault(rows, []).append(task)
    for rows, tasks in together.items():
        named = f"--supervised {' '.join(tasks)} --game {game} --rows {' '.join(rows)}"
        yield f"{PYTHON} evaluate.py {named}"


def _task(cell: Cell) -> str:
    """Return the task of the supervised regime whose runs give a cell."""
    if cell.condition.startswith("glyph="):
        return "glyphs"
    return TASK[cell.measure]


def _cells(part: Part, game: str) -> Iterable[Cell]:
    """Return every cell that a verdict or its guards look at, each once."""
    part = in_game(part, game)
    found = [*part.cells, *(Cell(part.gain, row) for row in part.trained)]
    if part.assay is not None:
        measure, condition = part.assay.control
        found += [cell for group in part.assay.levels for cell in group]
        found += [Cell(measure, row, condition) for row in ("nature", "sort", "gap")]
    if part.capacity:
        instead = ("gap_wide", "gap_learned")
        found += [replace(c, row=row) for c in part.cells if c.row == "gap" for row in instead]
    return dict.fromkeys(found)


def needed_rows(part: Part, setting: Setting) -> tuple[str, ...]:
    """Return the rows to run for a verdict, those of its guards among them."""
    rows = [_run_as(cell.row, cell.measure) for cell in _cells(part, setting.game)]
    return tuple(setting.row(row) for row in dict.fromkeys(rows) if row not in REFERENCES)


def _run_as(row: str, measure: str) -> str:
    """Return the row to run for a number of `row`: swaps and filters take another's weights."""
    swapped = {"place_bits": "nature", "place_rmse_px": "half_max", "what_over_flat": "nature"}
    return swapped.get(measure, row)


def seeds(regime: Regime) -> str:
    """Return the seeds planned in a regime, as they are typed."""
    numbers = range(SEEDS[regime])
    if len(numbers) > 10:
        return f"$(seq 0 {numbers[-1]})"
    return " ".join(map(str, numbers))


UNTRAINED = (
    f"{PYTHON} evaluate.py --untrained --rows nature@0.5 half_max@0.5 half_avg@0.5 gap@0.5 gmp@0.5 "
    f"--seeds {seeds('untrained')}",
)
"""Random weights: place, equivariance, filters."""


def _trained(*tasks: str) -> tuple[str, str]:
    rows = "nature@0.5 half_max@0.5 half_avg@0.5 gap@0.5 gmp@0.5 gap_learned@0.5"
    command = f"{PYTHON} evaluate.py --supervised {' '.join(tasks)} --rows {rows}"
    return f"{command} --tune", f"{command} --seeds {seeds('supervised')}"


FIGURE = _trained("where", "reward")
"""What the figure of the answer is made of."""

WHERE = _trained("where")

WHAT_AND_WHERE = _trained("what", "shapes")

TRAIN = f"{PYTHON} train.py --game pong --extractor nature half_max gap --seed 0 1 2"

AGENTS = ("runs/fast",)
"""Where the agents lie that `TRAIN` and most commands here make."""


def score(agents: Sequence[str] = AGENTS) -> str:
    """Return the command that plays the games of agents.

    Args:
        agents: Run directories, or folders of them.
    """
    return typed("evaluate.py", *agents)


def measures(*names: str, agents: Sequence[str] = AGENTS) -> str:
    """Return the command that takes some measures of agents.

    Args:
        names: Keys of `analysis.battery.INSTRUMENTS`, or `all`.
        agents: Run directories, or folders of them.
    """
    return typed("evaluate.py", *agents, "--measures", *names)
