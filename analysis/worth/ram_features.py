"""What a console's memory says about the next point, as numbers a small network can use.

Where things are and how they move, and what follows from that by geometry: when and where the ball
will cross each paddle's line, bouncing off the walls beside it, how far the paddle is from there,
and how far it would still be if it went after the ball at some speed until then. All of it is a
function of the 128 bytes alone; the bytes themselves can be had too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8

from envs.facts import Facts, Paddle
from envs.games import Game
from envs.positions import Positions, facts_of, read_ram, screen

Ram = UInt8[np.ndarray, "n 128"]
Column = Float64[np.ndarray, " n"]
Leads = Float64[np.ndarray, "*c n"]

FAR = 200
"""Raw frames after which a crossing counts as never: more than the slowest flight across."""

CHASES = (1.0, 1.5, 2.0, 3.0)
"""Screen pixels a raw frame at which a paddle may go after the ball. Pong's opponent makes 2, in
some frames none; the player's paddle gathers speed, so that no single figure fits it."""


def features(game: Game, ram: Ram, *, with_bytes: bool = False) -> Float64[np.ndarray, "n f"]:
    """Return decoded facts and geometry; nothing is standardised yet.

    Args:
        game: Emulated, with velocities in RAM.
        ram: One state a row, with a ball in play.
        with_bytes: Whether to append all 128 bytes.
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
            known += crossing(facts, paddle, seen, screen(paddle.moving, ram)).columns()
    if facts.bricks is not None:
        known.append(seen.bricks_left.astype(np.float64))
    columns = np.nan_to_num(np.stack(known, axis=1))
    return np.concatenate([columns, ram.astype(np.float64)], axis=1) if with_bytes else columns


@dataclass(frozen=True)
class Crossing:
    """What the ball's flight means for a paddle, if nobody hits it on the way.

    Attributes:
        centre: Of the paddle, screen pixels along the way it moves.
        lead: Of the ball's centre over it now, screen pixels.
        frames: Raw frames until the ball crosses the paddle's line; `FAR` if it goes away.
        coming: 1 if it comes, else 0.
        place: Where it crosses, screen pixels.
        lead_then: Of the ball over the paddle if that stays, at the crossing.
        left_over: The same if the paddle goes after the ball, a row for each of `CHASES`; 0 if the
            ball goes away.
    """

    centre: Column
    lead: Column
    frames: Column
    coming: Column
    place: Column
    lead_then: Column
    left_over: Float64[np.ndarray, "c n"]

    def columns(self) -> list[Column]:
        """Return all of it, and what matters for reaching the ball without its sign."""
        hurry = self.lead_then / (self.frames + 1)
        plain = [self.centre, self.lead, self.frames, self.coming, self.place, self.lead_then]
        return [*plain, hurry, *self.left_over, *np.abs(self.left_over)]


def crossing(facts: Facts, paddle: Paddle, seen: Positions, at_screen: Column) -> Crossing:
    """Follow the ball to a paddle's line.

    Args:
        facts: Of the game.
        paddle: One that moves along one axis.
        seen: Where the ball is.
        at_screen: Where the paddle's edge is along that axis.
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

    def lead(after: Column | int, centre: Leads) -> Leads:
        """Of the ball's centre over the paddle's so many frames later."""
        there = folded(other + drift * after, low, high - other_size)
        ahead: Leads = there + other_size / 2 - centre
        return ahead

    centre = at_screen + length / 2
    until = np.where(coming > 0, frames, 0)
    then = lead(until, centre)
    chasing, left_over = np.tile(centre, (len(CHASES), 1)), np.zeros((len(CHASES), len(centre)))
    limit = np.array(CHASES)[:, None]
    for frame in range(int(np.ceil(until.max(initial=0))) + 1):
        behind = lead(frame, chasing)
        left_over = np.where((np.ceil(until) == frame) & (coming > 0), behind, left_over)
        chasing = chasing + behind.clip(-limit, limit)
    place_then = then + centre - other_size / 2
    return Crossing(centre, lead(0, centre), frames, coming, place_then, then, left_over)


def folded(
    place: Float64[np.ndarray, "*shape"], low: float, high: float
) -> Float64[np.ndarray, "*shape"]:
    """Return where a thing is that flew straight on, but for bouncing off two walls.

    Args:
        place: Without any walls.
        low: One wall.
        high: The other.
    """
    span = high - low
    phase = np.mod(place - low, 2 * span)
    inside: Float64[np.ndarray, "*shape"] = low + np.where(phase > span, 2 * span - phase, phase)
    return inside
