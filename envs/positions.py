"""Where ball and paddles are: RAM → screen → network pixels, for whole batches.

Three frames of reference, named in every variable. `*_ram`: raw bytes. `*_screen`: pixels of the
160 × 210 picture. `*_84`: pixels of the network's 84 × 84 input, continuous: a sprite whose left
edge lies at screen pixel 40 begins at 40 · 84 / 160 = 21.0. A place is always a top-left corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from envs.catch import FALL, PADDLE_Y_84, CatchState
from envs.facts import Axis, Ball, Box, Facts, Paddle
from envs.games import FRAME_SKIP, INPUT_SIZE, SCREEN_HEIGHT, SCREEN_WIDTH, Game

X_84 = INPUT_SIZE / SCREEN_WIDTH
"""Network pixels a screen pixel, across: 0.525."""

Y_84 = INPUT_SIZE / SCREEN_HEIGHT
"""Network pixels a screen pixel, down: 0.4."""

Places = Float64[np.ndarray, " n"]
Ram = UInt8[np.ndarray, "n 128"]


@dataclass(frozen=True)
class Positions:
    """Where everything is, one entry a state; NaN where a thing is not there.

    Attributes:
        ball_present: Whether at least one pixel of the ball lies in the playfield.
        ball_x_screen: Left edge, screen pixels.
        ball_y_screen: Upper edge, screen pixels; part of it may be cut off at a wall.
        ball_velocity_x_screen: Screen pixels a raw frame; NaN where RAM does not hold it.
        ball_velocity_y_screen: Likewise, down.
        player_x_screen: Left edge of the agent's paddle.
        player_y_screen: Upper edge.
        opponent_x_screen: Left edge of the other paddle; NaN in games without one.
        opponent_y_screen: Upper edge.
        bricks_left: Bricks still standing; −1 in games without any.
    """

    ball_present: Bool[np.ndarray, " n"]
    ball_x_screen: Places
    ball_y_screen: Places
    ball_velocity_x_screen: Places
    ball_velocity_y_screen: Places
    player_x_screen: Places
    player_y_screen: Places
    opponent_x_screen: Places
    opponent_y_screen: Places
    bricks_left: Int64[np.ndarray, " n"]

    @property
    def ball_x_84(self) -> Places:
        """Left edge of the ball, network pixels."""
        return self.ball_x_screen * X_84

    @property
    def ball_y_84(self) -> Places:
        """Upper edge of the ball, network pixels."""
        return self.ball_y_screen * Y_84


def read(game: Game, state: Ram | CatchState) -> Positions:
    """Say where everything is.

    Args:
        game: From `envs.games`.
        state: A batch of RAM states, `uint8 (n, 128)`; for Catch its `CatchState`, whose network
            pixels are given in the screen pixels that shrink to them.
    """
    if isinstance(state, CatchState):
        return _read_catch(state)
    return read_ram(facts_of(game), state)


def facts_of(game: Game) -> Facts:
    """Return the RAM facts of an emulated game."""
    if game.facts is None:
        raise ValueError(f"expected a game with facts about its RAM, got {game.name!r}")
    return game.facts


def read_ram(facts: Facts, ram: Ram) -> Positions:
    """Say where everything is, from RAM alone."""
    ball = facts.ball
    x_screen, y_screen = screen(ball.x, ram), screen(ball.y, ram)
    present = _visible(facts.playfield, ball, x_screen, y_screen)
    if ball.absent_y_ram is not None:
        present &= ram[:, ball.y.address] != ball.absent_y_ram
    player_x_screen, player_y_screen = _paddle(facts.player, ram)
    opponent_x_screen, opponent_y_screen = _paddle(facts.opponent, ram)
    return Positions(
        ball_present=present,
        ball_x_screen=np.where(present, x_screen, np.nan),
        ball_y_screen=np.where(present, y_screen, np.nan),
        ball_velocity_x_screen=np.where(present, velocity(ball.x, ram), np.nan),
        ball_velocity_y_screen=np.where(present, velocity(ball.y, ram), np.nan),
        player_x_screen=player_x_screen,
        player_y_screen=player_y_screen,
        opponent_x_screen=opponent_x_screen,
        opponent_y_screen=opponent_y_screen,
        bricks_left=bricks_left(facts, ram),
    )


def screen(axis: Axis, ram: Ram) -> Places:
    """Screen pixels of one coordinate; its fraction of a pixel is not drawn and left out."""
    places: Places = axis.scale * ram[:, axis.address].astype(np.float64) + axis.offset
    return places


def velocity(axis: Axis, ram: Ram) -> Places:
    """Screen pixels a raw frame along one axis; NaN where RAM does not hold it."""
    if axis.velocity is None:
        return np.full(len(ram), np.nan)
    units: Places = ram[:, axis.velocity].view(np.int8).astype(np.float64)
    if axis.velocity_fraction is not None:
        units = units + ram[:, axis.velocity_fraction] / 256
    return axis.velocity_sign * axis.scale * units


def bricks_left(facts: Facts, ram: Ram) -> Int64[np.ndarray, " n"]:
    """Count the bricks still standing; −1 in games without any."""
    bricks = facts.bricks
    if bricks is None:
        return np.full(len(ram), -1, np.int64)
    held = ram[:, bricks.addresses.start : bricks.addresses.stop]
    bits = np.unpackbits(held, axis=1).sum(axis=1, dtype=np.int64)
    left: Int64[np.ndarray, " n"] = (bits - bricks.spare_bits) // bricks.bits_a_brick
    return left


def _visible(playfield: Box, ball: Ball, x: Places, y: Places) -> Bool[np.ndarray, " n"]:
    """Whether any pixel of the ball's rectangle lies in the playfield."""
    across = (x + ball.width > playfield.left) & (x < playfield.right)
    down = (y + ball.height > playfield.top) & (y < playfield.bottom)
    seen: Bool[np.ndarray, " n"] = across & down
    return seen


def _paddle(paddle: Paddle | None, ram: Ram) -> tuple[Places, Places]:
    nowhere = np.full(len(ram), np.nan)
    if paddle is None:
        return nowhere, nowhere.copy()
    x_screen, y_screen = (
        screen(axis, ram) if isinstance(axis, Axis) else np.full(len(ram), float(axis))
        for axis in (paddle.x, paddle.y)
    )
    return x_screen, y_screen


def _read_catch(state: CatchState) -> Positions:
    n = len(state.ball_x_84)
    nowhere = np.full(n, np.nan)
    return Positions(
        ball_present=np.ones(n, bool),
        ball_x_screen=state.ball_x_84 / X_84,
        ball_y_screen=state.ball_y_84 / Y_84,
        ball_velocity_x_screen=state.velocity_x_84 / X_84 / FRAME_SKIP,
        ball_velocity_y_screen=np.full(n, FALL / Y_84 / FRAME_SKIP),
        player_x_screen=state.paddle_x_84 / X_84,
        player_y_screen=np.full(n, PADDLE_Y_84 / Y_84),
        opponent_x_screen=nowhere,
        opponent_y_screen=nowhere.copy(),
        bricks_left=np.full(n, -1, np.int64),
    )
