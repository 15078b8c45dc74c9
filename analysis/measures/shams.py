"""What a network makes of interventions that should do nothing, or one thing only.

Each sham (`analysis.pictures.sham_sets`) changes a picture; what a layer makes of that is put
beside what it makes of the ball: over scenes, RMS ‖φ(sham) − φ(x)‖ / RMS ‖φ(x) − φ(no ball)‖, as in
`analysis.measures.displacement`. 0 where the layer does not notice, 1 where it matters as much as
the ball. `own place` and `pasted` have to be 0: there the teleport itself would show. What
`paddle moved` and `digits changed` say is how much else the layer looks at.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from jaxtyping import Float32

from analysis.measures.outputs import output_changes
from analysis.networks import OUTPUTS, Network, passes
from analysis.pictures.sham_sets import Shams
from analysis.readings import Measured

TOGETHER = 2
"""Scenes in one pass: some twenty inputs, as large first maps are many numbers."""


def sham_changes(network: Network, of: Shams, *, plays: bool = False) -> Measured:
    """Measure what every layer makes of each sham.

    Args:
        network: Any.
        of: Scenes with their shams.
        plays: Whether its outputs are values of the game's actions, so that flips mean something.

    Returns:
        Columns `quantity` (change: the ratio; change_over_sd: RMS change over the SD of the outputs
        over scenes; flips: share of scenes in which the effective action is another, if it plays),
        `layer`, `sham`, `value`; NaN where a layer does not respond to the ball, or the outputs
        never vary. No verdict uses them.

    Raises:
        ValueError: If it plays and has not as many outputs as the game has actions.
    """
    scenes, versions = of.observations.shape[:2]
    base, without = (of.versions.index(v) for v in ("teleported", "painted over"))
    change: dict[tuple[str, str], float] = dict.fromkeys(
        ((layer, sham) for layer in network.layers for sham in of.pairs), 0.0
    )
    ball = dict.fromkeys(network.layers, 0.0)
    outputs = []
    inputs = of.observations.reshape(-1, *of.observations.shape[2:])
    for given in passes(network, inputs, network.layers, chunk=TOGETHER * versions):
        for layer, response in given.items():
            flat = response.flatten(1).numpy().reshape(-1, versions, response[0].numel())
            ball[layer] += _square(flat[:, base] - flat[:, without])
            for sham, (before, after) in of.pairs.items():
                change[layer, sham] += _square(flat[:, after] - flat[:, before])
        outputs.append(given[OUTPUTS].numpy())
    lines = [
        _line("change", layer, sham, math.sqrt(square / ball[layer]) if ball[layer] else math.nan)
        for (layer, sham), square in change.items()
    ]
    q = np.concatenate(outputs).reshape(scenes, versions, -1)
    pairs = {sham: np.array([numbers]) for sham, numbers in of.pairs.items()}
    changes = output_changes(q, pairs, q[:, base], of.game if plays else None)
    lines += [_line(quantity, OUTPUTS, sham, value) for quantity, sham, value in changes]
    return Measured(pd.DataFrame(lines))


def _square(differences: Float32[np.ndarray, "s d"]) -> float:
    return float(np.square(differences.astype(np.float64)).sum())


def _line(quantity: str, layer: str, sham: str, value: float) -> dict[str, object]:
    return {"quantity": quantity, "layer": layer, "sham": sham, "value": value}
