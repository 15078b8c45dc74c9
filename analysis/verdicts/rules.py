"""The rules by which a number becomes a verdict, in one place; written before any result.

Which rule applies to which claim stands in `analysis.claims`. The guards here take numbers and say
whether a verdict may stand, and if not, why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

Verdict = Literal["supported", "refuted", "inconclusive", "not measured"]
Regime = Literal["untrained", "supervised", "reinforcement", "game", "arithmetic"]
"""Untrained, supervised and reinforcement are the three of the study. `game` is a property of the
game under the scripted player, `arithmetic` one of the zoo's ledger: no network is measured."""

ALPHA = 0.05
"""Chance, at most, of an interval's missing the truth."""

LEAST_COVERAGE = 0.93
"""Measured coverage below which an interval decides nothing."""

LEAST_SEEDS = 3
"""Seeds below which nothing is decided: the fewest for which coverage is printed."""

PRIMARY_SEEDS = 10
"""Seeds below which a primary claim stays inconclusive."""

SEEDS: Mapping[Regime, int] = {
    "untrained": 50,
    "supervised": 10,
    "reinforcement": 10,
    "game": 10,
    "arithmetic": 0,
}
"""Seeds planned in each regime."""

MARGIN: Mapping[Regime, float] = {"untrained": 0.05, "supervised": 0.05, "reinforcement": 0.10}
"""Differences up to here count as none; in shares, skills, R² or normalised score."""

FLOOR, CEILING = 0.3, 0.97
"""Between these the better row has to be for the absence of a difference to mean something."""

LAST_QUARTER_GAIN = 0.02
"""Gain in the last quarter of the budget above which a row was still learning."""

RECOVERED = 0.5
"""Share of gap's loss that learned weights have to win back, for the loss to be one of place."""

ORACLE = 0.8
"""Explainable share of the reward that a net that reads the RAM must reach."""


@dataclass(frozen=True)
class Guard:
    """What a guard says.

    Attributes:
        name: Of the guard.
        passed: Whether the verdict may stand.
        reason: If not, why, in a sentence.
    """

    name: str
    passed: bool
    reason: str = ""


def assay_guard(better: float, control_shows: bool, *, ceiling: bool) -> Guard:
    """Say whether the assay could have seen a difference, had there been one.

    Args:
        better: Mean over seeds of the better row, on a scale where 0 is chance and 1 perfect.
        control_shows: Whether nature − sort or nature − gap lies above the margin, in the same
            regime and budget.
        ceiling: Whether the measure has one; pixels have not.
    """
    if not better >= FLOOR:
        return Guard("assay", False, f"the better row is on the floor: {better:.2f} < {FLOOR}")
    if ceiling and better > CEILING:
        return Guard("assay", False, f"the better row is at the ceiling: {better:.3f} > {CEILING}")
    if not control_shows:
        return Guard("assay", False, "no positive control: neither nature − sort nor nature − gap")
    return Guard("assay", True)


def budget_guard(gains: Mapping[str, Float[np.ndarray, " seeds"]]) -> Guard:
    """Say whether every row had stopped learning.

    Args:
        gains: By row, what each seed gained in the last quarter of its budget.
    """
    means = {row: float(values.mean()) for row, values in gains.items()}
    late = [f"{row} (+{gain:.3f})" for row, gain in means.items() if gain > LAST_QUARTER_GAIN]
    if late:
        return Guard("budget", False, f"still learning: {', '.join(late)}; double the budget")
    return Guard("budget", True)


def capacity_guard(wide_agrees: bool, recovered: float | None) -> Guard:
    """Say whether what gap loses is place rather than room or trainability.

    Args:
        wide_agrees: Whether gap_wide in gap's stead gives the same verdict.
        recovered: Share of gap's loss that gap_learned wins back; `None` where the verdict is that
            nothing was lost. Not a number fails.
    """
    reason = "bottleneck or optimisation"
    if not wide_agrees:
        return Guard("capacity", False, f"{reason}: gap_wide does not agree")
    if recovered is not None and not recovered >= RECOVERED:
        return Guard("capacity", False, f"{reason}: gap_learned recovers {recovered:.2f} of it")
    return Guard("capacity", True)


def oracle_guard(share: float) -> Guard:
    """Say whether the reward can be foretold at all from what the game's memory holds."""
    if share >= ORACLE:
        return Guard("oracle", True)
    return Guard("oracle", False, f"the RAM oracle explains {share:.2f} < {ORACLE} of the reward")


def coverage_guard(coverage: float, seeds: int) -> Guard:
    """Say whether the interval covers what it says at this number of seeds."""
    if coverage >= LEAST_COVERAGE:
        return Guard("coverage", True)
    reason = f"an interval over {seeds} seeds covers {coverage:.3f} < {LEAST_COVERAGE}"
    return Guard("coverage", False, reason)


def seeds_guard(seeds: int, *, primary: bool) -> Guard:
    """Say whether there are seeds enough for a verdict."""
    least = PRIMARY_SEEDS if primary else LEAST_SEEDS
    if seeds >= least:
        return Guard("seeds", True)
    return Guard("seeds", False, f"{seeds} of {least} seeds" + (", primary" if primary else ""))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p values adjusted for being one of several (Holm 1979).

    Args:
        p_values: By claim; 1 for one that was not measured, which stays in the family.
    """
    adjusted, running = {}, 0.0
    for i, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        running = max(running, min(1.0, (len(p_values) - i) * p))
        adjusted[name] = running
    return adjusted


def verdict(supported: bool, refuted: bool) -> Verdict:
    """Return what follows from the two bounds; where both or neither are met, nothing does."""
    if supported == refuted:
        return "inconclusive"
    return "supported" if supported else "refuted"


def share_recovered(lost: float, still_lost: float) -> float:
    """Return which share of a loss is won back; not a number where both are infinite."""
    if math.isinf(lost) and math.isinf(still_lost):
        return math.nan
    return 1.0 if math.isinf(lost) else 1 - still_lost / lost if lost else math.nan
