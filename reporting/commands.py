"""The command that would show a number, or complete what a verdict lacks.

Every command here is one that `evaluate.py`, `train.py` or `python -m agents.geometry` takes
(`tests/reporting/test_commands.py` parses each of them).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from analysis.claim import Part
from analysis.measurements import REFERENCES
from analysis.tasks.catalogue import TASKS
from analysis.verdicts.decisions import Cell
from analysis.verdicts.evidence import in_game
from analysis.verdicts.rules import SEEDS, Regime
from analysis.verdicts.selection import Setting
from commandline import PYTHON, typed

WIDTH: Mapping[str, float] = MappingProxyType(
    {"untrained": 0.5, "supervised": 0.5, "reinforcement": 1.0}
)
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
    width = float(record["width"]) if measured else WIDTH[part.regime]
    named = " ".join(_rows(part, game, Setting(part.regime, game, width)))
    if part.regime == "untrained":
        return (
            f"{PYTHON} evaluate.py --untrained --game {game} --rows {named} --seeds "
            f"{seeds('untrained')}",
        )
    if part.regime == "reinforcement":
        return (
            f"{PYTHON} train.py --game {game} --extractor {named} --seed {seeds('reinforcement')}",
            measures("all"),
        )
    return _supervised(part, game, named)


def _supervised(part: Part, game: str, named: str) -> tuple[str, ...]:
    cells = in_game(part, game).cells
    tasks = dict.fromkeys(_task(cell) for cell in _needed(part, cells))
    tuned = dict.fromkeys(TASKS[task].rates_of or task for task in tasks)

    def command(names: Iterable[str]) -> str:
        return f"{PYTHON} evaluate.py --supervised {' '.join(names)} --game {game} --rows {named}"

    found = [f"{command(tuned)} --tune", f"{command(tasks)} --seeds {seeds('supervised')}"]
    if part.oracle:
        found.append(f"{PYTHON} evaluate.py --potential-reward --game {game}")
    return tuple(found)


def _task(cell: Cell) -> str:
    """Return the task of the supervised regime whose runs give a cell."""
    if cell.condition.startswith("glyph="):
        return "glyphs"
    return TASK[cell.measure]


def _needed(part: Part, cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Return the cells of the two expressions, and those of the assay guard's control."""
    if part.assay is None:
        return tuple(cells)
    measure, condition = part.assay.control
    return (*cells, Cell(measure, "nature", condition))


def _rows(part: Part, game: str, setting: Setting) -> list[str]:
    """Return the rows to run, those of the guards among them."""
    rows = [_run_as(cell.row, cell.measure) for cell in in_game(part, game).cells]
    if part.assay is not None:
        rows += ["nature", "sort", "gap"]
    if part.capacity:
        rows += ["nature", "gap_wide", "gap_learned"]
    return [setting.row(row) for row in dict.fromkeys(rows) if row not in REFERENCES]


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
