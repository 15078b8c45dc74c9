"""Does a battery of filters make up for what a global maximum forgets? Read out, not trained.

The last convolution of a row like nature is replaced by 256 filters with torch's initial weights.
Each is a draw of its own, so the first C of them are what a network with C channels would have, and
all C share one pass and one set of pictures. Two codes of C numbers stand against each other: the
greatest value of each of C maps, and C random projections of those same maps laid flat. Ridge
regression reads the orientation of a bar from either, and, second, its place.

The bar's centre lies anywhere within two cells of the last map, 16 × 16 network pixels. Within one
cell the flat code is perfect, all over the field it is at chance, and neither could be compared:
set on nature alone.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float32, Float64
from torch import nn

from agents.extractors import ZooExtractor
from agents.layers import ConvRelu
from analysis.networks import Network, passes
from analysis.readings import Measured, Reading
from analysis.tasks.drawn import (
    BALL_CONTRAST,
    Marks,
    centres_x_84,
    centres_y_84,
    pictures,
    shape_number,
)
from analysis.tasks.what import accuracy_skill
from envs.games import INPUT_SIZE
from envs.scenes import ORIENTATIONS

CHANNELS = (4, 8, 16, 32, 64, 128, 256)

SIDE_84 = 12.0
"""Of the bar."""

WINDOW_84 = 16.0
"""Side of the square in which its centre lies, in the middle of the picture."""

PENALTIES = tuple(10.0**k for k in range(-6, 3))
"""Of the ridge, in units of the examples; features are standardised."""


@dataclass(frozen=True)
class FilterSettings:
    """How many pictures.

    Attributes:
        train: To fit the read-outs on.
        validation: To choose their penalty by.
        test: To be judged on: the standard error of a skill of .5 is .013.
    """

    train: int = 4_000
    validation: int = 1_000
    test: int = 2_000

    @property
    def total(self) -> int:
        """All of them."""
        return self.train + self.validation + self.test


def filters(
    network: Network, rng: np.random.Generator, settings: FilterSettings | None = None
) -> Measured:
    """Measure WHAT and WHERE from C maxima and from C projections of the same flat map.

    Args:
        network: A nature, of any width: its last convolution gives way to the battery.
        rng: Pictures, battery and projections; the same for all C.
        settings: How many pictures.

    Returns:
        A table with a line for each C: `channels`, `code` (max, flat, mean), `target` (what,
        where), `value` (skill; R², mean of x and y). Readings: `what_over_flat` of gmp at every C,
        infinite where the flat code is at chance or below, none where both are; and `what_skill` of
        nature, the flat code's, at every C.

    Raises:
        ValueError: If the row's last stage is no convolution.
    """
    settings = settings or FilterSettings()
    marks = _bars(rng, settings.total)
    codes = _codes(network, pictures(marks, settings.total), rng)
    classes = np.eye(ORIENTATIONS)[marks.orientation]
    place = np.stack([marks.x_84, marks.y_84], axis=1)
    judged = slice(settings.train + settings.validation, None)
    lines: list[dict[str, object]] = []
    skills: dict[tuple[str, int], float] = {}
    for (code, channels), features in codes.items():
        said = ridge(features, np.hstack([classes, place]), settings)
        right = said[:, :ORIENTATIONS].argmax(axis=1) == marks.orientation[judged]
        skill = accuracy_skill(right.astype(float), ORIENTATIONS)
        truth = place[judged]
        error = np.square(said[:, ORIENTATIONS:] - truth).mean(axis=0)
        r2 = float((1 - error / truth.var(axis=0)).mean())
        skills[code, channels] = skill
        lines += [
            {"channels": channels, "code": code, "target": target, "value": value}
            for target, value in (("what", skill), ("where", r2))
        ]
    _, at, width = network.spec.partition("@")
    readings = []
    for channels in CHANNELS:
        condition = f"channels={channels}"
        battery, flat = (max(0.0, skills[code, channels]) for code in ("max", "flat"))
        readings.append(
            Reading("what_skill", skills["flat", channels], condition, f"nature{at}{width}")
        )
        if battery or flat:
            ratio = battery / flat if flat else float("inf")
            readings.append(Reading("what_over_flat", ratio, condition, f"gmp{at}{width}"))
    return Measured(pd.DataFrame(lines), tuple(readings))


def _bars(rng: np.random.Generator, count: int) -> Marks:
    """Draw bars around the middle."""
    middle, half = INPUT_SIZE / 2, WINDOW_84 / 2
    across, down = (
        c[np.abs(c - middle) <= half] for c in (centres_x_84(SIDE_84), centres_y_84(SIDE_84))
    )
    return Marks(
        picture=np.arange(count),
        shape=np.full(count, shape_number("bar")),
        orientation=rng.integers(ORIENTATIONS, size=count),
        x_84=rng.choice(across, count),
        y_84=rng.choice(down, count),
        side_84=np.full(count, SIDE_84),
        contrast=np.full(count, BALL_CONTRAST),
    )


def _codes(
    network: Network, observations: np.ndarray, rng: np.random.Generator
) -> dict[tuple[str, int], Float32[np.ndarray, "n c"]]:
    """Return the codes by kind and size."""
    before, battery = _battery(network, rng)
    cells = battery(torch.zeros(1, battery.in_channels, *_side(network, before))).shape[2:].numel()
    projections = {
        c: torch.from_numpy(rng.standard_normal((c * cells, c), np.float32)) for c in CHANNELS
    }
    parts: dict[tuple[str, int], list[np.ndarray]] = {}
    for given in passes(network, observations, (before,)):
        with torch.inference_mode():
            maps = battery(given[before]).flatten(2)
            for c in CHANNELS:
                made = {
                    "max": maps[:, :c].amax(dim=2),
                    "mean": maps[:, :c].mean(dim=2),
                    "flat": maps[:, :c].flatten(1) @ projections[c],
                }
                for code, values in made.items():
                    parts.setdefault((code, c), []).append(values.numpy())
    return {key: np.concatenate(part) for key, part in parts.items()}


def _battery(network: Network, rng: np.random.Generator) -> tuple[str, ConvRelu]:
    """Return the name of the layer before the last, and as many filters behind it as asked for."""
    extractor = network.extractor
    stages = list(extractor.stages.named_children()) if isinstance(extractor, ZooExtractor) else []
    if len(stages) < 2 or not isinstance(stages[-1][1], ConvRelu):
        raise ValueError(f"expected a row that ends in a convolution, got {network.spec}")
    last = stages[-1][1]
    battery = copy.deepcopy(last)
    battery.out_channels = max(CHANNELS)
    inputs = last.weight[0].shape
    bound = inputs.numel() ** -0.5  # torch's own, for weights and biases alike
    weight = rng.uniform(-bound, bound, (max(CHANNELS), *inputs))
    battery.weight = nn.Parameter(torch.from_numpy(weight.astype(np.float32)))
    bias = rng.uniform(-bound, bound, max(CHANNELS))
    battery.bias = nn.Parameter(torch.from_numpy(bias.astype(np.float32)))
    return stages[-2][0], battery


def _side(network: Network, layer: str) -> tuple[int, int]:
    blank = np.zeros((1, 4, INPUT_SIZE, INPUT_SIZE), np.uint8)
    height, width = next(passes(network, blank, (layer,)))[layer].shape[2:]
    return height, width


def ridge(
    features: Float[np.ndarray, "n k"], targets: Float64[np.ndarray, "n t"], split: FilterSettings
) -> Float64[np.ndarray, "m t"]:
    """Fit by ridge regression and return what it says of the test examples.

    Closed form by one eigendecomposition; the penalty that does best on the validation examples
    counts, for each target its own.

    Args:
        features: Train, validation and test examples in this order.
        targets: The same; what the test rows hold is not looked at.
        split: How many of each there are.
    """
    train, behind = split.train, split.train + split.validation
    known = features[:train].astype(np.float64)
    centre, spread = known.mean(axis=0), known.std(axis=0)
    scaled = (features - centre) / np.where(spread > 0, spread, 1)
    mean = targets[:train].mean(axis=0)
    values, vectors = np.linalg.eigh(scaled[:train].T @ scaled[:train] / train)
    along = vectors.T @ (scaled[:train].T @ (targets[:train] - mean)) / train
    rotated = scaled[train:] @ vectors
    said = np.stack([rotated @ (along / (values.clip(0) + p)[:, None]) + mean for p in PENALTIES])
    off = np.square(said[:, : behind - train] - targets[train:behind]).mean(axis=1)
    best = off.argmin(axis=0)
    chosen: Float64[np.ndarray, "m t"] = said[best, behind - train :, np.arange(len(best))].T
    return chosen
