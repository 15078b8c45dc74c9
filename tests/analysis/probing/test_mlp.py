"""The probe with one hidden layer: what is folded is unfolded, bits are not invented."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.probing import mlp as mlp_probe
from analysis.probing import ridge
from analysis.probing.mlp import CELLS
from analysis.probing.ridge import r2, span
from analysis.probing.targets import Parts, entropy_bits


def thirds(n: int) -> Parts:
    return Parts(*np.split(np.arange(n), [n * 6 // 10, n * 8 // 10]))


def test_unfolds_what_a_line_cannot() -> None:
    """A product and a distance: no ridge finds them, the hidden probe does; shuffled, nobody."""
    rng = np.random.default_rng(0)
    n = 3_000
    features = rng.uniform(-1, 1, size=(n, 4)).astype(np.float32)
    folded = np.stack([features[:, 0] * features[:, 1], abs(features[:, 2])], axis=1)
    folded = folded.astype(np.float64)
    parts = thirds(n)
    spanned, cell = span(features, parts.train), rng.integers(CELLS, size=n)
    linear = ridge.fit(spanned, folded, parts.choose).predicted[parts.judge]
    assert r2(linear, folded[parts.judge]).max() < 0.02
    hidden = mlp_probe.fit(spanned, folded, cell, parts, rng)
    assert r2(hidden.predicted, folded[parts.judge]).min() > 0.9
    assert entropy_bits(cell[parts.judge]) - hidden.cross_entropy_bits(cell[parts.judge]) < 0.02
    shuffled = rng.permutation(folded)
    lost = mlp_probe.fit(spanned, shuffled, cell, parts, rng)
    assert r2(lost.predicted, shuffled[parts.judge]).max() <= 0.02


@pytest.mark.parametrize("right", [1.0, 0.8, 0.0])
def test_bits_of_a_known_channel(right: float) -> None:
    """One-hot cells, right so often and else any: the bound stays below the truth, and near it."""
    rng = np.random.default_rng(1)
    n = 6_000
    cell = rng.integers(CELLS, size=n)
    seen = np.where(rng.random(n) < right, cell, rng.integers(CELLS, size=n))
    features = np.eye(CELLS, dtype=np.float32)[seen]
    parts = thirds(n)
    targets = np.stack([cell % 8, cell // 8], axis=1).astype(np.float64)
    said = mlp_probe.fit(span(features, parts.train), targets, cell, parts, rng)
    judged = cell[parts.judge]
    bits = entropy_bits(judged) - said.cross_entropy_bits(judged)
    hit = right + (1 - right) / CELLS
    wrong = (1 - hit) / (CELLS - 1)
    noise = -hit * np.log2(hit) - (1 - hit) * np.log2(max(wrong, 1e-300))
    truth = 6 - noise
    assert truth - 0.25 < bits < truth + 0.05
    assert np.allclose((2.0**said.log2_cells).sum(axis=1), 1)


def test_chance_is_passed_in() -> None:
    """The same generator gives the same bits, another one others; torch's own is left alone."""
    rng = np.random.default_rng(2)
    features = rng.normal(size=(300, 5)).astype(np.float32)
    targets, cell, parts = features[:, :2].astype(float), rng.integers(CELLS, size=300), thirds(300)
    spanned = span(features, parts.train)
    one, two, other = (
        mlp_probe.fit(spanned, targets, cell, parts, np.random.default_rng(s)) for s in (3, 3, 4)
    )
    assert (one.predicted == two.predicted).all()
    assert (one.log2_cells == two.log2_cells).all()
    assert (one.predicted != other.predicted).any()


def test_nothing_to_go_by() -> None:
    """Features that never vary: the mean, and the cells' shares."""
    rng = np.random.default_rng(5)
    features, cell = np.ones((600, 7), np.float32), rng.integers(CELLS, size=600)
    targets, parts = rng.normal(size=(600, 2)), thirds(600)
    said = mlp_probe.fit(span(features, parts.train), targets, cell, parts, rng)
    assert abs(r2(said.predicted, targets[parts.judge])).max() < 0.05
    assert said.cross_entropy_bits(cell[parts.judge]) == pytest.approx(6, abs=0.15)
