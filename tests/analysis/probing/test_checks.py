"""The blind network is blind on a field without marks, and others are not."""

from __future__ import annotations

import numpy as np

from analysis.claim import MACHINERY
from analysis.networks import build
from analysis.probing.checks import blank


def test_blank_field() -> None:
    check = next(c for c in MACHINERY if c.measure == "blank_r2")
    made = blank(build(f"{check.row}@0.5", 0, 6), np.random.default_rng(0), inputs=400)
    (reading,) = made.readings
    assert (reading.measure, reading.condition, reading.row) == ("blank_r2", "", "")
    assert check.low <= reading.value <= check.high
    assert abs(reading.value) == made.table["value"].abs().max()
    # The same pictures to networks with edges: the probe can see.
    for row, least in (("gap@0.5", 0.1), ("nature@0.5", 0.1)):
        (seen,) = blank(build(row, 0, 6), np.random.default_rng(0), inputs=400).readings
        assert seen.value > max(least, check.high)
