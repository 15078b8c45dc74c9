"""What a console's memory says about the next point, as numbers a small network can use.

The bytes themselves; where things are and how they move; and what follows from that by geometry:
when and where the ball will cross each paddle's line, bouncing off the walls beside it, and how far
the paddle is from there. All of it is a function of the 128 bytes alone.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, UInt8

from envs.facts import Axis, Facts, Paddle
from envs.games import Game
from envs.positions import Positions, facts_of, read_ram

Ram = UInt8[np.ndarray, "n 128"]
Column = Float64[np.ndarray, " n"]

FAR = 200.0
"""Raw frames after which a crossing counts as never: twice the slowest flight across."""


def features(game: Game, ram: Ram) -> Float64[np.ndarray, "n f"]:
    """Return decoded facts and geometry, then all bytes; nothing is standardised yet.

    Args:
        game: Emulated, with velocities in RAM.
        ram: One state a row, with a ball in play.
    """
    facts = facts_of(game)
    seen = read_ram(facts, ram)
    known = [
        seen.ball_x_screen,
        seen.ball_y_screen,
        seen.ball_velocity_x_screen,
        seen.ball_velocity_y_screen,
    ]
    for paddle in (facts.player, facts.opponent):
        if paddle is not None:
            known += crossing(facts, paddle, seen, _along(paddle, ram))
    if facts.bricks is not None:
        known.append(seen.bricks_left.astype(np.float64))
    columns = np.nan_to_num(np.stack(known, axis=1))
    return np.concatenate([columns, ram.astype(np.float64)], axis=1)


def crossing(facts: Facts, paddle: Paddle, seen: Positions, at_screen: Column) -> list[Column]:
    """Return what the ball's flight means for a paddle.

    Returns:
        The paddle's centre; the ball's distance from it now; raw frames until the ball crosses its
        line; whether it does so without being hit; where it crosses; how far the paddle is from
        there; and that distance over the frames.
    """
    ball, field = facts.ball, facts.playfield
    down = paddle.moves_vertically
    line = paddle.x if down else paddle.y
    assert isinstance(line, int), "a paddle moves along one axis"
    across = (seen.ball_x_screen, seen.ball_velocity_x_screen, ball.width, paddle.width)
    along = (seen.ball_y_screen, seen.ball_velocity_y_screen, ball.height, paddle.height)
    (place, speed, size, thick), (other, drift, other_size, length) = (
        (across, along) if down else (along, across)
    )
    beyond = line > (field.left + field.right if down else field.top + field.bottom) / 2
    to_go = line - size - place if beyond else line + thick - place
    with np.errstate(divide="ignore", invalid="ignore"):
        frames = np.where(speed * to_go > 0, to_go / speed, FAR).clip(0, FAR)
    coming = (frames < FAR).astype(np.float64)
    low, high = (field.top, field.bottom) if down else (field.left, field.right)
    there = folded(other + drift * np.where(coming > 0, frames, 0), low, high - other_size)
    centre = at_screen + length / 2
    now, then = other + other_size / 2 - centre, there + other_size / 2 - centre
    return [centre, now, frames, coming, there, then, then / (frames + 1)]


def folded(place: Column, low: float, high: float) -> Column:
    """Return where a thing is that flew straight on, but for bouncing off two walls.

    Args:
        place: Without any walls.
        low: One wall.
        high: The other.
    """
    span = high - low
    phase = np.mod(place - low, 2 * span)
    inside: Column = low + np.where(phase > span, 2 * span - phase, phase)
    return inside


def _along(paddle: Paddle, ram: Ram) -> Column:
    axis: Axis = paddle.moving
    place: Column = axis.scale * ram[:, axis.address].astype(np.float64) + axis.offset
    return place
