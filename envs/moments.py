"""Moments of ordinary play, found by playing: where teleported balls are put, and what is seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from envs.emulator import Emulator
from envs.facts import Facts
from envs.flights import FLOWN, Moment, Velocity, is_live, record
from envs.games import STACK, Game
from envs.policies import mixed
from envs.positions import facts_of, read_ram

GAP = (10, 40)
"""Agent steps played between two moments; drawn uniformly."""

VELOCITY_STEPS = 2_000
"""Agent steps of mixed play from which velocities are taken."""


def moments(game: Game, rng: np.random.Generator, *, episode: int = 0) -> Iterator[Moment]:
    """Play one game by the mixed policy and hand out live moments, until it is over.

    Args:
        game: With facts about its RAM.
        rng: The only source of chance.
        episode: A number to be kept with the moments.
    """
    facts, emulator = facts_of(game), Emulator(game, seed=int(rng.integers(2**31)))
    choose, score = mixed(game, rng), 0.0
    while not emulator.over():
        for _ in range(int(rng.integers(*GAP))):
            score += emulator.step(choose(emulator.ram()))
            if emulator.over():
                return
        actions = tuple(choose(emulator.ram()) for _ in range(STACK))
        moment = record(emulator, actions, episode=episode, score=score)
        if is_live(facts, moment):
            yield moment
        elif moment.rewarded:  # what it was worth is known by the sign only: play it again
            emulator.restore(moment.state)
            score += sum(emulator.step(action) for action in actions if not emulator.over())


def velocities(game: Game, rng: np.random.Generator) -> list[Velocity | None]:
    """Velocities of the ball in mixed play, each as often as it was seen.

    Returns:
        Screen pixels a raw frame; `[None]` where RAM does not hold them.
    """
    facts, emulator = facts_of(game), Emulator(game, seed=int(rng.integers(2**31)))
    if facts.ball.x.velocity is None:
        return [None]
    choose, ram = mixed(game, rng), []
    for _ in range(VELOCITY_STEPS):
        emulator.step(choose(emulator.ram()))
        ram.append(emulator.ram())
        if emulator.over():
            emulator.reset()
            choose = mixed(game, rng)
    seen = read_ram(facts, np.stack(ram))
    both = zip(seen.ball_velocity_x_screen, seen.ball_velocity_y_screen, strict=True)
    return [
        (float(vx), float(vy))
        for (vx, vy), there in zip(both, seen.ball_present, strict=True)
        if there and vx != 0
    ]


def velocity_fits(facts: Facts, velocity: Velocity | None) -> bool:
    """Whether a flight to any of `facts.places` stays in the clear: a matter of its length alone.

    What cannot be known beforehand (`None`) is left to the flight itself.
    """
    if velocity is None:
        return True
    vx, vy = velocity
    ball, places, clear = facts.ball, facts.places, facts.clear
    return (
        places.left - max(vx, 0) * FLOWN >= clear.left
        and places.right - 1 + ball.width - min(vx, 0) * FLOWN <= clear.right
        and places.top - max(vy, 0) * FLOWN >= clear.top
        and places.bottom - 1 + ball.height - min(vy, 0) * FLOWN <= clear.bottom
    )
