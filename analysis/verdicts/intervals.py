"""Intervals and tests over seeds: t for differences and means, order statistics for ratios.

A statistic is made from values by seed (`paired`, `welch`, `one_sample`, `median_ratio`) and then
asked for its interval at a level, or for the p value of lying above or below a bound. Leading axes
are studies: the simulation in `analysis.verdicts.coverage` runs the code that the verdicts run.

All p values are of one side, doubled, so that p ≤ .05 says what "the 95 % interval lies beyond the
bound" says; `Spread.p_equivalent` alone is not doubled (TOST, the 90 % interval).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float, Num

from analysis.verdicts.student import reach, upper_tail

Kind = Literal["paired", "welch", "one-sample", "median", "exact"]

SLACK = 0.02
"""How far the coverage of an interval may fall short of what was asked: .93 where .95 was."""

Ends = tuple[Float[np.ndarray, "*studies"], Float[np.ndarray, "*studies"]]


@dataclass(frozen=True)
class Spread:
    """A mean, or a difference of means, with what a t interval needs.

    Attributes:
        effect: The mean, one for each study.
        error: Its standard error.
        freedom: Degrees of freedom.
        seeds: Values behind it; of the smaller group where there are two.
        kind: How it was made.
    """

    effect: Float[np.ndarray, "*studies"]
    error: Float[np.ndarray, "*studies"]
    freedom: Float[np.ndarray, "*studies"]
    seeds: int
    kind: Kind

    def interval(self, level: float = 0.95) -> Ends:
        """Return the ends of the t interval."""
        half = reach(level, self.freedom) * self.error
        return np.asarray(self.effect - half), np.asarray(self.effect + half)

    def _tail(self, above: float) -> Float[np.ndarray, "*studies"]:
        """Return the p value, of one side, of the mean's lying above."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.nan_to_num((self.effect - above) / self.error, nan=0.0, posinf=np.inf)
        return upper_tail(np.asarray(t), self.freedom)

    def p_above(self, bound: float) -> Float[np.ndarray, "*studies"]:
        """Return the p value of the effect's lying above `bound`."""
        return np.asarray(np.minimum(1, 2 * self._tail(bound)))

    def p_below(self, bound: float) -> Float[np.ndarray, "*studies"]:
        """Return the p value of the effect's lying below `bound`."""
        return np.asarray(np.minimum(1, 2 * (1 - self._tail(bound))))

    def p_equivalent(self, margin: float) -> Float[np.ndarray, "*studies"]:
        """Return the p value of two one-sided tests against ±`margin` (Schuirmann 1987)."""
        return np.asarray(np.maximum(self._tail(-margin), 1 - self._tail(margin)))

    def lies_above(self, bound: float, alpha: float = 0.05) -> bool:
        """Whether the interval at 1 − `alpha` lies at or above `bound`."""
        return bool(self.interval(1 - alpha)[0] >= bound)

    def lies_below(self, bound: float, alpha: float = 0.05) -> bool:
        """Whether the interval at 1 − `alpha` lies at or below `bound`."""
        return bool(self.interval(1 - alpha)[1] <= bound)

    def lies_within(self, margin: float, alpha: float = 0.05) -> bool:
        """Whether the interval at 1 − 2 `alpha` lies inside ±`margin`: equivalence by TOST."""
        low, high = self.interval(1 - 2 * alpha)
        return bool(low > -margin and high < margin)


def one_sample(values: Float[np.ndarray, "*studies n"], kind: Kind = "one-sample") -> Spread:
    """Return the mean of finite values, two or more along the last axis."""
    n = _enough(values)
    mean = np.asarray(values.mean(-1))
    error = np.asarray(values.std(-1, ddof=1) / math.sqrt(n))
    return Spread(mean, error, np.full(mean.shape, n - 1.0), n, kind)


def paired(a: Float[np.ndarray, "*studies n"], b: Float[np.ndarray, "*studies n"]) -> Spread:
    """Return the mean of a − b, seed by seed."""
    return one_sample(a - b, "paired")


def welch(a: Float[np.ndarray, "*studies n"], b: Float[np.ndarray, "*studies m"]) -> Spread:
    """Return the difference of the means of two independent groups (Welch 1947)."""
    n, m = _enough(a), _enough(b)
    va, vb = a.var(-1, ddof=1) / n, b.var(-1, ddof=1) / m
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (va + vb) ** 2 / (va**2 / (n - 1) + vb**2 / (m - 1))
    # Two groups without spread have no freedom of their own; their interval is a point.
    freedom = np.nan_to_num(freedom, nan=n + m - 2.0)
    difference = np.asarray(a.mean(-1) - b.mean(-1))
    return Spread(difference, np.asarray(np.sqrt(va + vb)), np.asarray(freedom), min(n, m), "welch")


def _enough(values: Float[np.ndarray, "*studies n"]) -> int:
    if values.shape[-1] < 2 or not np.isfinite(values).all():
        raise ValueError(
            f"expected two or more finite values for a t interval, got {values.shape[-1]}, "
            f"{np.count_nonzero(~np.isfinite(values))} of them not finite"
        )
    return int(values.shape[-1])


@lru_cache(maxsize=4096)
def binomial_tail(most: int, n: int) -> float:
    """Return the chance of `most` heads or fewer in `n` throws of a fair coin."""
    return float(sum(math.comb(n, i) for i in range(most + 1)) / 2**n)


def order_coverage(rank: int, n: int) -> float:
    """Return the exact coverage of [x₍rank₎, x₍n+1−rank₎] for the median of any population.

    It is the least there is: ties and ∞/∞, which counts to both ends, add to it.
    """
    return 1 - 2 * binomial_tail(rank - 1, n)


def order_rank(n: int, level: float = 0.95) -> int:
    """Return the rank of the narrowest order-statistic interval that covers `level`, or 1."""
    ranks = range(1, max(1, n // 2) + 1)
    return max((k for k in ranks if order_coverage(k, n) >= level), default=1)


@dataclass(frozen=True)
class Ordered:
    """A median ratio, by order statistics of the logarithms to base 2.

    Attributes:
        least: log₂ ratios in ascending order, an undefined one (∞/∞) as −∞.
        most: The same with an undefined one as +∞.
        seeds: How many.
        kind: How it was made.
    """

    least: Float[np.ndarray, "*studies n"]
    most: Float[np.ndarray, "*studies n"]
    seeds: int
    kind: Kind = "median"

    @property
    def effect(self) -> Float[np.ndarray, "*studies"]:
        """The median ratio; not a number where undefined seeds leave it open."""
        ends = []
        for values in (self.least, self.most):
            low, high = values[..., (self.seeds - 1) // 2], values[..., self.seeds // 2]
            with np.errstate(invalid="ignore"):
                ends.append(np.asarray((low + high) / 2))
        return np.asarray(np.where(ends[0] == ends[1], np.exp2(ends[0]), np.nan))

    def interval(self, level: float = 0.95) -> Ends:
        """Return the order-statistic interval, as ratios."""
        rank = order_rank(self.seeds, level)
        return (
            np.asarray(np.exp2(self.least[..., rank - 1])),
            np.asarray(np.exp2(self.most[..., self.seeds - rank])),
        )

    def p_above(self, bound: float) -> Float[np.ndarray, "*studies"]:
        """Return the sign test's p value of the median's lying above `bound`, a ratio."""
        return self._sign_test(np.asarray((self.least < math.log2(bound)).sum(-1)))

    def p_below(self, bound: float) -> Float[np.ndarray, "*studies"]:
        """Return the sign test's p value of the median's lying below `bound`, a ratio."""
        return self._sign_test(np.asarray((self.most > math.log2(bound)).sum(-1)))

    def _sign_test(self, against: Num[np.ndarray, "*studies"]) -> Float[np.ndarray, "*studies"]:
        tails = np.array(
            [min(1.0, 2 * binomial_tail(k, self.seeds)) for k in range(self.seeds + 1)]
        )
        return np.asarray(tails[against])

    def _covers(self, alpha: float) -> bool:
        rank = order_rank(self.seeds, 1 - alpha)
        return order_coverage(rank, self.seeds) >= 1 - alpha - SLACK

    def lies_above(self, bound: float, alpha: float = 0.05) -> bool:
        """Whether the interval at 1 − `alpha` lies at or above `bound`, and covers enough."""
        end = self.least[order_rank(self.seeds, 1 - alpha) - 1]
        return bool(end >= math.log2(bound)) and self._covers(alpha)

    def lies_below(self, bound: float, alpha: float = 0.05) -> bool:
        """Whether the interval at 1 − `alpha` lies at or below `bound`, and covers enough."""
        end = self.most[-order_rank(self.seeds, 1 - alpha)]
        return bool(end <= math.log2(bound)) and self._covers(alpha)


def median_ratio(
    above: Float[np.ndarray, "*studies n"], below: Float[np.ndarray, "*studies n"]
) -> Ordered:
    """Return the median of above / below, seed by seed.

    ∞ is a value like another: ∞/x is ∞ and x/∞ is 0. What is 0 or less (a skill at chance) counts
    as 0, so that 0/x is 0 and x/0 is ∞. ∞/∞ and 0/0 say nothing and count to both ends.
    """
    if not above.shape[-1] or np.isnan(above).any() or np.isnan(below).any():
        raise ValueError("expected one or more values, none of them NaN, for a median ratio")
    with np.errstate(divide="ignore", invalid="ignore"):
        log2 = np.log2(np.maximum(above, 0)) - np.log2(np.maximum(below, 0))
    return Ordered(
        np.sort(np.where(np.isnan(log2), -np.inf, log2), -1),
        np.sort(np.where(np.isnan(log2), np.inf, log2), -1),
        above.shape[-1],
    )


@dataclass(frozen=True)
class Counted:
    """A number without error: arithmetic on the zoo."""

    value: float
    seeds: int = 0
    kind: Kind = "exact"

    @property
    def effect(self) -> Float[np.ndarray, ""]:
        """The number."""
        return np.asarray(self.value)

    def interval(self, level: float = 0.95) -> Ends:
        """Return the number twice."""
        return self.effect, self.effect

    def p_above(self, bound: float) -> Float[np.ndarray, ""]:
        """Return 0 or 1."""
        return np.asarray(float(self.value < bound))

    def p_below(self, bound: float) -> Float[np.ndarray, ""]:
        """Return 0 or 1."""
        return np.asarray(float(self.value > bound))

    def lies_above(self, bound: float, alpha: float = 0.05) -> bool:
        """Whether the number is at or above `bound`."""
        return self.value >= bound

    def lies_below(self, bound: float, alpha: float = 0.05) -> bool:
        """Whether the number is at or below `bound`."""
        return self.value <= bound


Statistic = Spread | Ordered | Counted
