"""What is played: games as data, the emulator, ground truth about the ball."""

from __future__ import annotations

from typing import Any

from envs.atari import MAX_FRAMES, NOOP_MAX, AtariVecEnv
from envs.catch import CatchVecEnv
from envs.games import Game
from envs.vector import GameVecEnv


def make(
    game: Game,
    num_envs: int,
    *,
    seed: int,
    sticky: float = 0.0,
    noop_max: int = NOOP_MAX,
    max_frames: int = MAX_FRAMES,
    **options: Any,
) -> GameVecEnv:
    """Build several copies of `game` as one SB3 vector environment.

    Args:
        game: From `envs.games`.
        num_envs: Copies, at least 1.
        seed: Where seeds come from when `reset` is called without any.
        sticky: Probability of a repeated action (Atari only; Catch has no emulator to be sticky).
        noop_max: Most idle emulator frames at the start of a game (Atari only, too).
        max_frames: Emulator frames after which a game is truncated (Atari only; a game of Catch
            ends when the ball lands).
        **options: `clip_rewards`, `life_loss_ends`, as in `GameVecEnv`.
    """
    if game.rom is None:
        return CatchVecEnv(game, num_envs, seed=seed, **options)
    return AtariVecEnv(
        game,
        num_envs,
        seed=seed,
        sticky=sticky,
        noop_max=noop_max,
        max_frames=max_frames,
        **options,
    )
