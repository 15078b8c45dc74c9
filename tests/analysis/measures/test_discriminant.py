"""Linear discriminants with Ledoit and Wolf's covariance, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from analysis.measures.discriminant import d_prime, direction, shrinkage

FOLD = np.arange(60) // 6 % 5


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("n", "d"), [(40, 10), (40, 200), (15, 300)])
def test_shrinkage_is_scikit_learns(n: int, d: int) -> None:
    examples = rng().normal(size=(n, d)) * rng(1).uniform(0.1, 3, size=d)
    centred = examples - examples.mean(axis=0)
    products = centred @ centred.T
    _, expected = ledoit_wolf(centred, assume_centered=True)
    assert shrinkage(products, np.diagonal(products), d) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("d", [12, 300])
def test_direction_is_that_of_scikit_learns_covariance(d: int) -> None:
    first = rng().normal(size=(40, d)) * rng(1).uniform(0.1, 3, size=d)
    second = rng(2).normal(size=(35, d)) + 0.5
    spread = np.concatenate([first, second]).std(axis=0)
    a, b = first / spread, second / spread
    within = np.concatenate([a - a.mean(axis=0), b - b.mean(axis=0)])
    covariance, _ = ledoit_wolf(within, assume_centered=True)
    expected = np.linalg.solve(covariance, b.mean(axis=0) - a.mean(axis=0)) / spread
    np.testing.assert_allclose(direction(first, second), expected, rtol=1e-6)


def test_units_have_no_say() -> None:
    first, second = rng().normal(size=(60, 20)), rng(1).normal(size=(60, 20)) + 0.3
    units = 10 ** rng(2).uniform(-3, 3, size=20)
    expected = d_prime(first, second, FOLD)
    assert d_prime(first * units, second * units, FOLD) == pytest.approx(expected, rel=1e-6)
    assert d_prime(first + units, second + units, FOLD) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("true", [0.0, 1.0, 3.0])
def test_a_known_d_prime_is_found(true: float) -> None:
    """One feature says it, in units of its own noise; nine say nothing."""
    n = 500
    first, second = rng().normal(size=(n, 10)), rng(1).normal(size=(n, 10))
    second[:, 0] += true
    found = d_prime(first, second, np.arange(n) % 5)
    assert found == pytest.approx(true, abs=0.3)


def test_nothing_to_tell_is_nothing_told() -> None:
    """More features than examples, and still no d′ but by chance: fitted and tested apart."""
    found = [
        d_prime(rng(s).normal(size=(60, 500)), rng(s + 50).normal(size=(60, 500)), FOLD)
        for s in range(10)
    ]
    assert abs(np.mean(found)) < 0.2
    with pytest.raises(ValueError, match="expected two folds or more, got 1"):
        d_prime(np.ones((6, 2)), np.ones((6, 2)), np.zeros(6, int))


def test_constant_features() -> None:
    flat = np.ones((60, 5), np.float32)
    assert d_prime(flat, flat, FOLD) == 0
    assert d_prime(flat, flat * 3, FOLD) > 1e6  # infinite, but for rounding
    assert d_prime(flat * 0, flat, FOLD) > 1e6
    assert (direction(flat, flat) == 0).all()
    noisy = rng().normal(size=(60, 5))
    noisy[:, 2] = 7
    assert direction(noisy, noisy + np.eye(5)[0])[2] == 0


def test_folds_are_kept_apart() -> None:
    """What each episode says in its own way is of no use in another."""
    own, mixed = np.eye(5)[FOLD], np.arange(60) % 5
    noises = [rng(s).normal(size=(2, 60, 5)) * 0.1 for s in range(10)]
    apart = [d_prime(a, b + own, FOLD) for a, b in noises]
    leaking = [d_prime(a, b + own, mixed) for a, b in noises]
    assert abs(np.mean(apart)) < 1
    assert min(leaking) > 2
