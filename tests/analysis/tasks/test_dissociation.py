"""Dissociations: found where they were planted, and not where one row is merely worse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.tasks.dissociation import COLUMNS, dissociation

BySeed = dict[int, float]


def seeds(mean: float, number: int = 8, seed: int = 0) -> BySeed:
    noise = np.random.default_rng(seed).normal(0, 0.02, number)
    return {k: float(mean + e) for k, e in enumerate(noise)}


def test_a_planted_dissociation_is_found() -> None:
    """Gap knows what, nature where; sort is worse at both, twin equal at both."""
    what = {"nature": seeds(0.5), "gap": seeds(0.9, seed=1), "sort": seeds(0.2, seed=2)}
    where = {"nature": seeds(0.9, seed=3), "gap": seeds(0.3, seed=4), "sort": seeds(0.3, seed=5)}
    what["twin"], where["twin"] = seeds(0.5, seed=6), seeds(0.9, seed=7)
    table = dissociation(what, where).set_index("row")
    assert list(table.index) == ["gap", "sort", "twin"]
    assert table.dissociated.tolist() == [True, False, False]
    assert table.loc["gap", "interaction"] == pytest.approx(0.4 + 0.6, abs=0.05)
    assert table.loc["sort", "interaction_low"] > 0  # an interaction alone is not enough


def test_intervals_are_scipys() -> None:
    what = {"nature": seeds(0.5), "gap": seeds(0.6, seed=1)}
    where = {"nature": seeds(0.5, seed=2), "gap": seeds(0.4, seed=3)}
    line = dissociation(what, where).iloc[0]
    off = np.array([what["gap"][k] - what["nature"][k] for k in range(8)])
    low, high = stats.ttest_1samp(off, 0).confidence_interval(0.95)
    assert line["what"] == pytest.approx(off.mean())
    assert (line["what_low"], line["what_high"]) == pytest.approx((low, high))


def test_too_few_seeds_say_nothing() -> None:
    two = {"nature": seeds(0.5, 2), "gap": seeds(0.9, 2)}
    table = dissociation(two, two)
    assert table.empty
    assert tuple(table.columns) == COLUMNS
    assert dissociation({"gap": seeds(0.9)}, {"gap": seeds(0.9)}).empty
