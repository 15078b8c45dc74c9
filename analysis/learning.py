"""What a learning curve says: how high it lies, and whether it was still rising."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from commandline import BadInput
from envs.games import Game

Curve = Sequence[Sequence[float]]
"""Pairs of agent steps and mean raw scores of scheduled evaluations, the first at step 0."""


def heights(curve: Curve, game: Game) -> Float64[np.ndarray, " points"]:
    """Return each point's normalised score: random play is 0, the game's reference 1.

    Raises:
        BadInput: If the game has no reference score of its own.
    """
    if game.reference_score is None:
        raise BadInput(
            f"{game.name}: expected a game with a reference score; its scores are normalised by "
            "nature's tuning seeds at the same budget (studies/tune_breakout.yaml), not there yet"
        )
    scores = np.array([score for _, score in curve], np.float64)
    found: Float64[np.ndarray, " points"] = (scores - game.random_score) / (
        game.reference_score - game.random_score
    )
    return found


def normalised_score(curve: Curve, game: Game) -> float:
    """Return the curve's mean height over all agent steps, by the trapezoidal rule."""
    steps = [step for step, _ in curve]
    return mean_height(list(zip(steps, heights(curve, game), strict=True)))


def mean_height(curve: Curve) -> float:
    """Return a curve's mean over all agent steps, by the trapezoidal rule, in its own unit.

    Raises:
        ValueError: If it has fewer than two points.
    """
    if len(curve) < 2:
        raise ValueError(f"expected a curve of two points or more, got {len(curve)}")
    steps, values = np.array(curve, np.float64).T
    return float(np.trapezoid(values, steps) / (steps[-1] - steps[0]))


def gain_in_last_quarter(curve: Curve, game: Game) -> float:
    """Return by how much the height rose over the last quarter of the agent steps.

    A straight line is fitted to the quarter's points, three at least, because the score of some
    games is noisy; its rise over the quarter is the gain.
    """
    steps = np.array([step for step, _ in curve], np.float64)
    last = max(3, int((steps >= steps[-1] * 0.75).sum()))
    slope = np.polyfit(steps[-last:], heights(curve, game)[-last:], 1)[0]
    return float(slope * steps[-1] / 4)
