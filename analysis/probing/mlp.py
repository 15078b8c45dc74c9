"""A probe with one hidden layer: 128 ReLU units, a fixed and small budget, all targets at once.

A linear probe asks what the next layer could read off; this one asks what is there for a network to
unfold. Numbers and place cells share the hidden layer; each output is taken from the look at which
it did best on other episodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor, nn

from analysis.probing.ridge import Spanned, Targets
from analysis.probing.targets import GRID, Parts

CELLS = GRID**2
HIDDEN = 128
PASSES = 20
"""Over the examples that are fitted on; R² changes by some .01 from a third of that to three
times as many."""

BATCH = 128
LOOKS = 10
LEARNING_RATE = 3e-3
"""Of Adam, falling to 0 along a cosine."""

INPUT_NORM = 8.0
"""Root mean square length of an input: one factor for all directions, so that what varies little
stays small, as it is for the layer behind."""

TEMPERATURES = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4)
"""Factors on the cells' logits; the best on the examples to choose by is taken."""


@dataclass(frozen=True)
class Said:
    """What the probe says of the examples it is judged on.

    Attributes:
        predicted: `(m, k)`, in the targets' units.
        log2_cells: `(m, 64)`: log₂ of the probability of each place cell.
    """

    predicted: Float64[np.ndarray, "m k"]
    log2_cells: Float64[np.ndarray, "m cells"]

    def cross_entropy_bits(self, cell: Int64[np.ndarray, " m"]) -> float:
        """Return the mean −log₂ of the probability of the cells that came."""
        return float(-self.log2_cells[np.arange(len(cell)), cell].mean())


def fit(
    spanned: Spanned,
    targets: Targets,
    cell: Int64[np.ndarray, " n"],
    parts: Parts,
    rng: np.random.Generator,
) -> Said:
    """Fit the probe on `parts.train`, choose by `parts.choose`, speak of `parts.judge`.

    Args:
        spanned: The features, spanned by `parts.train`.
        targets: Numbers to be told; the loss is their mean squared error in variances, and the
            cross entropy of the cells as a share of the 6 bits there are.
        cell: Place cells.
        parts: Which examples are for what.
        rng: Draws initial weights and batches.
    """
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    mean, spread = targets[parts.train].mean(axis=0), targets[parts.train].std(axis=0) + 1e-12
    wanted = torch.from_numpy(((targets - mean) / spread).astype(np.float32))
    cells, k = torch.from_numpy(cell), targets.shape[1]
    x = _inputs(spanned)
    train, choose, judge = (torch.from_numpy(p) for p in (parts.train, parts.choose, parts.judge))
    weights = _weights((x.shape[1], HIDDEN, k + CELLS), generator)
    adam = torch.optim.Adam(weights, LEARNING_RATE, fused=True)
    size = min(BATCH, len(train))
    each = len(train) // size
    best = torch.full((k + 1,), math.inf)
    kept_numbers, kept_choose, kept_judge = torch.zeros(len(judge), k), Tensor(), Tensor()
    for update in range(PASSES * each):
        if update % each == 0:
            order = train[torch.randperm(len(train), generator=generator)]
        batch = order[update % each * size :][:size]
        adam.param_groups[0]["lr"] = (
            LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * update / (PASSES * each)))
        )
        made = _forward(x[batch], weights)
        adam.zero_grad()
        _losses(made, wanted[batch], cells[batch]).backward()  # type: ignore[no-untyped-call]
        adam.step()
        if (update + 1) % (PASSES * each // LOOKS) == 0:
            with torch.no_grad():
                chosen, judged = _forward(x[choose], weights), _forward(x[judge], weights)
            missed = (chosen[:, :k] - wanted[choose]).square().mean(dim=0)
            surprise = nn.functional.cross_entropy(chosen[:, k:], cells[choose])
            better = torch.cat([missed, surprise[None]]) < best
            best = torch.where(better, torch.cat([missed, surprise[None]]), best)
            kept_numbers = torch.where(better[:k], judged[:, :k], kept_numbers)
            if better[k]:
                kept_choose, kept_judge = chosen[:, k:], judged[:, k:]
    return Said(
        kept_numbers.numpy() * spread + mean, _calibrated(kept_choose, cells[choose], kept_judge)
    )


def _inputs(spanned: Spanned) -> Float32[Tensor, "n r"]:
    """Return the inputs at their common scale; one zero where nothing varies at all."""
    along = spanned.along if spanned.along.shape[1] else np.zeros((len(spanned.along), 1))
    return torch.from_numpy((along * (INPUT_NORM / math.sqrt(spanned.unit))).astype(np.float32))


def _weights(sizes: tuple[int, int, int], generator: torch.Generator) -> list[nn.Parameter]:
    """Return weights and biases of both layers as torch starts them, from a generator."""
    weights = []
    for before, after in pairwise(sizes):
        reach = 1 / math.sqrt(before)
        for shape in ((before, after), (after,)):
            drawn = torch.empty(shape).uniform_(-reach, reach, generator=generator)
            weights.append(nn.Parameter(drawn))
    return weights


def _forward(x: Float32[Tensor, "n r"], weights: list[nn.Parameter]) -> Float32[Tensor, "n out"]:
    first, first_bias, second, second_bias = weights
    hidden = torch.addmm(first_bias, x, first).relu()
    return torch.addmm(second_bias, hidden, second)


def _losses(
    made: Float32[Tensor, "n out"], wanted: Float32[Tensor, "n k"], cells: Tensor
) -> Float32[Tensor, ""]:
    k = wanted.shape[1]
    surprise = nn.functional.cross_entropy(made[:, k:], cells) / math.log(CELLS)
    return (made[:, :k] - wanted).square().mean() + surprise


def _calibrated(
    chosen: Float32[Tensor, "c cells"], cells: Tensor, judged: Float32[Tensor, "m cells"]
) -> Float64[np.ndarray, "m cells"]:
    """Return log₂ probabilities at the temperature that suits the examples to choose by."""
    factor = min(TEMPERATURES, key=lambda t: float(nn.functional.cross_entropy(t * chosen, cells)))
    log2: Float64[np.ndarray, "m cells"] = (
        (factor * judged.double()).log_softmax(dim=1) / math.log(2)
    ).numpy()
    return log2
