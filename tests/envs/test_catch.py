"""Catch plays as its docstring says."""

from __future__ import annotations

import numpy as np
import pytest

from envs.catch import BALL_SIZE, FALL, PADDLE_STEP, PADDLE_WIDTH, PADDLE_Y_84, CatchVecEnv
from envs.games import CATCH


def follow(env: CatchVecEnv) -> np.ndarray:
    """Move every paddle under its ball."""
    gap = env.state.ball_x_84 + BALL_SIZE / 2 - env.state.paddle_x_84 - PADDLE_WIDTH / 2
    return np.where(gap < -PADDLE_STEP / 2, 1, np.where(gap > PADDLE_STEP / 2, 2, 0))


def test_every_ball_can_be_caught() -> None:
    env = CatchVecEnv(CATCH, 16, seed=0)
    env.reset(range(16))
    rewards = np.concatenate([env.step(follow(env))[1] for _ in range(40 * 27)])
    assert (rewards == 1).sum() == 16 * 40
    assert not (rewards == -1).any()


def test_the_random_score_is_the_published_one() -> None:
    env = CatchVecEnv(CATCH, 64, seed=0)
    env.reset(range(64))
    rng = np.random.default_rng(0)
    rewards = np.concatenate([env.step(rng.integers(3, size=64))[1] for _ in range(100 * 27)])
    scores = rewards[rewards != 0]
    assert len(scores) == 6_400
    assert scores.mean() == pytest.approx(CATCH.random_score, abs=0.05)


def test_the_newest_frame_shows_ball_and_paddle_where_the_state_says() -> None:
    env = CatchVecEnv(CATCH, 3, seed=0)
    observations = env.reset([1, 2, 3])
    for _ in range(60):
        for i in range(3):
            frame = np.zeros((84, 84), np.uint8)
            x, y = int(env.state.ball_x_84[i]), int(env.state.ball_y_84[i])
            paddle = int(env.state.paddle_x_84[i])
            frame[PADDLE_Y_84:, paddle : paddle + PADDLE_WIDTH] = 255
            frame[y : y + BALL_SIZE, x : x + BALL_SIZE] = 255
            np.testing.assert_array_equal(observations[i, -1], frame)
        observations = env.step(np.array([0, 1, 2]))[0]


def test_the_ball_falls_straight_bounces_and_stays_inside() -> None:
    env = CatchVecEnv(CATCH, 32, seed=0)
    env.reset(range(32))
    bounces = 0
    for _ in range(200):
        x, y, v = env.state.ball_x_84, env.state.ball_y_84.copy(), env.state.velocity_x_84
        _, _, dones, _ = env.step(np.zeros(32, int))
        on = ~dones
        assert (env.state.ball_y_84[on] == y[on] + FALL).all()
        same = env.state.velocity_x_84 == v
        assert (env.state.ball_x_84[on & same] == (x + v)[on & same]).all()
        bounces += int((on & ~same).sum())
        assert ((env.state.ball_x_84 >= 0) & (env.state.ball_x_84 <= 84 - BALL_SIZE)).all()
    assert bounces > 10


def test_a_game_is_one_ball_of_27_steps_and_says_so() -> None:
    env = CatchVecEnv(CATCH, 1, seed=0)
    env.reset([0])
    for step in range(1, 28):
        observations, rewards, dones, infos = env.step(np.array([0]))
        assert dones[0] == (step == 27)
    assert infos[0]["episode"]["l"] == 27
    assert infos[0]["episode"]["r"] == rewards[0]
    assert infos[0]["TimeLimit.truncated"] is False
    assert not observations[0, :-1].any()
    assert infos[0]["terminal_observation"][-1].any()


def test_same_seeds_same_bits_other_seeds_others() -> None:
    def trace(seeds: list[int]) -> np.ndarray:
        env = CatchVecEnv(CATCH, 2, seed=0)
        first = env.reset(seeds)
        return np.stack([first, *(env.step(np.array([1, 2]))[0] for _ in range(60))])

    assert np.array_equal(trace([4, 5]), trace([4, 5]))
    assert not np.array_equal(trace([4, 5]), trace([6, 7]))
