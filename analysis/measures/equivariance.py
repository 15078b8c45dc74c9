"""Does the last convolutional map move as the picture does?

The ball alone: a real flight of it on a field of nothing but background, and the same field without
it. The response R is the difference of the two maps. The picture is moved by whole network pixels,
s of them; if the map moves alike, R then is R moved by s / stride cells: their cosine over cells
and channels is 1.

A map cannot move by a fraction of a cell. What it is compared with then is R moved by linear
interpolation between the two whole cells around s / stride, the same way by which maps are resized
or sampled elsewhere (Zhang 2019 "Making convolutional networks shift-invariant again" holds
subsampled maps to whole strides only). That is the kindest of the usual readings; the other, R
moved by the nearest whole number of cells, stands beside it. At multiples of the stride both are
the same, and 1 but for rounding: a check.

Interior: cells whose receptive field lies in the picture, and so do those they are compared with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float32, UInt8

from agents.architectures import Architecture
from agents.extractors import ZooExtractor
from agents.parts import BlurPool, Conv, OverlapPool, Residual
from agents.shapes import SIDE, trace
from analysis.networks import Network, responses
from analysis.pictures.ladders import Ladders
from analysis.readings import Measured, Reading
from envs.emulator import Stack
from envs.games import INPUT_SIZE, STACK
from envs.shams import screen_shifted

SHIFTS_84 = (1, 2, 3, 4, 5, 6, 7)
"""Network pixels, both ways along both axes, over which the mean is taken."""

AT_MOST_84 = 8
"""Greatest multiple of the stride that is checked, network pixels."""

SCENES = 16
"""Flights of the ball, each at a place and so at a phase of the stride of its own."""

METHODS = ("linear", "nearest")

COLUMNS = ["method", "axis", "shift_84", "at_stride", "value"]

Map = Float32[np.ndarray, "c h w"]
Pair = Float32[np.ndarray, "c i j"]
"""A map, and the part of it that two of them share."""


@dataclass(frozen=True)
class Interior:
    """The last convolutional map of a row.

    Attributes:
        stage: Its name.
        jump: Network pixels from cell to cell.
        start: First network pixel that cell 0 sees; below 0 with padding.
        sees: Network pixels that a cell sees.
        first: First cell that sees nothing but the picture, in rows and columns alike.
        last: Last one; below `first` if there is none.
    """

    stage: str
    jump: int
    start: int
    sees: int
    first: int
    last: int

    @property
    def middle_84(self) -> float:
        """Middle of what the interior sees, network pixels."""
        return self.start + (self.jump * (self.first + self.last) + self.sees) / 2


def interior_of(row: Architecture) -> Interior:
    """Return where the interior of a row's last convolutional map is.

    Raises:
        ValueError: If the row has no convolution that gives a map.
    """
    found, start, jump = None, 0, 1
    for part, step in zip(row.layers, trace(row), strict=True):
        match part:
            case Conv(padding="circular"):
                start -= (part.kernel - 1) // 2 * part.dilation * jump
            case Conv(padding=int(padding)) | OverlapPool(padding=padding):
                start -= padding * jump
            case Residual():
                start -= 2 * jump
            case BlurPool():  # reflects by one cell in every octave
                start -= (part.size - 1) * jump
        jump = step.jump
        maps = len(step.shape) == 3 and step.shape[1] > 1
        if isinstance(part, Conv | Residual) and maps:
            first = max(0, -(start // jump))
            last = min(step.shape[1] - 1, (SIDE - step.sees - start) // jump)
            found = Interior(step.name, jump, start, step.sees, first, last)
    if found is None:
        raise ValueError(f"expected a row with a convolution that gives a map, got {row.name}")
    return found


def equivariance(network: Network, ladders: Ladders, rng: np.random.Generator) -> Measured:
    """Measure the cosine between the moved picture's response and the moved response.

    Args:
        network: A row of the zoo.
        ladders: Where flights of the ball are taken from.
        rng: Chooses flights and places.

    Returns:
        Columns `method` (linear or nearest), `axis`, `shift_84` in network px, `at_stride`, and
        `value`, the mean cosine over flights. Readings `equivariance`, linear, the mean over shifts
        of ±1 to ±7 px; and `equivariance_at_stride`, over multiples of the stride up to 8 px.
        Without readings where no cell sees the picture only (IMPALA's padding reaches everywhere)
        or the map never responds to the ball.

    Raises:
        ValueError: If the network is no row of the zoo, or has no map.
    """
    if not isinstance(network.extractor, ZooExtractor):
        raise ValueError(f"expected a row of the zoo, got {network.spec}")
    place = interior_of(network.extractor.architecture)
    if place.last <= place.first:
        return Measured(pd.DataFrame(columns=COLUMNS))
    multiples = range(place.jump, AT_MOST_84 + 1, place.jump)
    moves = [
        (axis, sign * shift)
        for axis in ("x", "y")
        for shift in sorted({*SHIFTS_84, *multiples})
        for sign in (-1, 1)
    ]
    field, balls = balls_alone(ladders, rng, place.middle_84, place.jump)
    layer = (place.stage,)
    empty = responses(network, field[None], layer)[place.stage]
    inside = slice(place.first, place.last + 1)
    found: dict[tuple[str, str, int], list[float]] = {}
    for ball in balls:
        shown = [ball, *(moved_picture(ball, axis, shift) for axis, shift in moves)]
        maps = responses(network, np.stack(shown), layer)[place.stage] - empty
        still, *moved = maps[:, :, inside, inside]
        for (axis, shift), response in zip(moves, moved, strict=True):
            for method in METHODS:
                pair = alike(still, response, shift, place.jump, axis, nearest=method == "nearest")
                cosine = _cosine(*pair)
                if not math.isnan(cosine):
                    found.setdefault((method, axis, shift), []).append(cosine)
    table = pd.DataFrame(
        [
            (method, axis, shift, shift % place.jump == 0, float(np.mean(values)))
            for (method, axis, shift), values in found.items()
        ],
        columns=COLUMNS,
    )
    linear = table[table["method"] == "linear"]
    parts = {
        "equivariance": linear[linear["shift_84"].abs() <= max(SHIFTS_84)],
        "equivariance_at_stride": linear[linear["at_stride"]],
    }
    return Measured(
        table,
        tuple(Reading(k, float(part["value"].mean())) for k, part in parts.items() if len(part)),
    )


def balls_alone(
    ladders: Ladders, rng: np.random.Generator, middle_84: float, jump: int
) -> tuple[Stack, UInt8[np.ndarray, "n 4 84 84"]]:
    """Return an empty field, and flights of the ball on it: real ones, moved by whole pixels.

    Args:
        ladders: Where they are taken from, one of each scene chosen.
        rng: Chooses scenes, rungs, and places: anywhere in a cell around the middle.
        middle_84: Where the middle of the flights is to be, across and down; network px.
        jump: Side of that cell, network px.
    """
    background = int(np.bincount(ladders.without_ball.ravel()).argmax())
    field = np.full((STACK, INPUT_SIZE, INPUT_SIZE), background, np.uint8)
    balls = []
    for scene in rng.permutation(len(ladders))[:SCENES]:
        rung = int(rng.integers(len(ladders.rungs)))
        seen = ladders.observations[scene, rung].astype(np.int16)
        ball = seen - ladders.without_ball[scene]
        rows, columns = (np.flatnonzero(ball.any(axis=axes)) for axes in ((0, 2), (0, 1)))
        alone = ball[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        picture = field.copy()
        top, left = (
            round(middle_84 - side / 2) - jump // 2 + int(rng.integers(jump))
            for side in alone.shape[1:]
        )
        there = picture[:, top : top + alone.shape[1], left : left + alone.shape[2]]
        there[:] = np.clip(there + alone, 0, 255).astype(np.uint8)
        balls.append(picture)
    return field, np.stack(balls)


def moved_picture(picture: Stack, axis: str, shift_84: int) -> Stack:
    """Shift a picture to the right (x) or down (y)."""
    return screen_shifted(picture, *((shift_84, 0) if axis == "x" else (0, shift_84)))


def alike(
    still: Map, moved: Map, shift_84: int, jump: int, axis: str, *, nearest: bool = False
) -> tuple[Pair, Pair]:
    """Return the moved response, and what it would be if it had moved alike, where that is known.

    Args:
        still: Response before.
        moved: Response behind the shift.
        shift_84: By how many network pixels, to the right or down.
        jump: Network pixels from cell to cell.
        axis: x or y.
        nearest: Whether to move by the nearest whole number of cells instead of interpolating.
    """
    cells, rest = divmod(shift_84, jump)
    share = rest / jump
    if nearest:
        cells, share = cells + int(share >= 0.5), 0.0
    if axis == "x":
        still, moved = still.swapaxes(1, 2), moved.swapaxes(1, 2)
    rows = still.shape[1]
    low, high = max(0, cells + (share > 0)), min(rows, rows + cells)
    expected = still[:, low - cells : high - cells]
    if share:
        expected = (1 - share) * expected + share * still[:, low - cells - 1 : high - cells - 1]
    return moved[:, low:high], expected


def _cosine(a: Pair, b: Pair) -> float:
    """Return their cosine; NaN if there is no response in either, 0 if in one."""
    size = math.sqrt(_dot(a, a)), math.sqrt(_dot(b, b))
    if not any(size):
        return math.nan
    return _dot(a, b) / (size[0] * size[1]) if all(size) else 0.0


def _dot(a: Pair, b: Pair) -> float:
    return float(np.vdot(a.astype(np.float64), b.astype(np.float64)))
