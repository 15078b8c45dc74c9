"""Which measurements a verdict may use: one regime, game, width and budget; nothing mixed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.measurements import REFERENCES, Measurement
from analysis.verdicts.decisions import (
    Arithmetic,
    Cell,
    Difference,
    Mean,
    Median,
    Quantity,
    Ratio,
    cells_of,
)
from analysis.verdicts.intervals import Statistic, median_ratio, one_sample, paired, welch
from analysis.verdicts.rules import Regime

BySeed = Mapping[int, float]
"""The values of one cell, by seed."""


@dataclass(frozen=True)
class Setting:
    """What all numbers of one verdict share.

    Attributes:
        regime: The regime.
        game: The game.
        width: By which the channels of every row were multiplied.
        budget: Updates or agent steps.
    """

    regime: Regime
    game: str
    width: float = 1.0
    budget: int = 0

    def row(self, row: str) -> str:
        """Return the name of a row of the zoo at this width."""
        if row in REFERENCES:
            return row
        base, factor = split_width(row)
        at = round(factor * self.width, 6)
        return base if at == 1 else f"{base}@{at:g}"


def split_width(row: str) -> tuple[str, float]:
    """Return a row's name and the width behind its @, 1 if there is none."""
    base, at, width = row.partition("@")
    return base, float(width) if at else 1.0


class Index:
    """Measurements, found by what they are of."""

    def __init__(self, measurements: Iterable[Measurement]) -> None:
        """Sort the measurements in."""
        self._cells: dict[tuple[str, ...], dict[int, float]] = defaultdict(dict)
        self._prints: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._made: dict[tuple[str, str], set[tuple[str, str, float, int]]] = defaultdict(set)
        self._checks: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
        for m in measurements:
            # Own extractors (`net.py:Net`) are no row that a claim is about.
            base, factor = split_width(m.row) if ":" not in m.row else (m.row, 1.0)
            row = Setting(m.regime, m.game).row(m.row) if factor != 1 else base
            key = (m.measure, row, m.condition, m.regime, m.game, str(m.budget))
            self._cells[key][m.seed] = m.value
            self._prints[key].add(m.fingerprint)
            self._made[m.regime, m.game].add((m.measure, base, factor, m.budget))
            self._checks[m.measure, base].append(m)

    def values(self, cell: Cell, setting: Setting) -> BySeed:
        """Return what there is of a cell, by seed; empty if nothing."""
        return self._cells.get(_key(cell, setting), {})

    def settings(self, cells: Sequence[Cell], regime: Regime, game: str) -> list[Setting]:
        """Return the widths and budgets at which something of the cells was measured."""
        wanted = {(c.measure, split_width(c.row)[0]): split_width(c.row)[1] for c in cells}
        found = {
            Setting(regime, game, round(factor / wanted[measure, base], 3), budget)
            for measure, base, factor, budget in self._made[regime, game]
            if (measure, base) in wanted
        }
        return sorted(found, key=lambda s: (s.width, s.budget))

    def two_protocols(self, cells: Sequence[Cell], setting: Setting) -> list[str]:
        """Return, for each measure made in more than one way, a line that says so.

        Under one condition: both opponent arms of a task, say, are learnt from data of their own.
        """
        prints: dict[tuple[str, str], set[str]] = defaultdict(set)
        for cell in cells:
            found = self._prints.get(_key(cell, setting), set())
            prints[cell.measure, cell.condition] |= found
        return [
            f"one protocol for {measure}: got {', '.join(sorted(p or 'none' for p in found))}"
            for (measure, _), found in prints.items()
            if len(found) > 1
        ]

    def by_condition(self, measure: str, row: str, game: str = "") -> dict[str, list[float]]:
        """Return every value of a measure and row by condition, at any width and budget.

        Args:
            measure: Its name.
            row: Its name, without a width.
            game: In which game; in any if none is named.
        """
        found: dict[str, list[float]] = defaultdict(list)
        for m in self._checks[measure, row]:
            if game in ("", m.game):
                found[m.condition].append(m.value)
        return found


def _key(cell: Cell, setting: Setting) -> tuple[str, ...]:
    row = setting.row(cell.row)
    return (cell.measure, row, cell.condition, setting.regime, setting.game, str(setting.budget))


def is_paired(regime: Regime) -> bool:
    """Whether rows share seeds: weights and batches. Agents at play share nothing."""
    return regime != "reinforcement"


def seeds_of(quantity: Quantity, index: Index, setting: Setting) -> int:
    """Return the number of seeds for which the quantity can be computed."""
    values = [index.values(c, setting) for c in cells_of(quantity)]
    if isinstance(quantity, Difference) and not is_paired(setting.regime):
        return min(map(len, values))
    return len(set.intersection(*map(set, values)))


def statistic(quantity: Quantity, index: Index, setting: Setting) -> Statistic:
    """Return the statistic of a quantity that is there for two seeds or more."""
    values = [index.values(c, setting) for c in cells_of(quantity)]
    seeds = sorted(set.intersection(*map(set, values)))
    columns = [np.array([by_seed[s] for s in seeds]) for by_seed in values]
    match quantity:
        case Difference() if not is_paired(setting.regime):
            a, b = (np.array(list(by_seed.values())) for by_seed in values)
            return welch(a, b)
        case Difference():
            return paired(*columns)
        case Ratio():
            return median_ratio(*columns)
        case Median():
            return median_ratio(columns[0], np.ones_like(columns[0]))
        case Mean():
            return one_sample(columns[0])
        case Arithmetic():
            raise TypeError("arithmetic is not measured")


def missing(cells: Sequence[Cell], index: Index, setting: Setting, planned: int) -> list[str]:
    """Return one line for each cell that lacks seeds, naming them.

    Which seeds were planned: those of the cells that have most, then the smallest other numbers.
    """
    there = [index.values(c, setting) for c in cells]
    wanted = sorted(set().union(*there))
    wanted += [s for s in range(planned + len(wanted)) if s not in wanted][
        : max(0, planned - len(wanted))
    ]
    lines = []
    for cell, values in zip(cells, there, strict=True):
        gone = [s for s in sorted(wanted) if s not in values]
        if gone:
            named = replace(cell, row=setting.row(cell.row))
            lines.append(f"{named}: {'seed' if len(gone) == 1 else 'seeds'} {_ranges(gone)}")
    return lines


def _ranges(numbers: Sequence[int]) -> str:
    """Return `0–3, 7` for 0, 1, 2, 3, 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]}–{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)
