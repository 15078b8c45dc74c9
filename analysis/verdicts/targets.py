"""What a network can be judged by, and the comparisons that several claims share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.claim import Assay
from analysis.verdicts.decisions import Cell, Difference, Every, Expression
from analysis.verdicts.rules import MARGIN, Regime, Verdict

WHERE = ("where_r2", "held")
"""Measure and condition of the positive control, and of place: the opponent held."""

ARMS = ("held", "moved")
"""The two opponent arms. A verdict on the potential reward needs both; other games have none."""


@dataclass(frozen=True)
class Target:
    """One thing to be good at.

    Attributes:
        name: Behind the claim's number: `14 where`.
        regime: Where it is measured.
        measure: Its score, 0 chance and 1 perfect.
        conditions: Under all of which a comparison has to come out.
        gain: Measure of the budget guard.
        control: Measure and condition of the positive control.
        oracle: Whether the RAM oracle has to reach it first.
    """

    name: str
    regime: Regime
    measure: str
    conditions: tuple[str, ...]
    gain: str
    control: tuple[str, str]
    oracle: bool = False

    @property
    def margin(self) -> float:
        """The margin m."""
        return MARGIN[self.regime]

    def cell(self, row: str, condition: str) -> Cell:
        """Return the cell of one row."""
        return Cell(self.measure, row, condition)

    def always(self, plus: str, minus: str, says: Callable[[Difference], Expression]) -> Expression:
        """Return what has to hold of plus − minus under every condition."""
        terms = [says(Difference(self.cell(plus, c), self.cell(minus, c))) for c in self.conditions]
        return terms[0] if len(terms) == 1 else Every(*terms)

    def assay(self, *groups: tuple[str, ...], on: tuple[Verdict, ...] = ("refuted",)) -> Assay:
        """Return the assay guard for rows that are compared within groups."""
        levels = tuple(tuple(self.cell(r, c) for r in g) for g in groups for c in self.conditions)
        return Assay(levels, self.control, on)


PLACE = Target("where", "supervised", "where_r2", ("held",), "where_gain", WHERE)
REWARD = Target(
    "reward", "supervised", "reward_share", ARMS, "reward_gain", ("reward_share", "held"), True
)
WHAT = Target("what", "supervised", "what_skill", ("",), "what_gain", WHERE)
PLAY = Target("play", "reinforcement", "score", ("",), "score_gain", ("score", ""))

TARGETS = (PLACE, REWARD, WHAT, PLAY)
"""All four, for claims that name none."""

LOCAL = ("half_max", "half_avg")
"""Rows that stand for local pooling: both have to bear a verdict out."""

GLOBAL = ("gap", "gmp")
"""Rows that stand for global pooling: both have to bear a verdict out."""
