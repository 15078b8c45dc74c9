"""What all games share as SB3 vector environments: seeds, stacking contract, honest bookkeeping."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from jaxtyping import Bool, Float32, Int, Int64, UInt8
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from envs.games import INPUT_SIZE, STACK, Game

Observations = UInt8[np.ndarray, "n 4 84 84"]

MAX_SEED = 2**31 - 1
"""Seeds are drawn below this: the emulator keeps them as 32-bit signed integers."""


@dataclass(frozen=True)
class Outcome:
    """What one agent step did, before it is told to SB3.

    Attributes:
        observations: After the step; where a game ended, already those of the next game.
        rewards: Raw, unclipped.
        terminated: The game is over by its own rules.
        truncated: The game was cut off (the frame limit); never together with `terminated`.
        final_observations: The last picture of the game that ended; only the rows of ended games
            mean anything, and `None` where no game ended.
        lives: Lives left; 0 in games that count none.
    """

    observations: Observations
    rewards: Float32[np.ndarray, " n"]
    terminated: Bool[np.ndarray, " n"]
    truncated: Bool[np.ndarray, " n"]
    final_observations: Observations | None
    lives: Int64[np.ndarray, " n"]


class GameVecEnv(VecEnv):
    """Several copies of one game, stepped together, as SB3 expects them.

    Observations are `uint8 (n, 4, 84, 84)`, in [0, 255], channel first, oldest frame first. After
    a reset the three older frames are zero. `infos[i]` is empty except where `dones[i]`: then it
    holds `terminal_observation` and `TimeLimit.truncated`, and at the real end of a game `episode`
    with the raw return `r`, the clipped return `clipped`, the length `l` in agent steps and `t`,
    seconds since the environment was built.

    Args:
        game: What is played.
        num_envs: Copies, at least 1.
        seed: Where seeds come from when `reset` is called without any.
        clip_rewards: Whether the rewards handed out are signs of the raw ones (Mnih et al. 2015).
        life_loss_ends: Whether a lost life is `done` to the learner; the game itself goes on, and
            the observation after it is the terminal one.
    """

    render_mode: str | None = None

    def __init__(
        self,
        game: Game,
        num_envs: int,
        *,
        seed: int,
        clip_rewards: bool = True,
        life_loss_ends: bool = True,
    ) -> None:
        self.game = game
        self.clip_rewards = clip_rewards
        self.life_loss_ends = life_loss_ends
        self.lives = np.zeros(num_envs, np.int64)
        self._seed_source = np.random.default_rng(seed)
        self._born = time.monotonic()
        self._returns = np.zeros(num_envs)
        self._clipped_returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)
        self._actions = np.zeros(num_envs, np.int64)
        super().__init__(
            num_envs,
            spaces.Box(0, 255, (STACK, INPUT_SIZE, INPUT_SIZE), np.uint8),
            spaces.Discrete(len(game.actions)),
        )

    @abstractmethod
    def _start(self, seeds: Int[np.ndarray, " n"]) -> tuple[Observations, Int64[np.ndarray, " n"]]:
        """Begin a new game in every copy; return observations and lives."""

    @abstractmethod
    def _advance(self, actions: Int64[np.ndarray, " n"]) -> Outcome:
        """Play one agent step in every copy; a copy whose game ends begins the next one."""

    def reset(self, seeds: Sequence[int] | None = None) -> Observations:
        """Begin a new game in every copy.

        With the same seeds everything that follows is the same, bit for bit, also on an object
        that was used before.

        Args:
            seeds: One for each copy, in [0, 2³¹); without them those set by `seed()` are used
                once, and after that they are drawn from the constructor's seed.

        Returns:
            The first observations.
        """
        if seeds is None:
            chosen = [self._draw() if s is None else s for s in self._seeds]
        else:
            chosen = list(seeds)
        if len(chosen) != self.num_envs:
            raise ValueError(f"expected one seed for each of {self.num_envs}, got {len(chosen)}")
        self._reset_seeds()
        observations, self.lives = self._start(np.asarray(chosen, np.int64) % MAX_SEED)
        for tally in (self._returns, self._clipped_returns, self._lengths):
            tally[:] = 0
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        """Remember the actions for `step_wait`."""
        self._actions = np.asarray(actions, np.int64)

    def step_wait(self) -> VecEnvStepReturn:
        """Play the remembered actions; see the class for what comes back."""
        outcome = self._advance(self._actions)
        clipped = np.sign(outcome.rewards)
        self._returns += outcome.rewards
        self._clipped_returns += clipped
        self._lengths += 1

        over = outcome.terminated | outcome.truncated
        dones = over | (outcome.lives < self.lives) if self.life_loss_ends else over
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(dones):
            infos[i] = (
                self._report(int(i), outcome) if over[i] else self._life_lost(int(i), outcome)
            )
        self.lives = outcome.lives
        for tally in (self._returns, self._clipped_returns, self._lengths):
            tally[over] = 0
        rewards = clipped if self.clip_rewards else outcome.rewards
        return outcome.observations, rewards, dones, infos

    def _life_lost(self, i: int, outcome: Outcome) -> dict[str, Any]:
        return {
            "terminal_observation": outcome.observations[i].copy(),
            "TimeLimit.truncated": False,
        }

    def _report(self, i: int, outcome: Outcome) -> dict[str, Any]:
        assert outcome.final_observations is not None, "a game ended without a last picture"
        return {
            "terminal_observation": outcome.final_observations[i].copy(),
            "TimeLimit.truncated": bool(outcome.truncated[i]),
            "episode": {
                "r": float(self._returns[i]),
                "clipped": float(self._clipped_returns[i]),
                "l": int(self._lengths[i]),
                "t": round(time.monotonic() - self._born, 6),
            },
        }

    def _draw(self) -> int:
        return int(self._seed_source.integers(MAX_SEED))

    def close(self) -> None:
        """Nothing outlives the object."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of this object, once for each copy asked for."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refuse: the copies share one emulator object, so there is nothing to set apart."""
        raise AttributeError(f"{type(self).__name__} is configured when it is built: {attr_name}")

    def env_method(
        self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any
    ) -> list[Any]:
        """Refuse: there are no separate Gymnasium environments behind this one."""
        raise AttributeError(f"{type(self).__name__} wraps no environments: {method_name}")

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """Say no for each copy asked for: nothing is wrapped."""
        return [False] * len(list(self._get_indices(indices)))
