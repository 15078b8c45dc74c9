"""How much a network's response changes when the ball moves, against when the ball vanishes.

At each layer, over scenes: RMS ‖φ(x + δ) − φ(x)‖ / RMS ‖φ(x) − φ(no ball)‖. 0 where the layer does
not notice; √2 where the two places excite different units altogether and alike; more only where
one place excites more than the other. Of the outputs also: RMS |ΔQ| / SD Q, and how often the
effective action flips. The sham is the whole screen shifted by whole network pixels: everything
moves, the ball among it.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pandas as pd
from jaxtyping import Float32, Float64, Int64, UInt8

from analysis.measures.outputs import output_changes
from analysis.networks import OUTPUTS, Network, passes
from analysis.pictures.ladders import AXES, Axis, Ladders
from analysis.readings import Measured
from envs.positions import X_84, Y_84
from envs.shams import screen_shifted

SCENES = 30
"""Scenes looked at, one of each game: with 48 places and 12 shams each 1,830 inputs."""

SHAM_SHIFTS_84 = (1, 2, 4, 8, 16, 32)
"""Network pixels by which the whole screen is shifted, to the right or down."""

_Move = tuple[str, Axis, float]
"""What moved, along which axis, by how many screen pixels."""


def displacement(
    network: Network, ladders: Ladders, rng: np.random.Generator, *, plays: bool = False
) -> Measured:
    """Measure how much each layer notices that the ball has moved.

    Args:
        network: Any.
        ladders: The ball moved by exactly δ; fixed and roaming ladders alike.
        rng: Chooses one scene of each episode.
        plays: Whether its outputs are values of the game's actions, so that flips mean something.

    Returns:
        Columns `quantity` (displacement: the ratio; change_over_sd: RMS change over SD, outputs
        only; flips: share of pairs, if it plays), `layer`, `moved` (ball or screen), `axis`,
        `delta_screen` in screen px, and `value`; NaN where a layer does not respond to the ball, or
        the outputs never vary. No verdict uses them.

    Raises:
        ValueError: If it plays and has not as many outputs as the game has actions.
    """
    moves = _moves(ladders)
    scenes = _one_an_episode(ladders.episode, rng)[:SCENES]
    inputs = np.concatenate([_shown(ladders, scene) for scene in scenes])
    size = len(inputs) // len(scenes)
    # By layer and move: squared change, and squared response to the ball where it was before.
    sums: dict[tuple[str, _Move], Float64[np.ndarray, " 2"]] = defaultdict(lambda: np.zeros(2))
    outputs = []
    for given in passes(network, inputs, network.layers, chunk=size):
        outputs.append(given[OUTPUTS].numpy())
        for layer, response in given.items():
            flat = response.flatten(1).numpy()
            ball = _squares(flat - flat[-1])
            for move, pairs in moves.items():
                before, after = pairs.T
                change = _squares(flat[after] - flat[before])
                sums[layer, move] += change.mean(), ball[before].mean()
    lines = [
        _line("displacement", layer, move, math.sqrt(change / ball) if ball else math.nan)
        for (layer, move), (change, ball) in sums.items()
    ]
    said = np.stack(outputs)
    places = said[:, : len(ladders.rungs)].reshape(-1, said.shape[2])
    changes = output_changes(said, moves, places, ladders.game if plays else None)
    lines += [_line(quantity, OUTPUTS, move, value) for quantity, move, value in changes]
    return Measured(pd.DataFrame(lines))


def _moves(ladders: Ladders) -> dict[_Move, Int64[np.ndarray, "pairs 2"]]:
    """Return which inputs of a scene, numbered as in `_shown`, are before and after each move."""
    moves: dict[_Move, Int64[np.ndarray, "pairs 2"]] = {}
    sham = len(ladders.rungs)
    for axis, _, _ in AXES:
        for offset, pairs in ladders.pairs(axis).items():
            moves["ball", axis, ladders.delta_screen(axis, offset)] = np.array(pairs)
        for shift_84 in SHAM_SHIFTS_84:
            delta_screen = shift_84 / (X_84 if axis == "x" else Y_84)
            moves["screen", axis, delta_screen] = np.array([(0, sham)])
            sham += 1
    return moves


def _shown(ladders: Ladders, scene: int) -> UInt8[np.ndarray, "k 4 84 84"]:
    """Return one scene's inputs: every place, the first one's shams, and no ball."""
    first = ladders.observations[scene, 0]
    shams = [screen_shifted(first, d, 0) for d in SHAM_SHIFTS_84]
    shams += [screen_shifted(first, 0, d) for d in SHAM_SHIFTS_84]
    shown: UInt8[np.ndarray, "k 4 84 84"] = np.concatenate(
        [ladders.observations[scene], np.stack(shams), ladders.without_ball[scene][None]]
    )
    return shown


def _one_an_episode(episode: Int64[np.ndarray, " s"], rng: np.random.Generator) -> list[int]:
    return [int(rng.choice(np.flatnonzero(episode == e))) for e in np.unique(episode)]


def _squares(differences: Float32[np.ndarray, "k d"]) -> Float64[np.ndarray, " k"]:
    squares: Float64[np.ndarray, " k"] = np.einsum("kd,kd->k", differences, differences).astype(
        np.float64
    )
    return squares


def _line(quantity: str, layer: str, move: _Move, value: float) -> dict[str, object]:
    moved, axis, delta_screen = move
    return {
        "quantity": quantity,
        "layer": layer,
        "moved": moved,
        "axis": axis,
        "delta_screen": delta_screen,
        "value": value,
    }
