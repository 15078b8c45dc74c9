"""What can be read off each layer: probes of the ball's place."""

from __future__ import annotations

from typing import Any

import pandas as pd

from reporting.charts.lines import Axes, lines
from reporting.charts.panel import Drawn, Panel, absent, arm_said, kind_labels, seeds_said, slug
from reporting.commands import measures
from reporting.gather import Gathered

COLUMNS = ("probe", "split", "layer", "view", "target", "axis", "metric", "value", "fitted_on")

VIEWS = (
    ("full", "place", "ridge", "Ball's place, linear read-out of whole layers"),
    ("projected", "place", "ridge", "Ball's place, linear read-out of 64 random projections"),
    ("full", "coarse", "mlp", "In which cell of 8 network px the ball is, MLP read-out"),
    ("full", "phase", "mlp", "Where in that cell the ball is (sin, cos), MLP read-out"),
)
"""View, target, probe and title of each chart."""

LOWEST = -0.2
"""Least R² drawn: probes that fail on unseen data can fall without end."""


def read_outs(gathered: Gathered) -> Drawn:
    """Draw R² by layer: one chart for each game, training and question.

    Args:
        gathered: Of which the agents' `probes` are read.
    """
    keep = {"split": "scenes", "axis": ("mean", ""), "metric": "r2"}
    found = gathered.table("probes", COLUMNS, keep)
    if found.empty:
        return absent("What probes read off each layer", measures("probes", agents=gathered.agents))
    panels = []
    for key, group in found.groupby(["game", "training", "budget"]):
        for view, target, probe, title in VIEWS:
            asked = (group["view"] == view) & (group["target"] == target)
            shown = _alike(group[asked & (group["probe"] == probe)].dropna(subset=["value"]))
            if shown.empty:
                continue
            panels.append(_panel(shown, key, title))
    return Drawn(tuple(panels))


def _panel(shown: pd.DataFrame, key: tuple[Any, ...], title: str) -> Panel:
    game, training, budget = key
    arm = f", {said}" if (said := arm_said(str(game), "held")) else ""
    shown = _in_order(shown)
    ends = shown[shown["layer"] == "features"].groupby("row")["value"].mean()
    said = ", ".join(f"{row} {value:.2f}" for row, value in list(ends.items())[:6])
    axes = Axes("layer", "layer, from the picture upwards", "R²", "order", y_range=(LOWEST, 1))
    return Panel(
        name=slug("probes", game, title, training, budget),
        title=f"{title} ({str(game).capitalize()})",
        pooling=kind_labels(shown),
        chart=lines(shown, axes),
        alt=f"R² of the read-out by layer. On the last features: {said}.",
        caption=f"Unseen scenes of teleported pictures{arm}; 0 is the mean, 1 perfect, "
        f"lower than −{-LOWEST} is drawn there. {seeds_said(shown)}. Budget {budget:,} agent "
        "steps, training "
        f"{training}.",
    )


def _alike(shown: pd.DataFrame) -> pd.DataFrame:
    """Return the read-outs that were fitted on as many inputs as those of every other layer.

    The last features are also read out on all inputs, for the claims.
    """
    asked = shown.groupby(["source", "layer"])["fitted_on"]
    return shown[shown["fitted_on"] == asked.transform("min")]


def _in_order(shown: pd.DataFrame) -> pd.DataFrame:
    """Sort lines so that layers come as they do in the networks, whatever layers each has."""
    order: dict[str, float] = {}
    for _, group in shown.groupby(["row", "seed"], sort=False):
        names = list(dict.fromkeys(group["layer"]))
        for i, name in enumerate(names):
            order[name] = max(order.get(name, 0.0), i / max(1, len(names) - 1))
    last = {"features": 2.0, "hidden": 3.0, "outputs": 4.0}
    keys = shown["layer"].map(lambda name: last.get(name, order[name]))
    return shown.iloc[keys.argsort(kind="stable")]
