"""One line a row of the zoo: every seed a dot, the mean and its interval beside it."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from reporting.charts.panel import (
    MOST_DOTS,
    ROW_HEIGHT,
    AnyChart,
    Drawn,
    Panel,
    absent,
    kinds_shown,
    shapes_shown,
    shown_kinds,
    slug,
    summary,
    tidy,
)
from reporting.commands import UNTRAINED

ALIKE = ("regime", "game", "condition", "budget", "fingerprint", "width")
"""What has to agree between numbers of one chart."""


def with_width(measurements: pd.DataFrame) -> pd.DataFrame:
    """Return measurements with the width of their row in a column of its own."""
    width = [row.partition("@")[2] or "1" for row in measurements["row"]]
    return measurements.assign(width=width)


def untrained_place(measurements: pd.DataFrame) -> Drawn:
    """Draw R² of the ball's place in networks with random weights, a chart for each way of making.

    Args:
        measurements: Of all regimes, as `reporting.gather` has them.
    """
    asked = (measurements["measure"] == "where_r2") & (measurements["regime"] == "untrained")
    found = with_width(measurements[asked])
    if found.empty:
        return absent("Random weights: R² of the ball's place, by row", UNTRAINED)
    panels = []
    for key, group in found.groupby(list(ALIKE), sort=True):
        _, game, condition, _, fingerprint, width = key
        rows = group["row"].nunique()
        best = group.groupby("row")["value"].mean().sort_values(ascending=False)
        panels.append(
            Panel(
                name=slug("untrained-place", game, condition),
                title=f"Random weights: how well a linear read-out finds the ball ({game})",
                pooling=shown_kinds(group),
                chart=strip(group, "R² of the ball's place, mean of x and y"),
                alt=f"Strip chart of R² of the ball's place for {rows} untrained networks in "
                f"{game}. Highest {best.index[0]}, {best.iloc[0]:.2f}; lowest {best.index[-1]}, "
                f"{best.iloc[-1]:.2f}.",
                caption=f"Ridge regression on the last features, unseen episodes, opponent "
                f"{condition or 'as it is'}, width {width}. A dot is a seed; the bar is the mean "
                f"and its 95 % t interval over seeds (from three seeds on). dense_circular_gap is "
                f"a control and has to be blind. Data {fingerprint}.",
            )
        )
    return Drawn(tuple(panels))


def strip(group: pd.DataFrame, title: str, zero: bool = True) -> AnyChart:
    """Return a chart with a line for each row, best first.

    Args:
        group: Columns `row`, `pooling`, `seed`, `value`, `commit`.
        title: Of the x axis.
        zero: Whether the x axis has to show 0.
    """
    order: Sequence[str] = (
        group.groupby("row")["value"].mean().sort_values(ascending=False).index.tolist()
    )
    means = summary(group, ["row", "pooling"])
    y = alt.Y("row:N", sort=[*order], title=None)
    scale = alt.Scale(zero=zero)

    def x(column: str) -> alt.X:
        axis = alt.Axis(tickCount=6)
        return alt.X(f"{column}:Q", title=title, scale=scale, axis=axis)

    shown = tidy(means, means.columns.tolist())
    ticks = alt.Chart(shown).mark_tick(thickness=3, size=ROW_HEIGHT - 6).encode(
        y=y,
        x=x("mean"),
        color=kinds_shown(group),
        tooltip=["row:N", alt.Tooltip("mean:Q", title="mean"), "low:Q", "high:Q", "seeds:Q"],
    )  # fmt: skip
    layers: list[alt.Chart] = [ticks]
    spans = shown[shown["low"].notna()]
    if len(spans):
        rules = alt.Chart(spans).mark_rule(size=3, opacity=0.9)
        layers.insert(0, rules.encode(y=y, x=x("low"), x2="high:Q", color=kinds_shown(group)))
    if len(group) <= MOST_DOTS:
        dots = tidy(group, ["row", "pooling", "seed", "value", "commit"])
        layers.insert(
            0,
            alt.Chart(dots)
            .mark_point(filled=True, opacity=0.35, size=36)
            .encode(
                y=y,
                x=x("value"),
                color=kinds_shown(group),
                shape=shapes_shown(group),
                tooltip=["row:N", "seed:O", alt.Tooltip("value:Q"), "commit:N"],
            ),
        )
    height = max(90, ROW_HEIGHT * len(order))
    return alt.layer(*layers).properties(height=height)
