"""Small studies for the tests of charts, and what stands behind a chart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import vl_convert
from simulated import cells, draw

from analysis.measurements import Measurement, save
from reporting.charts.panel import Panel, as_json, specification
from reporting.gather import Gathered, gather

NOWHERE = Path("no-such-folder")


JND = {"nature": 4.0, "half_max": 8.0, "half_avg": 3.0, "gap": 30.0}
SHARE = {"nature": 0.7, "half_max": 0.5, "half_avg": 0.8, "gap": 0.2}


def study(tmp_path: Path, found: list[Measurement], name: str = "measurements.json") -> Gathered:
    save(found, tmp_path / name)
    return gather([], tmp_path)


def narrow(means: dict[str, float]) -> dict[str, float]:
    return {f"{row}@0.5": mean for row, mean in means.items()}


def know_and_pay(budget: int = 2_000, n: int = 10) -> list[Measurement]:
    rng = np.random.default_rng(0)
    found = draw(cells("jnd_px", narrow(JND), "held"), rng, n=n, sd=0.1)
    for arm in ("held", "moved"):
        found += draw(cells("reward_share", narrow(SHARE), arm), rng, n=n, budget=budget)
    return found


def data(panel: Panel, *columns: str) -> list[pd.DataFrame]:
    """Return the tables behind a panel that have those columns."""
    tables = [pd.DataFrame(rows) for rows in specification(panel)["datasets"].values()]
    having = [table for table in tables if {*columns} <= {*table.columns}]
    return sorted(having, key=len, reverse=True)


def drawn_marks(panel: Panel) -> str:
    """Return the panel as SVG: Vega has drawn it, without a browser."""
    return str(vl_convert.vegalite_to_svg(as_json(specification(panel, 400))))
