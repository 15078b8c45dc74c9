"""What stands beside the verdicts on scores and decides nothing: every seed, IQM, improvement.

Over seeds, after Agarwal et al. 2021 ("Deep reinforcement learning at the edge of the statistical
precipice"): the interquartile mean of each row's scores, and the probability that a seed of one row
beats a seed of the other. Without intervals: a percentile bootstrap of an IQM covers .74 at three
seeds, .88 to .90 at five and .93 at ten, less than the .95 it would be read as.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.claim import Part
from analysis.claims import CLAIMS, claims_table
from analysis.measurements import Measurement
from analysis.scores import interquartile_mean, probability_of_improvement
from analysis.verdicts.decisions import Difference, quantities
from analysis.verdicts.selection import Index, Setting

SCORE = "score"
"""The measure that this is about."""


def verdicts(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """Return the verdicts with what stands beside them under the key `beside`.

    Args:
        measurements: All there are, as for `analysis.claims.claims_table`.
    """
    index = Index(measurements)
    return [{**record, "beside": beside(record, index)} for record in claims_table(measurements)]


def beside(record: Mapping[str, Any], index: Index) -> dict[str, Any]:
    """Return what stands beside one verdict.

    Args:
        record: From `analysis.claims.claims_table`.
        index: Of the same measurements.

    Returns:
        Empty unless scores decide it and have been measured. `seeds`: by row, the score of every
        seed; `iqm`: by row; `improvement`: for each two rows that are compared, `of`, `over` and
        `probability`. Rows are named with the width at which the verdict was given.
    """
    if record["regime"] != "reinforcement":
        return {}
    part = _part(record)
    cells = [c for c in part.cells if c.measure == SCORE]
    setting = Setting("reinforcement", record["game"], record["width"], record["budget"])
    if index.two_protocols(cells, setting):
        return {}
    by_row = {cell: index.values(cell, setting) for cell in cells}
    there = {cell: by_seed for cell, by_seed in by_row.items() if by_seed}
    if not there:
        return {}
    pairs = [
        (q.plus, q.minus)
        for q in quantities(part.supported, part.refuted)
        if isinstance(q, Difference) and q.plus in there and q.minus in there
    ]
    return {
        "seeds": {
            setting.row(cell.row): {str(seed): by_seed[seed] for seed in sorted(by_seed)}
            for cell, by_seed in there.items()
        },
        "iqm": {
            setting.row(cell.row): float(interquartile_mean(_array(by_seed)))
            for cell, by_seed in there.items()
        },
        "improvement": [
            {
                "of": setting.row(a.row),
                "over": setting.row(b.row),
                "probability": probability_of_improvement(_array(there[a]), _array(there[b])),
            }
            for a, b in dict.fromkeys(pairs)
        ],
    }


def _array(by_seed: Mapping[int, float]) -> np.ndarray:
    return np.array([*by_seed.values()], np.float64)


def _part(record: Mapping[str, Any]) -> Part:
    """Return the part of a record; ids recur between regimes."""
    return next(
        part
        for claim in CLAIMS
        for part in claim.parts
        if (part.id, part.regime) == (record["id"], record["regime"])
    )
