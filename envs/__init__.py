"""What is played: games as data, the emulator, ground truth about the ball."""

from __future__ import annotations

from typing import Any

from envs.atari import AtariVecEnv
from envs.catch import CatchVecEnv
from envs.games import Game
from envs.vector import GameVecEnv


def make(
    game: Game, num_envs: int, *, seed: int, sticky: float = 0.0, **options: Any
) -> GameVecEnv:
    """Build several copies of `game` as one SB3 vector environment.

    Args:
        game: From `envs.games`.
        num_envs: Copies, at least 1.
        seed: Where seeds come from when `reset` is called without any.
        sticky: Probability of a repeated action (Atari only; Catch has no emulator to be sticky).
        **options: `clip_rewards`, `life_loss_ends`, as in `GameVecEnv`.
    """
    if game.rom is None:
        return CatchVecEnv(game, num_envs, seed=seed, **options)
    return AtariVecEnv(game, num_envs, seed=seed, sticky=sticky, **options)
