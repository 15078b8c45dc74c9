"""How far the ball must move before the last features tell: d′ over distance, and where it is 1.

At d′ = 1 an observer who sees one of two places names the right one in 69 % of cases, one who sees
both in 76 %: the usual just noticeable difference (Green and Swets 1966, "Signal detection theory
and psychophysics"). A network has no noise of its own: what hides the ball's step is what else
varies over scenes: paddles, score, velocity, and on roaming ladders the ball's other coordinate.

The verdict is read on roaming ladders: two places along one axis, many scenes, and where the ball
is along the other axis is part of the scene. On fixed ladders, where that is the same in all
scenes, nothing near the ball varies at all, and every network whose units see the ball, untrained
or not, tells 1 px apart: the measure stands at its floor and could not come out either way. They
are in the table beside it. Which decides was settled on untrained networks, before any was trained
for a result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float32

from analysis.measures.discriminant import d_prime
from analysis.networks import FEATURES, Network, responses
from analysis.pictures.ladders import Ladders
from analysis.readings import Measured, Reading

CRITERION = 1.0
"""The d′ at which a difference counts as noticeable."""

FLOOR_PX = 0.5
"""Least JND, in screen pixels: below half a step of the ball nothing was measured."""

D_RANGE = (0.01, 100.0)
"""To which d′ is clipped before its logarithm is taken: cross-fitted, it may fall below 0."""

DECIDES = "roaming"
"""Kind of ladder on which the verdict's number is read."""


def jnd(network: Network, ladders: Ladders) -> Measured:
    """Measure d′ and JND on the features; nothing is drawn by chance.

    Args:
        network: Any; its features have to fit into memory for the scenes of one ladder.
        ladders: The ball moved by exactly δ; discriminants are fitted and tested on different
            episodes.

    Returns:
        A line for each pair of places (`quantity` d_prime; `value` the d′) and for each JND
        (`quantity` jnd_px; screen px), by axis and kind of ladder; `axis` both is the geometric
        mean. The reading is that of roaming ladders.
    """
    lines: list[dict[str, object]] = []
    found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    fold = ladders.episode_fold()
    for numbers in ladders.by_ladder():
        features = _features(network, ladders, numbers)
        first = ladders.rungs[numbers[0]]
        deltas, typical = found.setdefault((first.kind, first.axis), ([], []))
        for offset, pairs in ladders.pairs(first.axis, first.kind).items():
            for i, j in pairs:
                if i not in numbers:
                    continue
                value = d_prime(features[:, i - numbers[0]], features[:, j - numbers[0]], fold)
                delta = ladders.delta_screen(first.axis, offset)
                deltas.append(delta)
                typical.append(value)
                lines.append(
                    _line("d_prime", first.axis, first.kind, value, delta, first.ladder, i)
                )
    readings: tuple[Reading, ...] = ()
    for kind in dict.fromkeys(kind for kind, _ in found):
        by_axis = {axis: _threshold(*found[kind, axis]) for k, axis in found if k == kind}
        mean = math.sqrt(by_axis["x"] * by_axis["y"])
        lines += [_line("jnd_px", axis, kind, value) for axis, value in by_axis.items()]
        lines.append(_line("jnd_px", "both", kind, mean))
        if kind == DECIDES:
            readings = (Reading("jnd_px", mean, ladders.condition),)
    return Measured(pd.DataFrame(lines), readings)


def threshold(deltas: Sequence[float], d_primes: Sequence[float]) -> float:
    """Return the distance at which d′ first reaches 1.

    Between two distances d′ is interpolated on logarithmic axes. Below the least one it is taken to
    be proportional to the distance, as any smooth response is in the end.

    Args:
        deltas: Distances, growing, screen px.
        d_primes: d′ at each.

    Returns:
        Screen px, `FLOOR_PX` at least; infinite if d′ never gets there.
    """
    clipped = np.clip(np.asarray(d_primes, float), *D_RANGE)
    reached = np.flatnonzero(clipped >= CRITERION)
    if not len(reached):
        return math.inf
    k = int(reached[0])
    if k == 0:
        return max(FLOOR_PX, deltas[0] * CRITERION / float(clipped[0]))
    (x0, x1), (y0, y1) = np.log(deltas[k - 1 : k + 1]), np.log(clipped[k - 1 : k + 1])
    share = (math.log(CRITERION) - y0) / (y1 - y0)
    return max(FLOOR_PX, float(np.exp(x0 + share * (x1 - x0))))


def _threshold(deltas: list[float], d_primes: list[float]) -> float:
    """Return the threshold of the median d′ over the places at which a distance was tried."""
    table = pd.Series(d_primes).groupby(deltas).median().sort_index()
    return threshold(table.index.tolist(), table.tolist())


def _features(
    network: Network, ladders: Ladders, numbers: Sequence[int]
) -> Float32[np.ndarray, "s k d"]:
    given = ladders.observations[:, numbers[0] : numbers[-1] + 1]
    flat = given.reshape(-1, *given.shape[2:])
    found: Float32[np.ndarray, "s k d"] = responses(network, flat)[FEATURES].reshape(
        *given.shape[:2], -1
    )
    return found


def _line(
    quantity: str,
    axis: str,
    kind: str,
    value: float,
    delta_screen: float = math.nan,
    ladder: int = -1,
    rung: int = -1,
) -> dict[str, object]:
    return {
        "quantity": quantity,
        "axis": axis,
        "kind": kind,
        "delta_screen": delta_screen,
        "ladder": ladder,
        "rung": rung,
        "value": value,
    }
