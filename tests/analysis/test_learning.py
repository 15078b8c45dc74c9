"""Learning curves in one number each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.learning import gain_in_last_quarter, heights, normalised_score
from commandline import BadInput
from envs.games import BREAKOUT, CATCH, PONG

PUBLISHED = Path(__file__).parents[2] / "results" / "precision.json"


def test_random_is_0_and_perfect_is_1() -> None:
    steps = [0, 10_000, 40_000]
    assert normalised_score([(s, CATCH.random_score) for s in steps], CATCH) == 0
    assert normalised_score([(s, 1.0) for s in steps], CATCH) == pytest.approx(1)
    assert normalised_score([(s, 21.0) for s in steps], PONG) == pytest.approx(1)


def test_area_weighs_by_steps() -> None:
    """Flat at random for half the steps, then straight up to perfect: a quarter."""
    curve = [(0, CATCH.random_score), (20_000, CATCH.random_score), (40_000, 1.0)]
    assert normalised_score(curve, CATCH) == pytest.approx(0.25)


def test_gain_of_a_straight_line_and_of_a_plateau() -> None:
    steps = np.arange(0, 40_001, 2_500)
    rising = [(int(s), -0.65 + 1.65 * s / 40_000) for s in steps]
    assert gain_in_last_quarter(rising, CATCH) == pytest.approx(0.25)
    flat = [(int(s), min(1.0, -0.65 + s / 10_000)) for s in steps]
    assert gain_in_last_quarter(flat, CATCH) == pytest.approx(0, abs=1e-9)


def test_noise_is_averaged_out() -> None:
    """The gain of a noisy plateau is nearer to nothing than the difference of two points."""
    rng = np.random.default_rng(0)
    steps = np.arange(0, 40_001, 1_000)
    lines, pairs = [], []
    for _ in range(200):
        curve = [(int(s), 0.5 + float(rng.normal(0, 0.1))) for s in steps]
        lines.append(gain_in_last_quarter(curve, CATCH))
        pairs.append(float(np.ptp(heights(curve, CATCH)[[-11, -1]])))
    assert abs(np.mean(lines)) < 0.01
    assert np.std(lines) < np.mean(pairs)


def test_a_game_without_a_reference_is_refused() -> None:
    with pytest.raises(BadInput, match="breakout: expected a game with a reference score"):
        heights([(0, 1.0)], BREAKOUT)


def test_published_scores_come_out_again() -> None:
    """The scores that were published are what this makes of the curves beside them."""
    rows = json.loads(PUBLISHED.read_text())["rows"]
    assert len(rows) == 20
    for row in rows:
        assert normalised_score(row["curve"], CATCH) == pytest.approx(row["score"])
