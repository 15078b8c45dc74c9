"""Which actions do the same while the ball is under way: the effective ones.

Pong and Breakout give buttons that change nothing then: FIRE only serves. A network that changes
its mind between two of a kind has not changed what happens. Held to the emulator in
`tests/analysis/measures/test_actions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int64

from envs.games import GAMES

SAME: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "pong": {"FIRE": "NOOP", "RIGHTFIRE": "RIGHT", "LEFTFIRE": "LEFT"},
        "breakout": {"FIRE": "NOOP"},
    }
)
"""By game: an action, and the plainer one that does the same. In Catch and Bowling none does."""


def effective_of(game: str) -> Int64[np.ndarray, " actions"]:
    """Return for each action of a game the number of the action that stands for it."""
    names, same = GAMES[game].actions, SAME.get(game, {})
    return np.array([names.index(same.get(name, name)) for name in names])


def effective_actions(game: str, q: Float[np.ndarray, "n actions"]) -> Int64[np.ndarray, " n"]:
    """Return what would be played at those values: the effective action of the greatest.

    Args:
        game: From `envs.games`.
        q: A value for each of its actions.

    Raises:
        ValueError: If there are not as many values as actions.
    """
    stands_for = effective_of(game)
    if q.shape[1] != len(stands_for):
        raise ValueError(f"{game}: expected {len(stands_for)} values an input, got {q.shape[1]}")
    chosen: Int64[np.ndarray, " n"] = stands_for[q.argmax(axis=1)]
    return chosen


def cohens_kappa(first: Int64[np.ndarray, " n"], second: Int64[np.ndarray, " n"]) -> float:
    """Return Cohen's κ of two choices: agreement beyond chance (Cohen 1960).

    Returns:
        1 if they always agree, 0 if as often as by chance; also 0 where both always choose one and
        the same, for then nothing beyond chance is shown.
    """
    kinds = np.union1d(first, second)
    shares = [np.array([(chosen == kind).mean() for kind in kinds]) for chosen in (first, second)]
    by_chance = float(shares[0] @ shares[1])
    if by_chance == 1:
        return 0.0
    return (float((first == second).mean()) - by_chance) / (1 - by_chance)
