"""The guards of one part: what each of them looks at among the measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.claim import CHECKS, SHARED_SET, Check, Part
from analysis.verdicts.coverage import measured_coverage
from analysis.verdicts.decisions import (
    Above,
    Cell,
    Difference,
    Expression,
    Quantity,
    Some,
    Statistics,
    cells_of,
    holds,
    quantities,
    with_cells,
)
from analysis.verdicts.intervals import Spread, Statistic
from analysis.verdicts.rules import (
    MARGIN,
    SEEDS,
    Guard,
    Verdict,
    assay_guard,
    budget_guard,
    capacity_guard,
    coverage_guard,
    oracle_guard,
    seeds_guard,
    share_recovered,
)
from analysis.verdicts.selection import Index, Setting, missing, seeds_of, statistic


@dataclass
class Look:
    """The guards of one part, looked up one by one; what they lack is added to `needs`."""

    part: Part
    setting: Setting
    index: Index
    found: Statistics
    says: Verdict
    needs: list[str]
    seeds: int
    blind: bool = False

    def guards(self, *, primary: bool) -> list[Guard]:
        """Return the guards that fire."""
        said = [seeds_guard(self.seeds, primary=primary)]
        said += [
            coverage_guard(measured_coverage(s.kind, s.seeds), s.seeds) for s in self.found.values()
        ]
        for check in (*CHECKS[self.part.regime], *self.part.checks):
            said += self._check(check)
        if self.part.gain:
            said += self._budget()
        if self.part.oracle:
            said += self._oracle()
        if self.part.assay is not None and self.says in self.part.assay.on:
            said += self._assay()
        if self.part.capacity and self.says in ("supported", "refuted"):
            said += self._capacity()
        return [g for g in dict.fromkeys(said) if not g.passed]

    def _lack(self, line: str) -> list[Guard]:
        self.blind = True
        self.needs.append(line)
        return []

    def _cells(self, *cells: Cell) -> bool:
        """Whether every cell has as many seeds as the verdict; what lacks is added to the needs."""
        short = [c for c in cells if len(self.index.values(c, self.setting)) < self.seeds]
        for line in missing(short, self.index, self.setting, SEEDS[self.setting.regime]):
            self._lack(line)
        for line in self.index.two_protocols(cells, self.setting):
            self._lack(line)
        return not short

    def _check(self, check: Check) -> list[Guard]:
        game = self.setting.game if check is SHARED_SET else ""
        conditions = self.index.by_condition(check.measure, check.row, game)
        values = [v for found in conditions.values() for v in found]
        if not values:
            return self._lack(f"{check.measure} of {check.row}: the manipulation check")
        wrong = [v for v in values if not check.low <= v <= check.high]
        reason = f"manipulation check failed: {check.measure} of {check.row} is {wrong[:1]}"
        return [Guard("manipulation", not wrong, reason if wrong else "")]

    def _budget(self) -> list[Guard]:
        cells = [c for row in self.part.trained or self.part.rows for c in self._gains(row)]
        if not self._cells(*cells):
            return []
        return [
            budget_guard(
                {f"{c.row} [{c.condition}]".removesuffix(" []"): self._array(c) for c in cells}
            )
        ]

    def _gains(self, row: str) -> list[Cell]:
        """Return the gains that count for a row: one for each condition that was trained apart."""
        conditions = dict.fromkeys(c.condition for c in self.part.cells)
        apart = [Cell(self.part.gain, row, condition) for condition in conditions]
        if any(self.index.values(cell, self.setting) for cell in apart):
            return apart
        return [Cell(self.part.gain, row)]

    def _oracle(self) -> list[Guard]:
        arms = self.index.by_condition("reward_share", "ram_oracle", self.setting.game)
        asked = dict.fromkeys(c.condition for c in self.part.cells)
        if missing_arms := [arm for arm in asked if not arms.get(arm)]:
            for arm in missing_arms:
                self._lack(f"reward_share{f' [{arm}]' if arm else ''} of ram_oracle: any seed")
            return []
        return [oracle_guard(min(float(np.mean(arms[arm])) for arm in asked))]

    def _assay(self) -> list[Guard]:
        assay = self.part.assay
        if assay is None or not self._cells(*dict.fromkeys(c for g in assay.levels for c in g)):
            return []
        shows = self._control(*assay.control)
        if shows is None:
            return []
        return [
            assay_guard(max(self._array(c).mean() for c in group), shows, ceiling=assay.ceiling)
            for group in assay.levels
        ]

    def _control(self, measure: str, condition: str) -> bool | None:
        """Return whether nature − sort or nature − gap shows more than the margin."""
        nature = Cell(measure, "nature", condition)
        pairs = [Difference(nature, Cell(measure, row, condition)) for row in ("sort", "gap")]
        there = [p for p in pairs if seeds_of(p, self.index, self.setting) >= self.seeds]
        if not there:
            self._lack(f"{nature}, and the same of sort or gap: the positive control")
            return None
        for line in self.index.two_protocols([c for p in there for c in cells_of(p)], self.setting):
            self._lack(line)
            return None
        margin = MARGIN[self.setting.regime]
        found: dict[Quantity, Statistic] = {
            p: statistic(p, self.index, self.setting) for p in there
        }
        return holds(Some(*(Above(p, margin) for p in there)), found)

    def _capacity(self) -> list[Guard]:
        says = self.part.supported if self.says == "supported" else self.part.refuted
        wide = with_cells(says, _put("gap_wide"))
        learned = with_cells(says, _put("gap_learned"))
        needed = [c for q in quantities(wide, learned) for c in cells_of(q)]
        if not self._cells(*dict.fromkeys(needed)):
            return []
        agrees = holds(wide, self._statistics(wide))
        if self.says == "refuted":
            return [capacity_guard(agrees, None)]
        gap = next(q for q in quantities(says) if any(c.row == "gap" for c in cells_of(q)))
        instead = next(
            q for q in quantities(learned) if any(c.row == "gap_learned" for c in cells_of(q))
        )
        lost, still = self._loss(gap), self._loss(instead)
        return [capacity_guard(agrees, share_recovered(lost, still))]

    def _statistics(self, expression: Expression) -> Statistics:
        return {q: statistic(q, self.index, self.setting) for q in quantities(expression)}

    def _loss(self, quantity: Quantity) -> float:
        """Return what a row loses against nature: a difference, or the log₂ of a ratio."""
        made = statistic(quantity, self.index, self.setting)
        effect = float(made.effect)
        return effect if isinstance(made, Spread) else float(np.log2(effect))

    def _array(self, cell: Cell) -> np.ndarray:
        return np.array(list(self.index.values(cell, self.setting).values()))


def _put(row: str) -> Callable[[Cell], Cell]:
    return lambda cell: replace(cell, row=row) if cell.row == "gap" else cell
