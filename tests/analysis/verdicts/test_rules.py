"""Each guard fires, and only then; Holm by hand; the constants are those that were registered."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.verdicts import rules
from analysis.verdicts.rules import (
    assay_guard,
    budget_guard,
    capacity_guard,
    coverage_guard,
    holm,
    oracle_guard,
    seeds_guard,
    share_recovered,
    verdict,
)


def test_constants_are_those_registered() -> None:
    assert dict(rules.MARGIN) == {"untrained": 0.05, "supervised": 0.05, "reinforcement": 0.1}
    assert (rules.ALPHA, rules.LEAST_COVERAGE, rules.PRIMARY_SEEDS) == (0.05, 0.93, 10)
    assert (rules.FLOOR, rules.CEILING, rules.LAST_QUARTER_GAIN) == (0.3, 0.97, 0.02)
    assert (rules.RECOVERED, rules.ORACLE, rules.LEAST_SEEDS) == (0.5, 0.8, 3)


@pytest.mark.parametrize(
    ("better", "shows", "ceiling", "passes", "reason"),
    [
        (0.3, True, True, True, ""),
        (0.97, True, True, True, ""),
        (0.299, True, True, False, "floor"),
        (math.nan, True, True, False, "floor"),
        (0.971, True, True, False, "ceiling"),
        (0.971, True, False, True, ""),
        (0.6, False, True, False, "positive control"),
    ],
)
def test_assay(better: float, shows: bool, ceiling: bool, passes: bool, reason: str) -> None:
    guard = assay_guard(better, shows, ceiling=ceiling)
    assert guard.passed == passes
    assert reason in guard.reason


def test_budget_fires_for_the_row_that_still_learns() -> None:
    flat, late = np.array([0.0, 0.04]), np.array([0.02, 0.03])
    assert budget_guard({"nature": flat}).passed, ".02 in the mean is not more than .02"
    guard = budget_guard({"nature": flat, "gap": late})
    assert not guard.passed
    assert "gap (+0.025)" in guard.reason
    assert "nature" not in guard.reason


@pytest.mark.parametrize(
    ("agrees", "recovered", "passes"),
    [
        (True, 0.5, True),
        (True, None, True),
        (True, 0.49, False),
        (True, math.nan, False),
        (False, 1.0, False),
        (False, None, False),
    ],
)
def test_capacity(agrees: bool, recovered: float | None, passes: bool) -> None:
    guard = capacity_guard(agrees, recovered)
    assert guard.passed == passes
    assert passes or "bottleneck or optimisation" in guard.reason


@pytest.mark.parametrize(
    ("lost", "still", "share"),
    [(2, 1, 0.5), (math.inf, 3, 1.0), (2, -1, 1.5), (2, math.inf, -math.inf)],
)
def test_share_recovered(lost: float, still: float, share: float) -> None:
    assert share_recovered(lost, still) == share


def test_nothing_is_known_of_two_infinite_losses() -> None:
    assert math.isnan(share_recovered(math.inf, math.inf))


def test_oracle_coverage_and_seeds() -> None:
    assert oracle_guard(0.8).passed
    assert not oracle_guard(0.79).passed
    assert coverage_guard(0.93, 5).passed
    assert not coverage_guard(0.929, 5).passed
    assert seeds_guard(10, primary=True).passed
    assert not seeds_guard(9, primary=True).passed
    assert seeds_guard(3, primary=False).passed


def test_holm_by_hand() -> None:
    # ×5, ×4, ×3, ×2, ×1 in ascending order, never falling.
    adjusted = holm({"a": 0.011, "b": 0.04, "c": 0.001, "d": 0.02, "e": 1.0})
    assert adjusted == pytest.approx({"c": 0.005, "a": 0.044, "d": 0.06, "b": 0.08, "e": 1.0})


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_only_ever_raises_p_and_less_than_bonferroni(p: list[float]) -> None:
    named = {str(i): x for i, x in enumerate(p)}
    for name, adjusted in holm(named).items():
        assert named[name] <= adjusted <= min(1, len(p) * max(named.values()))
    assert min(holm(named).values()) == pytest.approx(min(1, len(p) * min(p)))


@pytest.mark.parametrize(
    ("supported", "refuted", "expected"),
    [
        (True, False, "supported"),
        (False, True, "refuted"),
        (False, False, "inconclusive"),
        (True, True, "inconclusive"),
    ],
)
def test_verdict(supported: bool, refuted: bool, expected: str) -> None:
    assert verdict(supported, refuted) == expected
