"""What a measure gives back: a table for people, and the numbers on which a verdict can hang."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from analysis.measurements import Measurement
from analysis.verdicts.rules import Regime


@dataclass(frozen=True)
class Reading:
    """A number for one network that a claim may use.

    Attributes:
        measure: A key of `analysis.measurements.MEASURES`.
        value: Scenes, places and games averaged.
        condition: As the claims have it: `held`, `after=pool1`; empty if nothing was set.
        row: Another row, if the network's weights were put into that one.
        made_on: The data, where the network's own fingerprint does not name them.
    """

    measure: str
    value: float
    condition: str = ""
    row: str = ""
    made_on: str = ""


@dataclass(frozen=True)
class Measured:
    """What one measure found out about one network.

    Attributes:
        table: Everything, one number a line in the column `value`, the other columns say of what;
            ready for parquet.
        readings: Those numbers that claims are about.
    """

    table: pd.DataFrame
    readings: tuple[Reading, ...] = ()

    def on(self, data: str) -> Measured:
        """Return the same, made on these data: numbers of different data are not compared."""
        return replace(self, readings=tuple(replace(r, made_on=data) for r in self.readings))

    def measurements(
        self,
        row: str,
        seed: int,
        regime: Regime,
        game: str,
        budget: int,
        fingerprint: str,
        commit: str = "",
    ) -> list[Measurement]:
        """Return the readings as measurements of a row, seed and regime."""
        return [
            Measurement(
                measure=r.measure,
                row=r.row or row,
                seed=seed,
                regime=regime,
                game=game,
                value=r.value,
                condition=r.condition,
                budget=budget,
                fingerprint=", ".join(filter(None, (fingerprint, r.made_on))),
                commit=commit,
            )
            for r in self.readings
        ]
