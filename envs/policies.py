"""Scripted play that reads the RAM: what fills a screen with ordinary situations.

Never an agent of the study: what is measured on these frames must not favour any of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64, UInt8

from envs.games import Game
from envs.positions import Positions, facts_of, read_ram

EPSILONS = (0.2, 0.5, 1.0)
"""Shares of uniformly random decisions in the mixed policy; one is drawn for each game played."""

SLACK = 2.0
"""Screen pixels between the centres of ball and paddle that the tracker leaves alone."""

Choose = Callable[[UInt8[np.ndarray, " 128"]], int]


def track(game: Game, ram: UInt8[np.ndarray, " 128"], rng: np.random.Generator) -> int:
    """Follow the ball with the paddle; serve when there is none.

    Where the player does not move along with the ball (Bowling), it does something at random.

    Returns:
        The index of an action.
    """
    player = facts_of(game).player
    if player.less is None or player.more is None:
        return int(rng.integers(len(game.actions)))
    seen = read_ram(facts_of(game), ram[None])
    if not seen.ball_present[0]:
        return game.actions.index("FIRE")
    lead = lead_screen(game, seen)[0]
    if abs(lead) <= SLACK:
        return game.actions.index("NOOP")
    return game.actions.index(player.less if lead < 0 else player.more)


def lead_screen(game: Game, seen: Positions) -> Float64[np.ndarray, " n"]:
    """Screen pixels by which the ball's centre is ahead of the paddle's, along its movement."""
    facts = facts_of(game)
    ball, player = facts.ball, facts.player
    if player.moves_vertically:
        gap, sizes = seen.ball_y_screen - seen.player_y_screen, (ball.height, player.height)
    else:
        gap, sizes = seen.ball_x_screen - seen.player_x_screen, (ball.width, player.width)
    lead: Float64[np.ndarray, " n"] = gap + (sizes[0] - sizes[1]) / 2
    return lead


def mixed(game: Game, rng: np.random.Generator) -> Choose:
    """The stated mixture for one game played: a tracker that errs in a share of its decisions.

    The share is drawn once, from `EPSILONS`.
    """
    epsilon = float(rng.choice(EPSILONS))

    def choose(ram: UInt8[np.ndarray, " 128"]) -> int:
        if rng.random() < epsilon:
            return int(rng.integers(len(game.actions)))
        return track(game, ram, rng)

    return choose
