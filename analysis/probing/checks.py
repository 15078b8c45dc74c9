"""Checks of the machinery: a network that cannot see where the ball is must not be found to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.networks import FEATURES, Network, responses
from analysis.pictures.frames import Frames
from analysis.probing import crossfit, ridge
from analysis.probing.targets import condition
from analysis.readings import Measured, Reading
from envs.games import SCREEN_HEIGHT, SCREEN_WIDTH
from envs.scenes import FIELDS, Thing, observe

INPUTS = 800

SIZE_SCREEN = 6
"""Side of the thing's square; what is lit of it is 4 × 4 screen pixels."""

FASTEST_SCREEN = 2
"""Screen pixels a raw frame, each way."""


def blank(network: Network, rng: np.random.Generator, inputs: int = INPUTS) -> Measured:
    """Return the R² with which a ridge regression tells a ball's place on a blank field.

    The field is circular, so that neither an edge nor anything else marks a place: a network of
    circular convolutions at stride 1 and a global mean has to be blind. The place is uniform over
    the whole screen, the velocity drawn apart from it; every input is judged by a regression that
    was fitted on others.

    Args:
        network: Any; `dense_circular_gap` is the one that has to fail.
        rng: Draws places and velocities.
        inputs: How many.

    Returns:
        A table by axis; the reading `blank_r2`, the one of x and y further from 0.
    """
    x = rng.integers(SCREEN_WIDTH, size=inputs)
    y = rng.integers(SCREEN_HEIGHT, size=inputs)
    velocity = rng.integers(-FASTEST_SCREEN, FASTEST_SCREEN + 1, size=(inputs, 2))
    drawn = [
        observe(FIELDS["circular"], [Thing(int(a), int(b), size=SIZE_SCREEN)], (float(v), float(w)))
        for a, b, (v, w) in zip(x, y, velocity, strict=True)
    ]
    features = responses(network, np.stack(drawn))[FEATURES]
    place = np.stack([x, y], axis=1).astype(np.float64)
    found = ridge.r2(crossfit.by_ridge(features, place, np.arange(inputs)), place)
    table = pd.DataFrame({"axis": ["x", "y"], "metric": "r2", "value": found})
    return Measured(table, (Reading("blank_r2", float(found[np.abs(found).argmax()])),))


def erased(frames: Frames) -> Measured:
    """Return the largest R² of the ball's place from inputs without the ball, and from the paddles.

    It was measured when the set was built (`analysis.pictures.leak`), which is refused above .02.

    Args:
        frames: Teleported, opponent held.

    Returns:
        A line for each source and axis; the reading `erased_r2` of row `raw_pixels`.
    """
    leaks: Mapping[str, float] = frames.facts["leak"]
    lines = [
        {"source": source, "axis": axis, "value": value}
        for (source, axis), value in ((name.split("_to_"), v) for name, v in leaks.items())
    ]
    reading = Reading("erased_r2", max(leaks.values()), condition(frames), "raw_pixels")
    return Measured(pd.DataFrame(lines), (reading,))
