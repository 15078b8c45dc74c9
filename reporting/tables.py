"""Tables for the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from rich.markup import escape
from rich.table import Table

from analysis.scores import require_one_protocol


@runtime_checkable
class Scored(Protocol):
    """A run as far as tables are concerned."""

    @property
    def name(self) -> str:
        """What people call the run."""

    @property
    def config(self) -> dict[str, Any]:
        """The content of its `config.json`."""


def scores_tables(results: Sequence[tuple[Scored, dict[str, Any]]]) -> list[Table]:
    """Return one table for each game, budget and way of training; they are never mixed.

    Args:
        results: Runs with the content of their `scores.json`.

    Raises:
        BadInput: If the scores come from different evaluation protocols.
    """
    require_one_protocol({run.name: scores["protocol"] for run, scores in results})
    groups: dict[tuple[str, int, str], list[tuple[Scored, dict[str, Any]]]] = defaultdict(list)
    for run, scores in results:
        key = (run.config["game"], int(scores["steps"]), run.config["training_fingerprint"])
        groups[key].append((run, scores))
    return [_table(*key, members) for key, members in groups.items()]


def _table(
    game: str, steps: int, trained: str, members: Sequence[tuple[Scored, dict[str, Any]]]
) -> Table:
    first = members[0][1]
    epsilon, games = first["protocol"]["epsilon"], first["games"]
    table = Table(
        title=f"{game}, trained for {steps:,} agent steps: raw score of {games} whole games",
        caption=f"epsilon {epsilon}, protocol {first['fingerprint']}, training {trained}; "
        "95 % bootstrap intervals over the games of one agent, not over seeds",
    )
    table.add_column("run")
    for name in ("mean", "median", "IQM"):
        table.add_column(name, justify="right")
    table.add_column("IQM, 95 %", justify="right")
    table.add_column("hung", justify="right")
    for run, scores in sorted(members, key=lambda member: member[0].name):
        low_high = scores["iqm_interval"]
        table.add_row(
            escape(f"{run.config['study']}/{run.name}"),
            *(_number(scores[key]) for key in ("mean", "median", "iqm")),
            escape(f"[{low_high[0]:.2f}, {low_high[1]:.2f}]") if low_high else "–",
            str(scores["hung"]),
        )
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
