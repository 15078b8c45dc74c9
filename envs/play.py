"""Ordinary play by the mixed policy, one agent step after another, as the network would see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from envs import catch_teleport
from envs.emulator import Emulator, Stack, shrink
from envs.games import FRAME_SKIP, INPUT_SIZE, STACK, Game
from envs.policies import mixed
from envs.positions import Positions, read


@dataclass(frozen=True)
class Step:
    """One agent step of play.

    Attributes:
        observation: The network input after it.
        positions: Where everything is; arrays of one entry.
        ram: The console's memory; zeros in a game without a console.
        score: Raw score of the game up to here.
        started: Agent steps since the game began.
    """

    observation: Stack
    positions: Positions
    ram: UInt8[np.ndarray, " 128"]
    score: float
    started: int


def play(game: Game, rng: np.random.Generator) -> Iterator[Step]:
    """Play one game (of Catch: for ever).

    Args:
        game: What is played.
        rng: The only source of chance.
    """
    if game.rom is None:
        none = np.zeros(128, np.uint8)
        for started, (state, observation, score) in enumerate(catch_teleport.play(rng)):
            yield Step(observation, read(game, state), none, score, started)
        return
    emulator = Emulator(game, seed=int(rng.integers(2**31)))
    choose, score, started = mixed(game, rng), 0.0, 0
    observations = np.zeros((STACK, INPUT_SIZE, INPUT_SIZE), np.uint8)
    while not emulator.over():
        action, last = choose(emulator.ram()), emulator.grey()
        for k in range(FRAME_SKIP):
            score += emulator.act(action)
            if emulator.over():
                return
            if k == FRAME_SKIP - 2:
                last = emulator.grey()
        newest = shrink(np.maximum(last, emulator.grey()))
        observations = np.concatenate([observations[1:], newest[None]])
        started += 1
        ram = emulator.ram()
        yield Step(observations, read(game, ram[None]), ram, score, started)
