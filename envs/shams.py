"""Interventions that should do nothing, or one thing only: controls for the teleport.

Each takes the same moment and the same flight as the teleport it stands beside.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from envs.emulator import Frames, Stack
from envs.facts import Facts
from envs.flights import Flight, own_flight
from envs.games import STACK
from envs.teleport import Arm, Shown, Teleporter, luminance


def own_place(teleporter: Teleporter) -> Shown:
    """Write what is there anyway: the original frames, bit for bit."""
    return teleporter.show(own_flight(teleporter.facts, teleporter.moment), "held")


def ball_erased(teleporter: Teleporter, flight: Flight, arm: Arm) -> Shown:
    """Keep the ball out of sight by its place in RAM; what goes along with it still does."""
    return teleporter.show(flight.out_of_sight(teleporter.facts), arm, hidden=True)


def velocity_reversed(teleporter: Teleporter, flight: Flight, arm: Arm) -> Shown:
    """End at the same place from the opposite direction.

    Raises:
        ValueError: Where no byte of RAM holds the velocity.
    """
    if teleporter.facts.ball.x.velocity is None:
        raise ValueError(f"{teleporter.emulator.game.name} keeps no velocity that can be reversed")
    vx, vy = flight.velocity_screen
    x_screen, y_screen = flight.path_screen[-1].astype(int).tolist()
    back = teleporter.flight((-vx, -vy)).ending_at(teleporter.facts, x_screen, y_screen)
    return teleporter.show(back, arm)


def paddle_moved(teleporter: Teleporter, flight: Flight, arm: Arm, *, more: bool) -> Shown:
    """Move the player's paddle by playing one of its two directions all the time.

    Raises:
        ValueError: Where the player does not move while the ball is under way.
    """
    game = teleporter.emulator.game
    name = teleporter.facts.player.more if more else teleporter.facts.player.less
    if name is None:
        raise ValueError(f"the player of {game.name} does not move while the ball is under way")
    return teleporter.show(flight, arm, actions=(game.actions.index(name),) * STACK)


def digits_changed(teleporter: Teleporter, flight: Flight, arm: Arm) -> Shown:
    """Show another score."""
    return teleporter.show(flight, arm, extra=teleporter.facts.digits_ram)


def pasted(teleporter: Teleporter, flight: Flight, arm: Arm) -> Frames:
    """Draw the ball by painting pixels on ball-erased frames, instead of through RAM."""
    frames = ball_erased(teleporter, flight, arm).frames.copy()
    return paste(teleporter.facts, frames, flight)


def paste(facts: Facts, frames: Frames, flight: Flight) -> Frames:
    """Paint the ball's sprite on the eight visible frames, in place."""
    lit = np.array([[dot == "#" for dot in row] for row in facts.ball.shape])
    grey = luminance(facts.ball.colour)
    for frame, (x, y) in zip(frames, flight.visible_screen.astype(int), strict=True):
        frame[y : y + facts.ball.height, x : x + facts.ball.width][lit] = grey
    return frames


def screen_shifted(stack: Stack, dx_84: int, dy_84: int) -> Stack:
    """Shift a whole network input; what comes in repeats the edge, so that no new edge appears.

    Args:
        stack: One network input.
        dx_84: Network pixels to the right.
        dy_84: Network pixels down.
    """
    height, width = stack.shape[1:]
    rows = np.clip(np.arange(height) - dy_84, 0, height - 1)
    columns = np.clip(np.arange(width) - dx_84, 0, width - 1)
    shifted: UInt8[np.ndarray, "4 84 84"] = stack[:, rows][:, :, columns]
    return shifted
