"""Lines over a number: one a row, with a band where there are seeds enough for an interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import altair as alt
import pandas as pd

from reporting.charts.panel import (
    HEIGHT,
    MOST_DOTS,
    AnyChart,
    kinds_shown,
    shapes_shown,
    summary,
    tidy,
)

MOST_NAMES = 8
"""Lines that get their row's name beside them; with more, the names would lie on each other."""


LETTER_HEIGHT = 15
"""Of a line of names, CSS pixels."""

MOST_BANDS = 4
"""Lines that get a band; with more, bands would lie on each other."""


@dataclass(frozen=True)
class Axes:
    """The two axes of a chart of lines.

    Attributes:
        x: Column of the x axis.
        x_title: With its unit.
        y_title: With its unit.
        x_scale: How x is laid out; `log` has base 2, `order`
            takes the words in the order in which they come.
        y_log: Whether the y axis is logarithmic.
        y_range: Ends of the y axis; what lies beyond is drawn at its edge.
        at: A level to mark, and what it is called.
    """

    x: str
    x_title: str
    y_title: str
    x_scale: Literal["linear", "log", "order"] = "linear"
    y_log: bool = False
    y_range: tuple[float, float] | None = None
    at: tuple[float, str] | None = None


def lines(table: pd.DataFrame, axes: Axes) -> AnyChart:
    """Return a chart with a line for each row: the mean over seeds.

    Args:
        table: Columns `row`, `pooling`, `seed`, `value`, `commit` and that of the x axis.
        axes: The axes.
    """
    by = ["row", "pooling", axes.x]
    means = tidy(summary(table, by), [*by, "mean", "low", "high", "seeds"])
    x = _x(table, axes)
    y_scale = alt.Scale(zero=False, nice=True)
    if axes.y_range is not None:
        y_scale = alt.Scale(domain=list(axes.y_range), clamp=True)
    if axes.y_log:
        y_scale = alt.Scale(type="log", nice=False, clamp=True, domain=list(axes.y_range or ()))

    def y(column: str) -> alt.Y:
        decades = [10.0**k for k in range(-3, 4)]
        low, high = axes.y_range or (0.0, math.inf)
        ticks = [t for t in decades if low <= t <= high] if axes.y_log else alt.Undefined
        axis = alt.Axis(values=ticks)
        return alt.Y(f"{column}:Q", title=axes.y_title, scale=y_scale, axis=axis)

    colour, shape = kinds_shown(table), shapes_shown(table)
    detail = alt.Detail("row:N")
    hover = alt.selection_point(
        on="pointerover", clear="pointerout", fields=["row"], nearest=False, empty=True
    )
    layers: list[alt.Chart] = []
    if axes.at is not None:
        level, name = axes.at
        mark = pd.DataFrame({"level": [level], "name": [name]})
        layers += [
            alt.Chart(mark).mark_rule(strokeDash=[4, 4], color="#888888").encode(
                y=y("level"), tooltip="name:N"),
        ]  # fmt: skip
    if means["low"].notna().any():
        layers += _intervals(means[means["low"].notna()], x, y, colour)
    layers.append(
        alt.Chart(means)
        .mark_line(strokeWidth=2)
        .encode(
            x=x,
            y=y("mean"),
            color=colour,
            detail=detail,
            opacity=alt.condition(hover, alt.value(1), alt.value(0.15)),
        )
        .add_params(hover)
    )
    dots = table if table["seed"].nunique() > 1 and len(table) <= MOST_DOTS else table.iloc[:0]
    if len(dots):
        shown = tidy(dots, ["row", "pooling", "seed", "value", "commit", axes.x])
        layers.append(
            alt.Chart(shown)
            .mark_point(filled=True, size=14, opacity=0.35)
            .encode(
                x=x,
                y=y("value"),
                color=colour,
                shape=shape,
                tooltip=["row:N", "seed:O", f"{axes.x}", "value:Q", "commit:N"],
            )
        )
    layers.append(
        alt.Chart(means)
        .mark_point(filled=True, size=46, opacity=1)
        .encode(
            x=x,
            y=y("mean"),
            color=colour,
            shape=shape,
            opacity=alt.condition(hover, alt.value(1), alt.value(0.15)),
            tooltip=["row:N", axes.x, alt.Tooltip("mean:Q"), "low:Q", "high:Q", "seeds:Q"],
        )
    )
    if means["row"].nunique() <= MOST_NAMES:
        layers.append(_names(means, axes, x, y))
    return alt.layer(*layers).properties(height=HEIGHT)


def _intervals(
    means: pd.DataFrame, x: alt.X, y: Callable[[str], alt.Y], colour: alt.Color
) -> list[alt.Chart]:
    """Return bands where they can be told apart, else bars at the end of each line."""
    if means["row"].nunique() <= MOST_BANDS:
        band = alt.Chart(means).mark_area(opacity=0.15, clip=True)
        return [band.encode(x=x, y=y("low"), y2="high:Q", color=colour, detail="row:N")]
    ends = means.groupby("row", sort=False).tail(1)
    bar = alt.Chart(ends).mark_rule(size=2, opacity=0.5, clip=True)
    return [bar.encode(x=x, y=y("low"), y2="high:Q", color=colour)]


def _x(table: pd.DataFrame, axes: Axes) -> alt.X:
    if axes.x_scale == "order":
        words = list(dict.fromkeys(table[axes.x]))
        return alt.X(f"{axes.x}:O", sort=words, title=axes.x_title, axis=alt.Axis(labelAngle=0))
    if axes.x_scale == "log":
        scale = alt.Scale(type="log", base=2, nice=False)
        ticks = alt.Axis(values=[1, 2, 4, 8, 16, 32, 64], format="d", grid=False)
        return alt.X(f"{axes.x}:Q", title=axes.x_title, scale=scale, axis=ticks)
    return alt.X(
        f"{axes.x}:Q",
        title=axes.x_title,
        scale=alt.Scale(nice=False),
        axis=alt.Axis(format="~s", tickCount=6, grid=False, labelOverlap=True),
    )


def _names(means: pd.DataFrame, axes: Axes, x: alt.X, y: Callable[[str], alt.Y]) -> alt.Chart:
    """Return each row's name near the end of its line, no two on each other."""
    ends = means.groupby("row", sort=False).tail(1).sort_values("mean")
    lowest, highest = axes.y_range or (means["mean"].min(), means["mean"].max())
    log = math.log if axes.y_log else float
    gap = LETTER_HEIGHT * (log(highest) - log(lowest)) / HEIGHT
    at: list[float] = []
    for mean in ends["mean"]:
        at.append(max(log(mean), at[-1] + gap if at else -math.inf))
    back = math.exp if axes.y_log else float
    shown = ends.assign(at=[back(a) for a in at])
    text = alt.Chart(shown).mark_text(align="right", dy=-9, fontSize=12)
    named: alt.Chart = text.encode(x=x, y=y("at"), text="row:N")
    return named
