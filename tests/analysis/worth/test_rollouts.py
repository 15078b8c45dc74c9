"""Playing on: the same player as the stated one, chance of its own, and the right reward."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from analysis.worth.rollouts import LIMIT, follower, play_on, rollouts
from commandline import BadInput
from envs.emulator import Emulator, from_bytes, to_bytes
from envs.games import BOWLING, BREAKOUT, CATCH, PONG, Game
from envs.moments import moments
from envs.policies import track

by_game = pytest.mark.parametrize("game", [PONG, BREAKOUT], ids=lambda game: game.name)


def some_states(game: Game, number: int, seed: int = 0) -> np.ndarray:
    """Emulator states of ordinary play."""
    found = islice(moments(game, np.random.default_rng(seed)), number)
    return np.stack([to_bytes(moment.state) for moment in found])


@by_game
def test_follows_as_the_stated_player_does(game: Game) -> None:
    """On every RAM of some play, and on bytes that play never shows."""
    emulator, follow, rng = Emulator(game, seed=0), follower(game), np.random.default_rng(0)
    seen = []
    for _ in range(300):
        seen.append(emulator.ram())
        emulator.step(
            int(rng.integers(len(game.actions))) if rng.random() < 0.3 else follow(seen[-1])
        )
    strange = rng.integers(256, size=(1_000, 128), dtype=np.uint8)
    strange[::7, game.facts.ball.y.address] = 0  # type: ignore[union-attr]
    chosen = []
    for ram in (*seen, *strange):
        chosen.append(follow(ram))
        assert chosen[-1] == track(game, ram, rng)
    assert len(set(chosen)) == 4


@by_game
def test_rollouts_of_one_state_differ_and_repeat_by_seed(game: Game) -> None:
    states = np.repeat(some_states(game, 2), 4, axis=0)
    drawn = [rollouts(game, "tracker", states, np.random.SeedSequence(s)) for s in (1, 1, 2)]
    assert all((drawn[0][name] == drawn[1][name]).all() for name in drawn[0])
    assert (drawn[0]["steps"] != drawn[2]["steps"]).any()
    steps = drawn[0]["steps"].reshape(2, 4)  # a ball on its way up may leave nothing to chance
    assert any(len(set(of_state)) > 1 for of_state in steps.tolist())


def test_a_rollout_does_not_depend_on_what_was_played_before() -> None:
    """The emulator's own chance is not used: alone or behind others, a rollout is the same."""
    states = some_states(PONG, 2)
    emulator, follow = Emulator(PONG, seed=0), follower(PONG)
    alone = rollouts(PONG, "tracker", states[1:], np.random.SeedSequence(5))
    play_on(emulator, from_bytes(states[0]), follow, 0.2, np.random.default_rng(3))
    seed = np.random.SeedSequence(5).spawn(1)[0]
    behind = play_on(emulator, from_bytes(states[1]), follow, 0.2, np.random.default_rng(seed))
    assert (behind.reward, behind.steps) == (alone["reward"][0], alone["steps"][0])


def test_the_tracker_is_better_than_chance_in_pong() -> None:
    states = np.repeat(some_states(PONG, 5), 3, axis=0)
    tracker, random = (
        rollouts(PONG, policy, states, np.random.SeedSequence(0))
        for policy in ("tracker", "random")
    )
    assert tracker["reward"].mean() > random["reward"].mean()
    assert set(random["reward"].tolist()) <= {-1, 0, 1}
    assert random["steps"].max() <= LIMIT
    assert (random["reward"][~random["decided"]] == 0).all()


def test_a_brick_is_one_and_a_lost_life_nothing() -> None:
    states = np.repeat(some_states(BREAKOUT, 4), 4, axis=0)
    drawn = rollouts(BREAKOUT, "random", states, np.random.SeedSequence(0))
    assert set(drawn["reward"].tolist()) == {0, 1}
    assert drawn["decided"].all()


def test_what_cannot_be_played_on_is_refused() -> None:
    for game in (BOWLING, CATCH):
        with pytest.raises(BadInput, match="whose paddle follows the ball"):
            follower(game)
    with pytest.raises(ValueError, match="tracker, random, got 'agent'"):
        rollouts(PONG, "agent", np.zeros((0, 1), np.uint8), np.random.SeedSequence(0))
