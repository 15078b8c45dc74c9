"""Probes that are judged on every example, each time by one that was fitted on other episodes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Float64, Int64

from analysis.probing import mlp as mlp_probe
from analysis.probing import ridge
from analysis.probing.mlp import Said
from analysis.probing.ridge import Targets, span
from analysis.probing.targets import Parts

TURNS = 4
"""Each part of the episodes is judged once; the next one chooses, the other two are fitted on."""


def turns(episode: Int64[np.ndarray, " n"]) -> Iterator[Parts]:
    """Yield the parts of each turn; no episode is in two parts of one.

    Raises:
        ValueError: If there are too few episodes.
    """
    dealt = np.unique(episode, return_inverse=True)[1]
    if dealt.max(initial=0) + 1 < TURNS:
        raise ValueError(f"expected at least {TURNS} episodes, got {dealt.max(initial=-1) + 1}")
    for turn in range(TURNS):
        part = (dealt - turn) % TURNS
        yield Parts(np.flatnonzero(part >= 2), np.flatnonzero(part == 1), np.flatnonzero(part == 0))


def by_ridge(
    features: Float32[np.ndarray, "n p"], targets: Targets, episode: Int64[np.ndarray, " n"]
) -> Float64[np.ndarray, "n k"]:
    """Return what ridge regressions say of every example."""
    predicted = np.empty_like(targets)
    for parts in turns(episode):
        fitted = ridge.fit(span(features, parts.train), targets, parts.choose)
        predicted[parts.judge] = fitted.predicted[parts.judge]
    return predicted


def by_mlp(
    features: Float32[np.ndarray, "n p"],
    targets: Targets,
    cell: Int64[np.ndarray, " n"],
    episode: Int64[np.ndarray, " n"],
    rng: np.random.Generator,
) -> Said:
    """Return what hidden probes say of every example: numbers, and place cells.

    Args:
        features: One line for each example.
        targets: Numbers to be told.
        cell: Place cells to be told.
        episode: Where each example comes from.
        rng: Draws weights and batches.
    """
    numbers = np.empty_like(targets)
    cells = np.empty((len(cell), mlp_probe.CELLS))
    for parts in turns(episode):
        said = mlp_probe.fit(span(features, parts.train), targets, cell, parts, rng)
        numbers[parts.judge], cells[parts.judge] = said.predicted, said.log2_cells
    return Said(numbers, cells)
