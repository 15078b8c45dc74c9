"""What a shift of the whole input by a few network pixels does to what a network says.

The shifted picture repeats the edge that would be missing (`envs.shams.screen_shifted`), so that no
new edge appears. Change: RMS over inputs, shifts and outputs, in units of the outputs' standard
deviation over the unshifted inputs. Choice: Cohen's κ of the effective actions before and after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float32, UInt8

from analysis.measures.actions import cohens_kappa, effective_actions
from analysis.networks import OUTPUTS, Network, Observations, responses
from analysis.readings import Measured, Reading
from envs.shams import screen_shifted

Shift = tuple[int, int]
"""Network pixels to the right and down."""

INPUTS = 256
"""Inputs drawn; with 16 shifts of each 4,352 pass through the network."""


def shifts_84(*distances: int) -> tuple[Shift, ...]:
    """Return the shifts by each distance to the left, the right, up and down, network pixels."""
    return tuple(shift for d in distances for shift in ((-d, 0), (d, 0), (0, -d), (0, d)))


ONE = shifts_84(1)
ONE_TO_FOUR = shifts_84(1, 2, 3, 4)


def output_shift(
    network: Network,
    observations: Observations,
    rng: np.random.Generator,
    *,
    measure: str,
    condition: str = "",
) -> Measured:
    """Measure how much the outputs change over ±1 to ±4 px, for what is not values of actions.

    Args:
        network: Any.
        observations: Network inputs with what it was trained to see.
        rng: Draws `INPUTS` of them, if there are more.
        measure: The reading's name, `reward_shift` or `what_shift`.
        condition: The reading's condition.

    Returns:
        A line for each shift, `quantity` change_over_sd; the reading is over all of them.
    """
    shown = _some(observations, rng)
    lines, change, _ = _changes(network, shown, ONE_TO_FOUR)
    return Measured(pd.DataFrame(lines), (Reading(measure, change, condition),))


def q_shift(
    network: Network, observations: Observations, rng: np.random.Generator, game: str
) -> Measured:
    """Measure how much the values of a game's actions, and the choice among them, change.

    Args:
        network: With as many outputs as the game has actions.
        observations: Network inputs of that game.
        rng: Draws `INPUTS` of them, if there are more.
        game: From `envs.games`.

    Returns:
        Two lines for each shift of 1 to 4 px: `quantity` change_over_sd and kappa. Readings:
        `q_shift`, the change over the four shifts by 1 px; `action_kappa`, κ over all pairs of
        choices at shifts of 1 to 4 px taken together.

    Raises:
        ValueError: If there are not as many outputs as actions.
    """
    shown = _some(observations, rng)
    lines, _, outputs = _changes(network, shown, ONE_TO_FOUR)
    # Same inputs, so the change at 1 px is part of what is there.
    one = [line["value"] for line in lines[: len(ONE)]]
    change = math.sqrt(np.square(np.array(one, float)).mean())
    before, *after = (effective_actions(game, part) for part in outputs)
    for shift, chosen in zip(ONE_TO_FOUR, after, strict=True):
        lines.append(_line("kappa", shift, cohens_kappa(before, chosen)))
    kappa = cohens_kappa(np.tile(before, len(after)), np.concatenate(after))
    readings = (Reading("q_shift", change), Reading("action_kappa", kappa))
    return Measured(pd.DataFrame(lines), readings)


def _some(observations: Observations, rng: np.random.Generator) -> UInt8[np.ndarray, "k 4 84 84"]:
    if len(observations) <= INPUTS:
        return observations
    chosen: UInt8[np.ndarray, "k 4 84 84"] = observations[
        np.sort(rng.choice(len(observations), INPUTS, False))
    ]
    return chosen


def _changes(
    network: Network, observations: Observations, shifts: Sequence[Shift]
) -> tuple[list[dict[str, object]], float, list[Float32[np.ndarray, "n outputs"]]]:
    """Return a line for each shift, the change over all, and the outputs: unshifted, then each."""
    outputs = [responses(network, observations, (OUTPUTS,))[OUTPUTS]]
    for dx_84, dy_84 in shifts:
        moved = np.stack([screen_shifted(stack, dx_84, dy_84) for stack in observations])
        outputs.append(responses(network, moved, (OUTPUTS,))[OUTPUTS])
    still = outputs[0].astype(np.float64)
    sd = math.sqrt(still.var(axis=0).mean())
    squares = np.array([np.square(part - still).mean() for part in outputs[1:]])
    if not sd and squares.any():
        raise ValueError("expected inputs between which the outputs differ, got none")
    unit = sd or 1.0  # a constant never changes: 0
    lines = [
        _line("change_over_sd", shift, math.sqrt(square) / unit)
        for shift, square in zip(shifts, squares.tolist(), strict=True)
    ]
    return lines, math.sqrt(squares.mean()) / unit, outputs


def _line(quantity: str, shift: Shift, value: float) -> dict[str, object]:
    return {"quantity": quantity, "shift_x_84": shift[0], "shift_y_84": shift[1], "value": value}
