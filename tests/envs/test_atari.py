"""ALE's vector environment behind SB3's interface, against a plain ALE loop written out here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ale_py
import cv2
import numpy as np
import pytest
from ale_py import roms

from envs.atari import AtariVecEnv
from envs.games import BREAKOUT, CATCH, PONG, Game


def play(env: AtariVecEnv, actions: np.ndarray) -> list[Any]:
    """Play a table of actions (steps × environments); return what every step gave."""
    return [env.step(row) for row in actions]


def random_actions(game: Game, steps: int, n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(len(game.actions), size=(steps, n))


class PlainLoop:
    """One emulator, stepped by hand: skip 4, maximum of the last two grey frames, area-resize.

    Where a game ends within an agent step, ALE stops before it looks at the screen, and its buffer
    still holds the picture of the step before, which the maximum then includes; so does this loop.
    """

    def __init__(self, game: Game) -> None:
        self.ale = ale_py.ALEInterface()
        self.ale.setInt("random_seed", 0)
        self.ale.setFloat("repeat_action_probability", 0.0)
        self.ale.loadROM(roms.get_rom_path(game.rom))
        self.ale.reset_game()
        self.actions = self.ale.getMinimalActionSet()
        self.picture = self.ale.getScreenGrayscale()
        self.stack = np.zeros((4, 84, 84), np.uint8)
        self.stack[-1] = self.resized(self.picture)

    @staticmethod
    def resized(frame: np.ndarray) -> np.ndarray:
        return cv2.resize(frame, (84, 84), interpolation=cv2.INTER_AREA)

    def step(self, action: int) -> tuple[np.ndarray, int, bool, int]:
        reward = 0
        seen = []
        for frame in range(4):
            reward += self.ale.act(self.actions[action])
            if self.ale.game_over():
                seen.append(self.picture)
                break
            if frame >= 2:
                seen.append(self.ale.getScreenGrayscale())
        self.picture = np.maximum.reduce(seen)
        self.stack = np.roll(self.stack, -1, axis=0)
        self.stack[-1] = self.resized(self.picture)
        return self.stack.copy(), reward, self.ale.game_over(), self.ale.lives()


@pytest.mark.parametrize("game", [PONG, BREAKOUT], ids=lambda g: g.name)
def test_the_same_actions_give_the_same_frames_and_rewards_as_a_plain_loop(game: Game) -> None:
    env = AtariVecEnv(game, 1, seed=0, noop_max=0, clip_rewards=False, life_loss_ends=False)
    plain = PlainLoop(game)
    np.testing.assert_array_equal(env.reset([0])[0], plain.stack)
    rewards, lives = [], []
    for action in random_actions(game, 1500, 1, seed=1)[:, 0]:
        observations, reward, dones, infos = env.step(np.array([action]))
        stack, plain_reward, over, plain_lives = plain.step(int(action))
        assert bool(dones[0]) == over
        seen = infos[0]["terminal_observation"] if over else observations[0]
        np.testing.assert_array_equal(seen, stack)
        assert reward[0] == plain_reward
        if over:
            break
        assert env.lives[0] == plain_lives
        rewards.append(plain_reward)
        lives.append(plain_lives)
    assert {-1, 1} & set(rewards), "the comparison saw no point scored"
    assert game is PONG or set(lives) == {5, 4, 3, 2, 1}, "the comparison saw no life lost"


@pytest.mark.parametrize("sticky", [0.0, 0.25])
def test_same_seeds_same_bits_also_on_a_used_object(sticky: float) -> None:
    actions = random_actions(BREAKOUT, 400, 3, seed=2)
    env = AtariVecEnv(BREAKOUT, 3, seed=0, sticky=sticky)
    other = AtariVecEnv(BREAKOUT, 3, seed=99, sticky=sticky)

    def trace(env: AtariVecEnv, seeds: list[int]) -> tuple[np.ndarray, np.ndarray]:
        first = env.reset(seeds)
        played = play(env, actions)
        return np.stack([first, *(p[0] for p in played)]), np.stack([p[1] for p in played])

    frames, rewards = trace(env, [5, 6, 7])
    for again in (trace(env, [5, 6, 7]), trace(other, [5, 6, 7])):
        np.testing.assert_array_equal(again[0], frames)
        np.testing.assert_array_equal(again[1], rewards)
    assert not np.array_equal(trace(env, [8, 9, 10])[0], frames)


def test_unseeded_resets_follow_the_constructors_seed() -> None:
    def first(seed: int) -> np.ndarray:
        env = AtariVecEnv(PONG, 2, seed=seed)
        env.reset()
        env.reset()
        played = play(env, random_actions(PONG, 40, 2, seed=0))
        return np.stack([p[0] for p in played])

    assert np.array_equal(first(1), first(1))
    assert not np.array_equal(first(1), first(2))


def test_a_lost_life_ends_an_episode_but_not_the_game() -> None:
    env = AtariVecEnv(BREAKOUT, 1, seed=0)
    env.reset([3])
    ends, episodes = [], []
    for observations, _, dones, infos in play(env, random_actions(BREAKOUT, 1200, 1, seed=4)):
        if dones[0]:
            ends.append("episode" in infos[0])
            assert infos[0]["TimeLimit.truncated"] is False
            terminal = infos[0]["terminal_observation"]
            if "episode" in infos[0]:
                episodes.append(infos[0]["episode"])
                assert not observations[0, :-1].any(), "a new game starts with an empty stack"
                assert terminal[:-1].any()
            else:
                np.testing.assert_array_equal(terminal, observations[0])
    assert len(episodes) >= 2
    first_game = ends[: ends.index(True) + 1]
    assert first_game == [False] * 4 + [True], "five lives: four losses, then the end"


def test_final_observations_are_read_only_where_a_game_ended() -> None:
    """ALE leaves the other rows uninitialised; ours must continue the stack exactly."""
    env = AtariVecEnv(BREAKOUT, 4, seed=0, life_loss_ends=False)
    previous = env.reset([0, 1, 2, 3])
    seen = 0
    for observations, _, dones, infos in play(env, random_actions(BREAKOUT, 800, 4, seed=5)):
        for i in range(4):
            last = infos[i]["terminal_observation"] if dones[i] else observations[i]
            np.testing.assert_array_equal(last[:-1], previous[i, 1:])
            seen += int(dones[i])
        previous = observations
    assert seen >= 4


def test_rewards_are_signs_and_returns_raw() -> None:
    """On a game whose points are worth 5 to 200 each, so that clipping shows."""
    game = replace(PONG, rom="space_invaders", lives=3)
    raw = AtariVecEnv(game, 4, seed=0, clip_rewards=False, life_loss_ends=False)
    clipped = AtariVecEnv(game, 4, seed=0, clip_rewards=True, life_loss_ends=False)
    raw.reset(list(range(4)))
    clipped.reset(list(range(4)))
    actions = random_actions(game, 900, 4, seed=6)
    total, signs, games, values = np.zeros(4), np.zeros(4), 0, set()
    for (_, r, dones, infos), (_, c, _, _) in zip(
        play(raw, actions), play(clipped, actions), strict=True
    ):
        np.testing.assert_array_equal(np.sign(r), c)
        values |= set(r.tolist())
        total, signs = total + r, signs + c
        for i in np.flatnonzero(dones):
            assert infos[i]["episode"]["r"] == total[i]
            assert infos[i]["episode"]["clipped"] == signs[i]
            total[i], signs[i], games = 0, 0, games + 1
    assert games >= 3
    assert max(values) > 1


def test_the_frame_limit_truncates() -> None:
    env = AtariVecEnv(PONG, 1, seed=0, max_frames=400, noop_max=0)
    env.reset([0])
    ended = [i for _, _, d, i in play(env, random_actions(PONG, 250, 1, seed=7)) if d[0]]
    assert len(ended) == 2
    for infos in ended:
        assert infos[0]["TimeLimit.truncated"] is True
        assert infos[0]["episode"]["l"] == 100
        assert infos[0]["terminal_observation"].any()


def test_a_game_without_a_cartridge_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a game with a ROM, got 'catch'"):
        AtariVecEnv(CATCH, 1, seed=0)


def test_too_few_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="expected one seed for each of 2, got 1"):
        AtariVecEnv(PONG, 2, seed=0).reset([1])
