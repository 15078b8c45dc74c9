"""The explainable share: 1 for the truth however noisy the rollouts, 0 for the mean."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.worth.explained import ceiling, within_variance


def coins(rng: np.random.Generator, worth: np.ndarray, k: int) -> np.ndarray:
    """Rewards of −1 and 1 with the mean given."""
    return np.where(rng.random((len(worth), k)) < (1 + worth[:, None]) / 2, 1.0, -1.0)


@pytest.mark.parametrize("k", [4, 16])
def test_known_truth(k: int) -> None:
    """Truth, mean, truth with a known error, and the best linear guess from a noisy copy."""
    rng = np.random.default_rng(0)
    worth = rng.uniform(-0.9, 0.9, 20_000)
    known = ceiling(coins(rng, worth, k))
    assert known.explainable == pytest.approx(worth.var(), abs=0.01)
    assert known.noise == pytest.approx((1 - worth**2).mean() / k, rel=0.02)
    assert known.share(worth) == pytest.approx(1, abs=0.02)
    assert known.share(np.full(len(worth), known.mean.mean())) == pytest.approx(0, abs=1e-9)
    off = worth + rng.choice([-0.3, 0.3], len(worth))
    assert known.share(off) == pytest.approx(1 - 0.09 / worth.var(), abs=0.03)
    assert known.share(rng.permutation(worth)) == pytest.approx(-1, abs=0.06)


def test_without_the_correction_the_truth_looks_bad() -> None:
    rng = np.random.default_rng(1)
    worth = rng.uniform(-0.5, 0.5, 4_000)
    known = ceiling(coins(rng, worth, 4))
    naive = 1 - np.square(worth - known.mean).mean() / known.mean.var()
    assert naive < 0.5 < 0.9 < known.share(worth)


def test_by_hand() -> None:
    rollouts = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, -1.0]])
    assert within_variance(rollouts) == 0.5
    known = ceiling(rollouts)
    assert (known.noise, known.explainable) == (0.25, 0.6875 - 0.25)
    assert known.share(np.array([1.0, 0.0, -1.0, -1.0])) == 1 + 0.25 / 0.4375
    assert ceiling(rollouts[:, :1], s2=0.5).noise == 0.5


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(ValueError, match="expected two rollouts of a state or more, got 1"):
        ceiling(np.ones((5, 1)))
    rng = np.random.default_rng(0)
    same = ceiling(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    with pytest.raises(ValueError, match="expected states that differ"):
        same.share(rng.normal(size=2))
