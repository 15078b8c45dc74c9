"""Intervals against scipy, hand computation and binomial arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.verdicts.intervals import (
    Counted,
    Ordered,
    median_ratio,
    one_sample,
    order_coverage,
    order_rank,
    paired,
    welch,
)
from analysis.verdicts.student import reach, upper_tail

FREEDOMS = np.array([1.0, 1.3, 1.99, 2.0, 4.0, 9.0, 13.7, 18.0, 49.0, 98.0])
RNG = np.random.default_rng(3)
A, B = RNG.normal(0.3, 1, 10), RNG.normal(0, 2, 12)

finite = st.floats(-5, 5).map(lambda x: round(x, 3))
groups = st.integers(3, 12).flatmap(
    lambda n: st.tuples(
        st.lists(finite, min_size=n, max_size=n, unique=True),
        st.lists(finite, min_size=n, max_size=n, unique=True),
    )
)
ratios = st.lists(
    st.floats(0.01, 100) | st.sampled_from([0.0, math.inf]), min_size=1, max_size=25
).map(np.array)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99, 1 - 0.05 / 6])
def test_t_quantiles_are_scipys(level: float) -> None:
    np.testing.assert_allclose(
        reach(level, FREEDOMS), stats.t.ppf((1 + level) / 2, FREEDOMS), rtol=1e-6
    )


@pytest.mark.parametrize("t", [-4.0, -0.1, 0.0, 1.0, 2.5, 30.0])
def test_t_tails_are_scipys(t: float) -> None:
    ours = upper_tail(np.full(FREEDOMS.shape, t), FREEDOMS)
    np.testing.assert_allclose(ours, stats.t.sf(t, FREEDOMS), atol=1e-7)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_t_intervals_are_scipys(level: float) -> None:
    same = paired(A, B[:10])
    theirs = stats.ttest_rel(A, B[:10]).confidence_interval(level)
    np.testing.assert_allclose(same.interval(level), (theirs.low, theirs.high))
    other = welch(A, B)
    theirs = stats.ttest_ind(A, B, equal_var=False).confidence_interval(level)
    np.testing.assert_allclose(other.interval(level), (theirs.low, theirs.high))
    single = one_sample(A)
    theirs = stats.ttest_1samp(A, 0).confidence_interval(level)
    np.testing.assert_allclose(single.interval(level), (theirs.low, theirs.high))
    assert (same.seeds, other.seeds, single.seeds) == (10, 10, 10)


def test_tost_is_scipys() -> None:
    margin = 1.5
    low = stats.ttest_ind(A, B - margin, equal_var=False, alternative="greater").pvalue
    high = stats.ttest_ind(A, B + margin, equal_var=False, alternative="less").pvalue
    assert float(welch(A, B).p_equivalent(margin)) == pytest.approx(max(low, high), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(groups, finite)
def test_p_values_and_intervals_say_the_same(values: tuple[list[float], ...], bound: float) -> None:
    a, b = map(np.array, values)
    for made in (welch(a, b), one_sample(a)):
        low, high = made.interval()
        low90, high90 = made.interval(0.9)
        if min(abs(x) for x in (low - bound, high - bound)) > 1e-6:
            assert made.lies_above(bound) == (made.p_above(bound) <= 0.05) == (low >= bound)
            assert made.lies_below(bound) == (made.p_below(bound) <= 0.05) == (high <= bound)
        margin = abs(bound) + 0.01
        if min(abs(abs(x) - margin) for x in (low90, high90)) > 1e-6:
            assert made.lies_within(margin) == (made.p_equivalent(margin) <= 0.05)


def test_no_spread_makes_a_point() -> None:
    made = welch(np.ones(4), np.zeros(4))
    assert made.interval() == (1, 1)
    assert made.lies_above(1)
    assert float(made.p_above(0.5)) == pytest.approx(0, abs=1e-9)
    assert float(made.p_below(0.5)) == 1


@pytest.mark.parametrize("bad", [[1.0], [1.0, math.inf], [1.0, math.nan]])
def test_a_t_interval_needs_two_finite_values(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="expected two or more finite values"):
        one_sample(np.array(bad))


# By hand: 2 · (1 + 10) / 1024 lies outside the second of ten; 2 · (1 + 20 + 190 + 1140 + 4845 +
# 15504) / 2²⁰ outside the sixth of twenty.
@pytest.mark.parametrize(
    ("n", "rank", "coverage"),
    [
        (3, 1, 0.75),
        (5, 1, 0.9375),
        (6, 1, 0.96875),
        (10, 2, 1 - 22 / 1024),
        (20, 6, 1 - 2 * 21700 / 2**20),
    ],
)
def test_order_statistics_by_hand(n: int, rank: int, coverage: float) -> None:
    assert order_rank(n) == rank
    assert order_coverage(rank, n) == pytest.approx(coverage)
    assert order_coverage(rank, n) == pytest.approx(1 - 2 * stats.binom.cdf(rank - 1, n, 0.5))


def test_of_ten_it_is_the_second_and_the_ninth() -> None:
    values = np.array([7.0, 1, 2, 9, 4, 5, 3, 8, 6, 10])
    made = median_ratio(values, np.ones(10))
    np.testing.assert_allclose(made.interval(), (2, 9))
    assert float(made.effect) == pytest.approx(math.sqrt(5 * 6)), "the middle of the logarithms"


def test_infinities_are_values_and_undefined_ones_count_to_both_ends() -> None:
    inf = math.inf
    over = np.array([inf, inf, 4.0, 4, 4, 4, 4, 4, inf, inf])
    under = np.array([1.0, 1, 1, 1, 1, 1, 1, 1, inf, inf])
    made = median_ratio(over, under)  # 6 × 4, 2 × ∞, 2 × undefined
    np.testing.assert_allclose(made.interval(), (0, inf), err_msg="second: an undefined one")
    assert float(made.effect) == pytest.approx(4), "the middle is 4 whatever the undefined ones are"
    assert not made.lies_above(2)
    under[9] = 1
    made = median_ratio(over, under)
    np.testing.assert_allclose(made.interval(), (4, inf))
    assert made.lies_above(4)
    assert median_ratio(under[:8], over[:8]).interval()[0] == 0, "x/∞ is 0"


def test_what_is_at_chance_counts_as_nothing() -> None:
    made = median_ratio(np.array([-0.1, 0.5, -0.2]), np.array([0.5, -0.1, -0.3]))
    np.testing.assert_array_equal(made.least, [-math.inf, -math.inf, math.inf])
    np.testing.assert_array_equal(made.most, [-math.inf, math.inf, math.inf])
    assert math.isnan(made.effect), "undefined seeds leave the middle open"


@settings(max_examples=60, deadline=None)
@given(ratios, st.floats(0.1, 10))
def test_the_sign_test_and_the_order_interval_say_the_same(x: np.ndarray, bound: float) -> None:
    made = median_ratio(x, np.ones_like(x))
    low, high = made.interval()
    assume(not np.isclose((low, high), bound).any())
    if len(x) > 5:
        assert made.lies_above(bound) == (made.p_above(bound) <= 0.05) == (low >= bound)
        assert made.lies_below(bound) == (made.p_below(bound) <= 0.05) == (high <= bound)
    if len(x) < 5:
        assert not made.lies_above(bound), "four seeds cover .875"
        assert not made.lies_below(bound)


def test_five_seeds_cover_enough_for_one_comparison_and_not_for_one_of_two() -> None:
    made = median_ratio(np.full(5, 4.0), np.ones(5))
    assert made.lies_above(2)
    assert not made.lies_above(2, alpha=0.025)


@settings(max_examples=60, deadline=None)
@given(ratios)
def test_swapping_the_rows_turns_the_interval_over(x: np.ndarray) -> None:
    one = np.ones_like(x)
    low, high = median_ratio(x, one).interval()
    low_turned, high_turned = median_ratio(one, x).interval()
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose((1 / high_turned, 1 / low_turned), (low, high))


def test_studies_are_worked_on_in_bulk() -> None:
    a, b = RNG.normal(size=(2, 7, 10))
    bulk, single = welch(a, b), [welch(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(bulk.interval()[0], [s.interval()[0] for s in single])
    many = median_ratio(np.exp(a), np.exp(b))
    assert isinstance(many, Ordered)
    each = [median_ratio(np.exp(x), np.exp(y)) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(many.p_above(1), [s.p_above(1) for s in each])


def test_arithmetic_has_no_error() -> None:
    assert Counted(2.0).lies_above(2)
    assert not Counted(2.0).lies_below(1.9)
    assert float(Counted(2.0).p_above(1.0)) == 0
    assert float(Counted(2.0).p_below(1.0)) == 1
