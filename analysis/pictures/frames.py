"""What a set of measured frames is: its settings, its arrays, and the ways to split it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

FOLDS = 5
"""Parts into which episodes and blocks are dealt."""


@dataclass(frozen=True)
class TeleportSettings:
    """What shapes a teleport set.

    Attributes:
        game: From `envs.games`.
        arm: What the opponent does: held or along.
        episodes: Games played to find moments.
        moments: Moments kept of each, at most.
        places: Places in each moment, rounded to the same number in every block.
        seed: Of everything.
        states: Whether to keep the emulator's state with each input, to play on from.
    """

    game: str = "pong"
    arm: str = "held"
    episodes: int = 30
    moments: int = 8
    places: int = 50
    seed: int = 0
    states: bool = False


@dataclass(frozen=True)
class PlaySettings:
    """What shapes a set of ordinary play.

    Attributes:
        game: From `envs.games`.
        episodes: Games played, at least.
        inputs: Network inputs kept of each, at most.
        every: Agent steps between two of them.
        seed: Of everything.
    """

    game: str = "pong"
    episodes: int = 30
    inputs: int = 150
    every: int = 4
    seed: int = 0


@dataclass(frozen=True)
class Frames:
    """Network inputs and what is known about them; `n` inputs, one entry each.

    Attributes:
        game: Which game.
        observations: `uint8 (n, 4, 84, 84)`, oldest frame first.
        ball_x_screen: Left edge of the ball in the last raw frame.
        ball_y_screen: Upper edge.
        ball_x_84: The same in network pixels.
        ball_y_84: The same in network pixels.
        velocity_x_screen: Screen pixels a raw frame; NaN where unknown.
        velocity_y_screen: Likewise, down.
        player_screen: Where the player's paddle is along the way it moves.
        opponent_screen: The opponent's; NaN without one.
        score: Raw score of the game up to then.
        bricks_left: −1 where there are none.
        episode: Which game played it is from: the unit by which to split.
        moment: Which scene; in ordinary play every input is its own.
        block: Which 16 × 20 block of the places it is in; −1 in ordinary play.
        column_row: Of that block.
        outer: Whether it is in the outer quarter of the places.
        ram: The console's memory after the last raw frame; zeros for Catch.
        states: The emulator's states as bytes, if they were asked for.
        facts: What was counted while building.
    """

    game: str
    observations: UInt8[np.ndarray, "n 4 84 84"]
    ball_x_screen: Float64[np.ndarray, " n"]
    ball_y_screen: Float64[np.ndarray, " n"]
    ball_x_84: Float64[np.ndarray, " n"]
    ball_y_84: Float64[np.ndarray, " n"]
    velocity_x_screen: Float64[np.ndarray, " n"]
    velocity_y_screen: Float64[np.ndarray, " n"]
    player_screen: Float64[np.ndarray, " n"]
    opponent_screen: Float64[np.ndarray, " n"]
    score: Float64[np.ndarray, " n"]
    bricks_left: Int64[np.ndarray, " n"]
    episode: Int64[np.ndarray, " n"]
    moment: Int64[np.ndarray, " n"]
    block: Int64[np.ndarray, " n"]
    column_row: Int64[np.ndarray, "n 2"]
    outer: Bool[np.ndarray, " n"]
    ram: UInt8[np.ndarray, "n 128"]
    states: UInt8[np.ndarray, "n s"]
    facts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.observations)

    def content_hash(self) -> str:
        """Return eight hexadecimal digits of pictures, places and episodes."""
        digest = hashlib.sha256(self.observations.tobytes())
        for labels in (self.ball_x_screen, self.ball_y_screen, self.episode):
            digest.update(labels.tobytes())
        return digest.hexdigest()[:8]

    def episode_fold(self, folds: int = FOLDS) -> Int64[np.ndarray, " n"]:
        """Split by unseen scenes: whole episodes, dealt out in turn."""
        dealt: Int64[np.ndarray, " n"] = np.unique(self.episode, return_inverse=True)[1] % folds
        return dealt

    def block_fold(self) -> Int64[np.ndarray, " n"]:
        """Split by blocks of space, five ways; no two blocks of a fold touch along an edge."""
        fold: Int64[np.ndarray, " n"] = (self.column_row[:, 0] + 2 * self.column_row[:, 1]) % FOLDS
        return fold
