"""How far the ball must move before a network notices: displacement, d′ and JND."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from commandline import counted
from reporting.charts import censored
from reporting.charts.lines import Axes, intervals_said, lines
from reporting.charts.panel import (
    Drawn,
    Panel,
    absent,
    arm_said,
    budget_said,
    kind_labels,
    seeds_said,
    slug,
)
from reporting.charts.strips import ALIKE, rows_of_dots, with_width
from reporting.commands import FIGURE, measures
from reporting.gather import Gathered

AXES = {"x": "across", "y": "down"}

D_LEAST, D_MOST = 0.05, 100.0
"""Ends of the axis of d′; what lies beyond is drawn at its edge."""


def displacement(gathered: Gathered) -> Drawn:
    """Draw how much the last features change when the ball moves, and when the screen does.

    Args:
        gathered: Of which the agents' `displacement` is read.
    """
    columns = ("quantity", "layer", "moved", "axis", "delta_screen", "value")
    keep = {"quantity": "displacement", "layer": "features"}
    found = gathered.table("displacement", columns, keep).dropna(subset=["value"])
    if found.empty:
        return absent("Displacement curves", measures("displacement", agents=gathered.agents))
    panels = []
    by = ["game", "training", "budget", "moved", "axis"]
    for (game, training, budget, moved, axis), group in found.groupby(by):
        what, sham = ("ball", "") if moved == "ball" else ("whole screen", "sham, ")
        title = (
            f"Change of the last features as the {what} moves {AXES[str(axis)]} "
            f"({sham}{str(game).capitalize()})"
        )
        largest = group.groupby("delta_screen")["value"].mean()
        panels.append(
            Panel(
                name=slug("displacement", game, moved, axis, training, budget),
                title=title,
                pooling=kind_labels(group),
                chart=lines(
                    group,
                    Axes(
                        "delta_screen",
                        "displacement δ, screen px",
                        "change ÷ response to the ball",
                        "log",
                        at=(2**0.5, "√2: the two places excite other units altogether"),
                    ),
                ),
                alt=f"{title}: from {largest.iloc[0]:.2f} at {largest.index[0]:.3g} px to "
                f"{largest.iloc[-1]:.2f} at {largest.index[-1]:.3g} px.",
                caption="RMS of φ(x + δ) − φ(x) over RMS of φ(x) − φ(no ball): 0 where the layer "
                "does not notice; the dashed line is √2. "
                f"{seeds_said(group)}. Budget {budget:,} agent steps, training {training}.",
            )
        )
    return Drawn(tuple(panels))


def sensitivity(gathered: Gathered) -> Drawn:
    """Draw d′ over distance on roaming ladders.

    Args:
        gathered: Of which the agents' `jnd` is read.
    """
    columns = ("quantity", "axis", "kind", "delta_screen", "value")
    found = gathered.table("jnd", columns, {"quantity": "d_prime", "kind": "roaming"})
    return _curves(found, gathered)


def _curves(found: pd.DataFrame, gathered: Gathered) -> Drawn:
    if found.empty:
        return absent("d′ over distance", measures("jnd", agents=gathered.agents))
    panels = []
    for (game, training, budget, axis), group in found.groupby(
        ["game", "training", "budget", "axis"]
    ):
        keys = ["row", "pooling", "seed", "commit", "delta_screen"]
        shown = group.groupby(keys)["value"].median().reset_index()
        title = f"d′ of the ball's place, moved {AXES[str(axis)]} ({str(game).capitalize()})"
        near = shown[shown["delta_screen"] == shown["delta_screen"].min()]["value"].mean()
        panels.append(
            Panel(
                name=slug("d-prime", game, axis, training, budget),
                title=title,
                pooling=kind_labels(shown),
                chart=lines(
                    shown,
                    Axes(
                        "delta_screen",
                        "distance δ, screen px",
                        "d′ on the last features",
                        "log",
                        y_log=True,
                        y_range=(D_LEAST, D_MOST),
                        at=(1.0, "d′ = 1: the just noticeable difference"),
                    ),
                ),
                alt=f"{title}: {near:.2f} at {shown['delta_screen'].min():.3g} px.",
                caption="Shrinkage discriminants, fitted and tested on different episodes, on "
                "ladders whose other coordinate roams. A seed's d′ is the median over places, and "
                "its JND this way lies where that first reaches the dashed line. "
                f"{intervals_said(shown, 'delta_screen')} {seeds_said(shown)}. "
                f"Budget {budget:,} agent steps, training {training}.",
            )
        )
    return Drawn(tuple(panels))


def thresholds(measurements: pd.DataFrame) -> Drawn:
    """Draw the JND of every network, a chart for each way of making it.

    Args:
        measurements: Of all regimes, as `reporting.gather` has them.
    """
    found = with_width(measurements[measurements["measure"] == "jnd_px"])
    if found.empty:
        return absent("JND by network", *FIGURE)
    panels = []
    for key, group in found.groupby(list(ALIKE), sort=True):
        regime, game, condition, budget, fingerprint, width = map(str, key)
        way = {"reinforcement": "trained by playing", "supervised": "trained on WHERE"}.get(
            regime, regime
        )
        centres = censored.medians(group, ["row", "pooling"]).sort_values("median")
        best, worst = centres.iloc[0], centres.iloc[-1]
        dots = group.assign(
            value=group["value"].map(censored.drawn), value_said=group["value"].map(censored.said)
        )
        never = int(np.isinf(group["value"]).sum())
        often = f" Never reached: {counted(never, 'seed')} of {len(group)}." if never else ""
        how = (arm_said(game, condition), f"width {width}", budget_said(regime, int(budget)))
        panels.append(
            Panel(
                name=slug("jnd", regime, game, condition, width, budget, fingerprint),
                title=f"JND of the ball's place, {way} ({game.capitalize()})",
                pooling=kind_labels(group),
                chart=rows_of_dots(dots, centres, _jnd_axis, "median"),
                alt=f"Strip chart of the JND of {counted(len(centres), 'network')} {way} in "
                f"{game}. Medians in px: least {best['row']} {best['median_said']}, most "
                f"{worst['row']} {worst['median_said']}.{often}",
                caption=f"Geometric mean of across and down; {', '.join(filter(None, how))}. A dot "
                f"is a seed, the bar the median {censored.interval_said(centres['seeds'])}; "
                f"{seeds_said(group)}.{often} Made by {fingerprint}.",
            )
        )
    return Drawn(tuple(panels))


def _jnd_axis(column: str) -> alt.X:
    return censored.axis(column, "JND, screen px (less is better; ∞: never reached)")
