"""Ridge in closed form: scikit-learn's numbers, with and without groups of examples."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from analysis.probing import ridge
from analysis.probing.ridge import PENALTIES, fit, left_out, r2, span


def made(n: int, p: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features with means and unequal scales, of which two say something; one never varies."""
    rng = np.random.default_rng(seed)
    features = rng.normal(3, rng.uniform(0.2, 2, size=p), size=(n, p)).astype(np.float32)
    features[:, 0] = 7
    targets = features[:, 1:3].astype(np.float64) * 5 + rng.normal(size=(n, 2))
    return features, targets


@pytest.mark.parametrize(("n", "p"), [(300, 20), (100, 400)], ids=["features", "examples"])
def test_equals_scikit_learn(n: int, p: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every penalty, in either space; then with groups left out, the oracle fitted anew."""
    features, targets = made(n, p)
    train, choose, judge = np.split(np.arange(n), [n // 2, 3 * n // 4])
    spanned = span(features, train)
    for penalty in PENALTIES:
        monkeypatch.setattr(ridge, "PENALTIES", (penalty,))
        fitted = fit(spanned, targets, choose)
        assert fitted.penalty == pytest.approx(penalty * spanned.unit)
        oracle = Ridge(fitted.penalty, solver="svd").fit(
            features[train].astype(float), targets[train]
        )
        assert np.allclose(fitted.predicted, oracle.predict(features.astype(float)), atol=0.02)

        group = np.arange(n) % 3
        pairs = [
            (np.flatnonzero(group == g), np.intersect1d(judge, np.flatnonzero(group == g)))
            for g in range(3)
        ]
        without = left_out(spanned, targets, fitted, pairs)
        assert np.isfinite(without[judge]).all()
        assert np.isnan(without[train]).all()
        for out, asked in pairs:
            rest = np.setdiff1d(train, out)
            oracle = Ridge(fitted.penalty, solver="svd").fit(
                features[rest].astype(float), targets[rest]
            )
            assert np.allclose(
                without[asked], oracle.predict(features[asked].astype(float)), atol=0.02
            )


def test_penalty_is_chosen_by_others() -> None:
    """Noise in every one of many features wants a strong one, no noise a weak one."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 100)).astype(np.float32)
    line = features[:, :1].astype(np.float64)
    train, choose = np.arange(200), np.arange(200, 300)
    spanned = span(features, train)
    clean = fit(spanned, line, choose).penalty
    noisy = fit(spanned, line + 5 * rng.normal(size=(400, 1)), choose).penalty
    assert clean == pytest.approx(PENALTIES[0] * spanned.unit)
    assert noisy >= 100 * clean


def test_scale_has_no_say() -> None:
    features, targets = made(200, 30)
    train, choose = np.arange(100), np.arange(100, 150)
    once, more = (fit(span(features * f, train), targets, choose) for f in (1, 1000))
    assert np.allclose(once.predicted, more.predicted, atol=1e-3)


@pytest.mark.parametrize("p", [12, 600])
def test_planted_and_shuffled(p: int) -> None:
    """A planted place is found among noise; a shuffled one is not, nor with nothing to go by."""
    rng = np.random.default_rng(p)
    place = rng.uniform(0, 100, size=(900, 2))
    noise = rng.normal(size=(900, p)).astype(np.float32)
    train, choose, judge = np.split(np.arange(900), [500, 700])

    def found(features: np.ndarray, targets: np.ndarray) -> float:
        made = fit(span(features.astype(np.float32), train), targets, choose).predicted[judge]
        return float(r2(made, targets[judge]).mean())

    planted = np.hstack([noise, place])
    assert found(planted, place) >= 0.99
    assert found(planted, rng.permutation(place)) <= 0.02
    assert found(noise, place) <= 0.02
    constant = np.full((900, p), 5, np.float32)
    assert -0.05 < found(constant, place) <= 0


def test_r2_by_hand() -> None:
    truth = np.array([[0.0, 1], [2, 1], [4, 4]])
    assert r2(truth, truth).tolist() == [1, 1]
    assert r2(np.tile(truth.mean(axis=0), (3, 1)), truth) == pytest.approx([0, 0])
    assert r2(truth + np.array([2, 0]), truth) == pytest.approx([1 - 12 / 8, 1])
