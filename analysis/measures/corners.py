"""The check of the machinery: rows that pick a corner of each cell must equal nature exactly.

With nature's weights, whatever they are, `corner_twin` and `corner_half` compute the same function.
Sums are made exact (`agents.transplant.coarsen`), so a difference of 0 is meant to the bit.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from agents.transplant import coarsen, transplant
from analysis.networks import Network, Observations, build
from analysis.readings import Measured, Reading

CORNERS = ("corner_twin", "corner_half")

INPUTS = 32
"""Inputs compared: float64 and stride 1 are slow, and one would nearly do."""


def corner_dq(network: Network, observations: Observations, rng: np.random.Generator) -> Measured:
    """Put nature's weights into the corner-picking rows and compare all outputs.

    Args:
        network: Nature, of any width, trained or not; it is left as it was.
        observations: Network inputs.
        rng: Draws `INPUTS` of them, if there are more.

    Returns:
        A line and a reading, `corner_dq`, for each of the two rows: the largest |ΔQ|.

    Raises:
        ValueError: If the network is another row than nature.
    """
    name, at, width = network.spec.partition("@")
    if name != "nature":
        raise ValueError(f"expected nature, got {network.spec!r}")
    count = min(INPUTS, len(observations))
    chosen = np.sort(rng.choice(len(observations), count, replace=False))
    # In multiples of 1/256 rather than 1/255: what makes the sums exact.
    pictures = torch.from_numpy(observations[chosen]).double() / 256
    nature = deepcopy(network)
    coarsen(nature)
    expected = _outputs(nature, pictures)
    lines, readings = [], []
    for corner in CORNERS:
        row = build(f"{corner}{at}{width}", 0, expected.shape[1])
        coarsen(row)
        transplant(nature, row)
        largest = float((_outputs(row, pictures) - expected).abs().max())
        lines.append({"row": row.spec, "inputs": count, "value": largest})
        readings.append(Reading("corner_dq", largest, row=row.spec))
    return Measured(pd.DataFrame(lines), tuple(readings))


def _outputs(network: Network, pictures: Tensor) -> Tensor:
    with torch.inference_mode():
        outputs: Tensor = network.head(network.extractor(pictures))
    return outputs
