"""A learning rate for each row: chosen on its own seeds, never at the edge of what was tried."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analysis.tasks.tuning import (
    COMMON_RATE,
    LONG_UPDATES,
    RATES,
    TUNING_SEEDS,
    TUNING_UPDATES,
    WIDER,
    Tried,
    choose_rate,
    means,
    to_try,
    updates_to_try,
)


def tried(skill: Callable[[float], float], rates: tuple[float, ...] = RATES) -> list[Tried]:
    return [Tried(rate, seed, skill(rate)) for rate in rates for seed in TUNING_SEEDS]


def test_all_rates_and_seeds_come_first() -> None:
    whole = tried(lambda rate: 1 - abs(rate - 3e-4))
    assert list(to_try([])) == list(RATES)
    assert list(to_try(whole[:-1])) == [RATES[-1]]
    assert choose_rate(whole[:-1]) is None
    assert choose_rate(whole) == 3e-4


@pytest.mark.parametrize(("sign", "wider"), [(1, 1e-2), (-1, 3e-5)])
def test_an_optimum_at_the_edge_widens_the_grid(sign: int, wider: float) -> None:
    known = tried(lambda rate: 0.5 + sign * rate)
    assert list(to_try(known)) == [wider]
    assert choose_rate(known) is None
    # The new rate is worse: the old edge is chosen. It is better: on it goes.
    worse = [*known, *tried(lambda rate: 0.1, (wider,))]
    assert choose_rate(worse) == (RATES[-1] if sign > 0 else RATES[0])
    better = [*known, *tried(lambda rate: 9, (wider,))]
    assert choose_rate(better) is None
    assert to_try(better)[0] in (WIDER[0], WIDER[-1])


def test_the_mean_over_seeds_decides() -> None:
    """A rate that is best on one seed and stuck on another loses."""
    lucky = [Tried(1e-3, s, v) for s, v in zip(TUNING_SEEDS, (0.99, 0.0, 0.0), strict=True)]
    known = [t for t in tried(lambda rate: 0.4 if rate == 3e-4 else 0.2) if t.rate != 1e-3] + lucky
    assert choose_rate(known) == 3e-4
    assert means(known, TUNING_UPDATES)[1e-3] == pytest.approx(0.33)


def test_the_smaller_of_equals() -> None:
    assert choose_rate(tried(lambda rate: float(rate in (3e-4, 1e-3)))) == 3e-4


def test_stuck_at_every_rate_it_is_tried_again_for_longer() -> None:
    """Noise around the mean chooses nothing; longer runs do, and they alone."""
    short = tried(lambda rate: rate)
    assert updates_to_try(short[:-1]) == TUNING_UPDATES
    assert updates_to_try(short) == LONG_UPDATES
    assert list(to_try(short)) == list(RATES)
    assert choose_rate(short) is None
    longer = [Tried(t.rate, t.seed, float(t.rate == 1e-3), LONG_UPDATES) for t in short]
    assert choose_rate([*short, *longer]) == 1e-3
    still = [Tried(t.rate, t.seed, t.rate, LONG_UPDATES) for t in short]
    assert not to_try([*short, *still]), "noise is no optimum at the edge"
    assert choose_rate([*short, *still]) == COMMON_RATE


def test_a_task_whose_short_runs_say_nothing_begins_with_long_ones() -> None:
    """Short ones that lie there have no say, stuck or not."""
    short = tried(lambda rate: rate)
    longer = [Tried(t.rate, t.seed, float(t.rate == 1e-3), LONG_UPDATES) for t in short]
    assert updates_to_try([], LONG_UPDATES) == LONG_UPDATES
    assert list(to_try(short, LONG_UPDATES)) == list(RATES)
    assert choose_rate(short, LONG_UPDATES) is None
    assert choose_rate(longer, LONG_UPDATES) == 1e-3
