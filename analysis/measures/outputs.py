"""What a change of the picture does to outputs: by how much, and what would be played."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from typing import TypeVar

import numpy as np
from jaxtyping import Float32, Int64

from analysis.measures.actions import effective_actions

Move = TypeVar("Move", bound=Hashable)


def output_changes(
    outputs: Float32[np.ndarray, "s k outputs"],
    pairs: Mapping[Move, Int64[np.ndarray, "_ 2"]],
    usual: Float32[np.ndarray, "n outputs"],
    game: str | None,
) -> Iterator[tuple[str, Move, float]]:
    """Yield what each move does to the outputs.

    Args:
        outputs: Of `s` scenes, each in `k` versions.
        pairs: By move, which versions are before and after it.
        usual: Outputs whose standard deviation is the measure of a change.
        game: Whose actions the outputs are values of; `None` if they are of none.

    Yields:
        Quantity, move, value: `change_over_sd`, RMS change over the SD, NaN if the usual outputs
        never vary; `flips`, the share of pairs whose effective actions differ, if there is a game.

    Raises:
        ValueError: If there are not as many outputs as the game has actions.
    """
    sd = math.sqrt(usual.astype(np.float64).var(axis=0).mean())
    actions = None
    if game is not None:
        actions = effective_actions(game, outputs.reshape(-1, outputs.shape[2]))
        actions = actions.reshape(outputs.shape[:2])
    for move, numbers in pairs.items():
        before, after = numbers.T
        rms = math.sqrt(np.square(outputs[:, after] - outputs[:, before]).mean())
        yield "change_over_sd", move, rms / sd if sd else math.nan
        if actions is not None:
            yield "flips", move, float((actions[:, after] != actions[:, before]).mean())
