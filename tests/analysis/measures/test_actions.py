"""Effective actions, held to the emulator; Cohen's κ, to scikit-learn."""

from __future__ import annotations

import warnings
from itertools import combinations, islice

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from analysis.measures.actions import SAME, cohens_kappa, effective_actions, effective_of
from envs.emulator import Emulator
from envs.games import find
from envs.moments import moments


@pytest.mark.parametrize("name", sorted(SAME))
def test_the_emulator_agrees(name: str) -> None:
    """With the ball under way: equal screens for those that do the same, for no two others."""
    game = find(name)
    emulator, stands_for = Emulator(game, seed=0), effective_of(name)
    other = dict.fromkeys(combinations(sorted(set(stands_for.tolist())), 2), 0)
    for moment in islice(moments(game, np.random.default_rng(0)), 4):
        screens = []
        for action in range(len(game.actions)):
            emulator.restore(moment.state)
            for _ in range(16):
                emulator.act(action)
            screens.append(emulator.grey().copy())
        for action, plain in enumerate(stands_for):
            assert (screens[action] == screens[plain]).all(), game.actions[action]
        for a, b in other:
            other[a, b] += bool((screens[a] != screens[b]).any())
    assert all(other.values()), other


def test_by_hand() -> None:
    q = np.eye(6)
    assert effective_actions("pong", q).tolist() == [0, 0, 2, 3, 2, 3]
    assert effective_actions("breakout", np.eye(4)).tolist() == [0, 0, 2, 3]
    assert effective_actions("catch", np.eye(3)).tolist() == [0, 1, 2]
    assert effective_of("bowling").tolist() == list(range(6))
    with pytest.raises(ValueError, match="pong: expected 6 values an input, got 2"):
        effective_actions("pong", np.zeros((3, 2)))


def test_kappa_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        first = rng.integers(3, size=50)
        second = np.where(rng.random(50) < 0.6, first, rng.integers(3, size=50))
        assert cohens_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


def test_kappa_at_its_ends() -> None:
    some = np.array([0, 1, 2, 1])
    assert cohens_kappa(some, some) == 1
    assert cohens_kappa(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])) == 0
    assert cohens_kappa(np.array([0, 1]), np.array([1, 0])) == -1
    same = np.full(4, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cohens_kappa(same, same) == 0
