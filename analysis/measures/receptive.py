"""How much of the picture a cell really draws on: the effective receptive field by gradient mass.

The gradient of the central cell of each map with respect to the input, squared, summed over the
map's channels and the input's four frames, averaged over real inputs (Luo et al. 2016,
"Understanding the effective receptive field in deep convolutional neural networks"). The sum over
channels is estimated without bias with one random sign for each channel and input, so that one
pass backwards serves them all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float32, Float64

from agents.dqn import scaled
from agents.extractors import ZooExtractor
from agents.shapes import trace
from analysis.networks import Network, Observations
from analysis.readings import Measured

INPUTS = 64
"""Inputs averaged over."""

CHUNK = 16
"""Inputs in one pass; its maps are kept for the way back."""

MASS = 0.95
"""Share of the gradient's mass by which the field's side is told."""


def receptive_field(
    network: Network, observations: Observations, rng: np.random.Generator
) -> Measured:
    """Measure the effective receptive field of the central cell of every map.

    Args:
        network: A row of the zoo.
        observations: Real inputs.
        rng: Draws `INPUTS` of them, if there are more, and the signs.

    Returns:
        By `layer`, in network px: `quantity` side_95, the side of the smallest square, anywhere,
        that holds .95 of the mass; radius, the root mean square distance from the centre of mass;
        support, the larger side of what has any gradient; theory, the field by arithmetic
        (`agents.shapes`). NaN but for theory where no gradient comes through. No verdict uses them.

    Raises:
        ValueError: If the network is no row of the zoo.
    """
    extractor = network.extractor
    if not isinstance(extractor, ZooExtractor):
        raise ValueError(f"expected a row of the zoo, got {network.spec}")
    count = min(INPUTS, len(observations))
    chosen = observations[np.sort(rng.choice(len(observations), count, replace=False))]
    mass: dict[str, Float64[np.ndarray, "84 84"]] = {}
    for start in range(0, count, CHUNK):
        for name, part in _gradients(extractor, chosen[start : start + CHUNK], rng).items():
            mass[name] = mass.get(name, 0.0) + part.sum(axis=0, dtype=np.float64)
    steps = {step.name: step for step in trace(extractor.architecture)}
    lines = [
        {"layer": name, "quantity": quantity, "value": value}
        for name, part in mass.items()
        for quantity, value in (*_extent(part).items(), ("theory", float(steps[name].sees)))
    ]
    return Measured(pd.DataFrame(lines, columns=["layer", "quantity", "value"]))


def _gradients(
    extractor: ZooExtractor, observations: Observations, rng: np.random.Generator
) -> dict[str, Float32[np.ndarray, "n 84 84"]]:
    """Return the squared gradient of the central cell of each map, for each input."""
    dtype = next(extractor.parameters()).dtype
    pictures = scaled(torch.from_numpy(observations), dtype).requires_grad_()
    found: dict[str, Float32[np.ndarray, "n 84 84"]] = {}
    a = pictures
    for name, stage in extractor.stages.named_children():
        a = stage(a)
        if a.ndim != 4 or a.shape[2] == 1 or a.shape[2] != a.shape[3]:
            continue
        middle = a[:, :, a.shape[2] // 2, a.shape[3] // 2]
        signs = torch.from_numpy(rng.choice([-1.0, 1.0], tuple(middle.shape))).to(dtype)
        (gradient,) = torch.autograd.grad((middle * signs).sum(), pictures, retain_graph=True)
        found[name] = gradient.square().sum(dim=1).float().numpy()
    return found


def _extent(mass: Float64[np.ndarray, "h w"]) -> dict[str, float]:
    """Return side, radius and support of some mass on a grid of pixels."""
    total = float(mass.sum())
    if total <= 0:
        return dict.fromkeys(("side_95", "radius", "support"), float("nan"))
    rows, columns = np.flatnonzero(mass.any(axis=1)), np.flatnonzero(mass.any(axis=0))
    down, across = np.indices(mass.shape)
    middle = [float((mass * at).sum()) / total for at in (down, across)]
    squares = (down - middle[0]) ** 2 + (across - middle[1]) ** 2
    return {
        "side_95": float(side_holding(mass, MASS)),
        "radius": float(np.sqrt((mass * squares).sum() / total)),
        "support": float(max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1),
    }


def side_holding(mass: Float64[np.ndarray, "h w"], share: float) -> int:
    """Return the side of the smallest square, wherever it lies, that holds a share of the mass.

    Args:
        mass: At each pixel, 0 or more.
        share: In (0, 1].
    """
    summed = np.pad(mass, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    wanted = share * summed[-1, -1] * (1 - 1e-12)
    for side in range(1, min(mass.shape) + 1):
        inside = (summed[side:, side:] - summed[:-side, side:] - summed[side:, :-side]) + summed[
            :-side, :-side
        ]
        if inside.max() >= wanted:
            return side
    return int(max(mass.shape))
