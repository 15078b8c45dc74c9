"""Catch: the smallest game in which the place of the ball is everything.

A ball falls from the top of an 84 × 84 field, straight or slanted, and bounces off the side walls;
a paddle at the bottom moves left or right. A game is one ball: +1 if it is caught, −1 if not.
Every ball can be caught. After bsuite's Catch (Osband et al. 2020), drawn at the size of the
network's input and with a slant, so that one frame does not tell where the ball will land.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Int64, UInt8

from envs.games import INPUT_SIZE, STACK, Game
from envs.vector import GameVecEnv, Observations, Outcome

BALL_SIZE = 3
"""Side of the square ball, in network pixels."""

PADDLE_WIDTH, PADDLE_HEIGHT = 12, 3
"""Size of the paddle, in network pixels."""

FALL = 3
"""Network pixels the ball falls in an agent step."""

PADDLE_STEP = 3
"""Network pixels the paddle moves in an agent step: its whole range, 72, in less than a fall."""

MAX_SLANT = 2
"""Greatest horizontal speed of the ball, in network pixels an agent step."""

BALL_MAX_X_84 = INPUT_SIZE - BALL_SIZE
PADDLE_MAX_X_84 = INPUT_SIZE - PADDLE_WIDTH
PADDLE_Y_84 = INPUT_SIZE - PADDLE_HEIGHT
BRIGHT = 255
"""Grey value of ball and paddle; the field is 0."""


@dataclass
class CatchState:
    """Where everything is, one entry a copy; places are top-left corners in network pixels."""

    ball_x_84: Int64[np.ndarray, " n"]
    ball_y_84: Int64[np.ndarray, " n"]
    velocity_x_84: Int64[np.ndarray, " n"]
    paddle_x_84: Int64[np.ndarray, " n"]


def draw(state: CatchState) -> UInt8[np.ndarray, "n 84 84"]:
    """Render the newest frame of each copy, in [0, 255]."""
    frames = np.zeros((len(state.ball_x_84), INPUT_SIZE, INPUT_SIZE), np.uint8)
    for frame, x, y, paddle in zip(
        frames, state.ball_x_84, state.ball_y_84, state.paddle_x_84, strict=True
    ):
        frame[PADDLE_Y_84:, paddle : paddle + PADDLE_WIDTH] = BRIGHT
        frame[y : y + BALL_SIZE, x : x + BALL_SIZE] = BRIGHT
    return frames


class CatchVecEnv(GameVecEnv):
    """Catch; see `GameVecEnv` for observations, rewards and infos.

    Args:
        game: `envs.games.CATCH`.
        num_envs: Copies, at least 1.
        seed: Where seeds come from when `reset` is called without any.
        clip_rewards: Without effect: rewards are −1, 0 and 1.
        life_loss_ends: Without effect: there are no lives.
    """

    def __init__(
        self,
        game: Game,
        num_envs: int,
        *,
        seed: int,
        clip_rewards: bool = True,
        life_loss_ends: bool = True,
    ) -> None:
        none = np.zeros(num_envs, np.int64)
        self.state = CatchState(none, none.copy(), none.copy(), none.copy())
        self._rngs: list[np.random.Generator] = []
        self._stack = np.zeros((num_envs, STACK, INPUT_SIZE, INPUT_SIZE), np.uint8)
        super().__init__(
            game, num_envs, seed=seed, clip_rewards=clip_rewards, life_loss_ends=life_loss_ends
        )

    def _start(self, seeds: Int[np.ndarray, " n"]) -> tuple[Observations, Int64[np.ndarray, " n"]]:
        self._rngs = [np.random.default_rng(int(seed)) for seed in seeds]
        self._serve(np.ones(self.num_envs, bool))
        return self._stack.copy(), np.zeros(self.num_envs, np.int64)

    def _serve(self, who: np.ndarray) -> None:
        """Drop a new ball in the copies chosen by the boolean mask `who`, and draw it."""
        state = self.state
        for i in np.flatnonzero(who):
            rng = self._rngs[i]
            state.ball_x_84[i] = rng.integers(BALL_MAX_X_84 + 1)
            state.ball_y_84[i] = 0
            state.velocity_x_84[i] = rng.integers(-MAX_SLANT, MAX_SLANT + 1)
            state.paddle_x_84[i] = rng.integers(PADDLE_MAX_X_84 + 1)
        self._stack[who] = 0
        self._stack[who, -1] = draw(state)[who]

    def _advance(self, actions: Int64[np.ndarray, " n"]) -> Outcome:
        state = self.state
        move = np.array([0, -PADDLE_STEP, PADDLE_STEP])[actions]
        state.paddle_x_84 = np.clip(state.paddle_x_84 + move, 0, PADDLE_MAX_X_84)
        flown = state.ball_x_84 + state.velocity_x_84
        bounced = np.where(
            flown < 0, -flown, np.where(flown > BALL_MAX_X_84, 2 * BALL_MAX_X_84 - flown, flown)
        )
        state.velocity_x_84 = np.where(bounced == flown, state.velocity_x_84, -state.velocity_x_84)
        state.ball_x_84 = bounced
        state.ball_y_84 = state.ball_y_84 + FALL

        self._stack[:, :-1] = self._stack[:, 1:].copy()
        self._stack[:, -1] = draw(state)
        landed = state.ball_y_84 >= PADDLE_Y_84
        over_paddle = (state.ball_x_84 + BALL_SIZE > state.paddle_x_84) & (
            state.ball_x_84 < state.paddle_x_84 + PADDLE_WIDTH
        )
        rewards = np.where(landed, np.where(over_paddle, 1, -1), 0).astype(np.float32)
        final = self._stack.copy() if landed.any() else None
        self._serve(landed)
        return Outcome(
            observations=self._stack.copy(),
            rewards=rewards,
            terminated=landed,
            truncated=np.zeros(self.num_envs, bool),
            final_observations=final,
            lives=np.zeros(self.num_envs, np.int64),
        )
