"""ALE's C++ vector environment as an SB3 `VecEnv`, with its traps paid for.

ALE draws the frames, skips, takes the maximum of the last two, resizes (area interpolation) and
stacks; lives, clipping and returns are kept on our side, because ALE's own switches for them mean
something else than SB3's wrappers do.
"""

from __future__ import annotations

import numpy as np
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode
from jaxtyping import Int, Int64

from envs.games import FRAME_SKIP, INPUT_SIZE, STACK, Game
from envs.vector import GameVecEnv, Observations, Outcome

MAX_FRAMES = 108_000
"""Emulator frames after which a game is cut off: half an hour of play (Machado et al. 2018)."""

NOOP_MAX = 30
"""A game starts after 0 to this many idle emulator frames (Mnih et al. 2015)."""


class AtariVecEnv(GameVecEnv):
    """An Atari game; see `GameVecEnv` for observations, rewards and infos.

    FIRE is never pressed on the agent's behalf: the action in the replay buffer is the action that
    was played. DeepMind's DQN had no such help either.

    Args:
        game: A game with a ROM.
        num_envs: Copies, at least 1.
        seed: Where seeds come from when `reset` is called without any.
        clip_rewards: Whether the rewards handed out are signs of the raw ones.
        life_loss_ends: Whether a lost life is `done` to the learner.
        sticky: Probability that the emulator repeats the last action instead of the new one, each
            frame, in [0, 1]. 0 is the Nature paper's protocol, .25 that of Machado et al. 2018.
        noop_max: Most idle emulator frames at the start of a game.
        max_frames: Emulator frames after which a game is truncated.
        threads: Emulator threads; 0 lets ALE decide.
    """

    def __init__(
        self,
        game: Game,
        num_envs: int,
        *,
        seed: int,
        clip_rewards: bool = True,
        life_loss_ends: bool = True,
        sticky: float = 0.0,
        noop_max: int = NOOP_MAX,
        max_frames: int = MAX_FRAMES,
        threads: int = 1,
    ) -> None:
        if game.rom is None:
            raise ValueError(f"expected a game with a ROM, got {game.name!r}")
        self.emulator = AtariVectorEnv(
            game.rom,
            num_envs,
            num_threads=threads,
            max_num_frames_per_episode=max_frames,
            repeat_action_probability=sticky,
            autoreset_mode=AutoresetMode.SAME_STEP,
            img_height=INPUT_SIZE,
            img_width=INPUT_SIZE,
            stack_num=STACK,
            frameskip=FRAME_SKIP,
            noop_max=noop_max,
            episodic_life=False,  # True would restart the whole game on each lost life
            life_loss_info=False,
            reward_clipping=False,
            use_fire_reset=False,
        )
        super().__init__(
            game, num_envs, seed=seed, clip_rewards=clip_rewards, life_loss_ends=life_loss_ends
        )

    def _start(self, seeds: Int[np.ndarray, " n"]) -> tuple[Observations, Int64[np.ndarray, " n"]]:
        observations, info = self.emulator.reset(seed=seeds)
        return np.array(observations), info["lives"].astype(np.int64)

    def _advance(self, actions: Int64[np.ndarray, " n"]) -> Outcome:
        observations, rewards, terminated, truncated, info = self.emulator.step(actions)
        # `final_obs` is uninitialised memory in the rows of copies that did not reset.
        final = info.get("final_obs")
        return Outcome(
            observations=np.array(observations),  # ALE hands out its own buffer
            rewards=rewards.astype(np.float32),
            terminated=np.array(terminated),
            truncated=truncated & ~terminated,
            final_observations=None if final is None else np.array(final),
            lives=info["lives"].astype(np.int64),
        )

    def close(self) -> None:
        """Let go of the emulators."""
        del self.emulator
