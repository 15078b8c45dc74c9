"""Plain consoles show what the vector environment shows, and play on from where they are put."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from analysis.networks import OUTPUTS, Observations, build, responses
from analysis.worth.lockstep import consoles, greedy, play_on_together
from analysis.worth.rollouts import Outcome
from envs import make
from envs.atari import AtariVecEnv
from envs.emulator import Emulator, to_bytes
from envs.games import BREAKOUT, CATCH, PONG, Game
from envs.moments import moments
from envs.policies import SLACK, lead_screen, track
from envs.positions import Positions

RNG = np.random.default_rng


@pytest.mark.parametrize("game", [PONG, BREAKOUT])
def test_pictures_are_the_vector_environments(game: Game) -> None:
    """Observations, rewards and lives of the same actions are equal, bit for bit."""
    env = AtariVecEnv(game, 2, seed=0, noop_max=0, clip_rewards=False, life_loss_ends=False)
    seen, on, rng = env.reset([0, 1]), consoles(game, 2), RNG(0)
    for number in range(2):
        assert on.begin(number, rng, 0) == 0
    assert (on.stacks == seen).all()
    for _ in range(150):
        actions, lives = rng.integers(len(game.actions), size=2), env.lives
        observations, rewards, dones, _ = env.step(actions)
        happened = on.step(np.arange(2), actions, np.zeros((2, 4), bool))
        assert not dones.any()
        assert (on.stacks == observations).all()
        assert (happened.rewards == rewards).all()
        assert (happened.lost == (env.lives < lives)).all()


def test_idle_frames_and_stickiness_change_the_game() -> None:
    on = consoles(PONG, 2)
    idle = [on.begin(0, RNG(seed), 30) for seed in range(20)]
    assert min(idle) < 10 < 20 < max(idle) <= 30
    for number in range(2):
        on.begin(number, RNG(0), 0)
    down = np.full(2, PONG.actions.index("LEFT"))
    for _ in range(20):  # the second repeats NOOP for ever
        on.step(np.arange(2), down, np.array([[False] * 4, [True] * 4]))
    first, second = on.positions(np.arange(2)).player_y_screen
    assert first > second + 20


def test_catch_is_the_environments_catch() -> None:
    """Also while others are over and only some are stepped."""
    on, rng = consoles(CATCH, 3), RNG(0)
    env = make(CATCH, 1, seed=0)
    for number in range(3):
        on.begin(number, RNG(number), 30)
    seen = cast(Observations, env.reset([int(RNG(1).integers(2**31))]))
    for step in range(27):
        assert (on.stacks[1] == seen[0]).all()
        action = rng.integers(3, size=1)
        who = np.arange(3) if step < 5 else np.array([1])
        happened = on.step(who, np.repeat(action, len(who)), np.zeros((len(who), 4), bool))
        stepped, rewards, dones, _ = env.step(action)
        seen = cast(Observations, stepped)
        k = who.tolist().index(1)
        assert happened.rewards[k] == rewards[0]
        assert happened.over[k] == dones[0] == (step == 26)


def _follow(_: Observations, seen: Positions) -> np.ndarray:
    """`envs.policies.track`, from positions."""
    lead = lead_screen(PONG, seen)
    up, down = PONG.actions.index("RIGHT"), PONG.actions.index("LEFT")
    follow = np.where(np.abs(lead) <= SLACK, 0, np.where(lead < 0, up, down))
    return np.where(seen.ball_present, follow, PONG.actions.index("FIRE"))


def test_playing_on_together_is_playing_on_alone() -> None:
    """Five states on two consoles end as each does alone, whoever makes room for whom."""
    found = [next(moments(PONG, RNG(seed))) for seed in range(5)]
    emulator, alone = Emulator(PONG, seed=0), []
    for moment in found:
        emulator.restore(moment.state)
        for step in range(1, 61):
            reward = emulator.step(track(PONG, emulator.ram(), RNG(0)))
            if reward or step == 60:
                alone.append(Outcome(int(np.sign(reward)), step, bool(reward)))
                break
    together = play_on_together(
        consoles(PONG, 2),
        np.stack([to_bytes(moment.state) for moment in found]),
        np.zeros((5, 4, 84, 84), np.uint8),
        _follow,
        RNG(0),
        limit=60,
        sticky=0.0,
    )
    assert together == alone
    assert {outcome.decided for outcome in together} == {False, True}


def test_greedy() -> None:
    """The greatest output without epsilon, all actions with it, the same for the same generator."""
    network = build("nature@0.5", 0, 6)
    pictures = RNG(0).integers(0, 255, (40, 4, 84, 84)).astype(np.uint8)
    best = responses(network, pictures, (OUTPUTS,))[OUTPUTS].argmax(axis=1)
    act = greedy(network)
    assert (act(pictures, 0.0, RNG(1)) == best).all()
    assert set(act(pictures, 1.0, RNG(1)).tolist()) == set(range(6))
    assert (act(pictures, 0.5, RNG(1)) == act(pictures, 0.5, RNG(1))).all()
