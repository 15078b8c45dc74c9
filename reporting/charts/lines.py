"""Lines over a number: one a row, with a band where there are seeds enough for an interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd

from analysis.verdicts.rules import LEAST_SEEDS
from reporting.charts import labels
from reporting.charts.panel import (
    HEIGHT,
    MOST_DOTS,
    AnyChart,
    kind_colour,
    kind_shape,
    summary,
    tidy,
)

MOST_NAMES = 12
"""Lines that get their row's name beside them; with more, the names would lie on each other."""

LETTER_HEIGHT, LETTER_WIDTH = 15, 7
"""Of a line of names and of one of its letters, CSS pixels."""

NAME_WIDTH = 130
"""Most that names take of the chart's width, CSS pixels; a longer one is cut."""

NEAR, FAR = 5, 15
"""Ends of the line from a last point to its name, CSS pixels to the right of the plot."""

MOST_BANDS = 4
"""Lines with an interval up to which each gets a band; more bands would lie on each other."""

Interval = Literal["band", "bar at its end", ""]
"""How the intervals of a chart are drawn; not at all where no line has seeds enough."""


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
    means = _placed(means, ["mean", "low", "high"], axes)
    named = means["row"].nunique() <= MOST_NAMES
    x = _x(table, axes, _room(means) if named else 0)
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

    colour, shape = kind_colour(table), kind_shape(table)
    detail = alt.Detail("row:N")
    hover = alt.selection_point(
        on="pointerover", clear="pointerout", fields=["row"], nearest=False, empty=True
    )
    layers: list[alt.Chart] = []
    if axes.at is not None:
        level, name = axes.at
        first, last = _ends(means, axes)
        # No further than the lines: the names beyond are not crossed out.
        mark = pd.DataFrame({axes.x: [first], "last": [last], "level": [level], "name": [name]})
        layers += [
            alt.Chart(mark).mark_rule(strokeDash=[4, 4], color="#888888").encode(
                x=x, x2="last", y=y("level"), tooltip="name:N"),
        ]  # fmt: skip
    if as_what := interval_of(table, axes.x):
        layers.append(_interval(means[means["low"].notna()], as_what, x, y, colour))
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
        shown = _placed(shown, ["value"], axes)
        layers.append(
            alt.Chart(shown)
            .mark_point(filled=True, size=14, opacity=0.35)
            .encode(
                x=x,
                y=y("value"),
                color=colour,
                shape=shape,
                tooltip=["row:N", "seed:O", f"{axes.x}", _told("value", axes), "commit:N"],
            )
        )
    numbers = [_told(column, axes) for column in ("mean", "low", "high")]
    layers.append(
        alt.Chart(means)
        .mark_point(filled=True, size=46, opacity=1)
        .encode(
            x=x,
            y=y("mean"),
            color=colour,
            shape=shape,
            opacity=alt.condition(hover, alt.value(1), alt.value(0.15)),
            tooltip=["row:N", axes.x, *numbers, "seeds:Q"],
        )
    )
    if named:
        layers += _names(means, axes, x, y)
    return alt.layer(*layers).properties(height=HEIGHT)


def interval_of(table: pd.DataFrame, x: str) -> Interval:
    """Return how the intervals of a chart are drawn: bands where they can be told apart.

    Args:
        table: Columns `row`, `seed` and that of the x axis.
        x: Column of the x axis.
    """
    seeds = table.groupby(["row", x], sort=False)["seed"].nunique()
    having = seeds[seeds >= LEAST_SEEDS].index.get_level_values("row").nunique()
    if not having:
        return ""
    return "band" if having <= MOST_BANDS else "bar at its end"


def intervals_said(table: pd.DataFrame, x: str) -> str:
    """Say in a sentence what a line is, and what its interval.

    Args:
        table: Columns `row`, `seed` and that of the x axis.
        x: Column of the x axis.
    """
    drawn = interval_of(table, x)
    if not drawn:
        return "A line is the mean over seeds; an interval takes three seeds or more."
    return f"A line is the mean over seeds, the {drawn} its 95 % t interval, from three seeds on."


def _interval(
    means: pd.DataFrame,
    as_what: Interval,
    x: alt.X,
    y: Callable[[str], alt.Y],
    colour: alt.Color,
) -> alt.Chart:
    """Return the intervals of all lines that have some."""
    if as_what == "band":
        drawn = alt.Chart(means).mark_area(opacity=0.15, clip=True)
    else:
        last = means.groupby("row", sort=False).tail(1)
        drawn = alt.Chart(last).mark_rule(size=2, opacity=0.5, clip=True)
    found: alt.Chart = drawn.encode(x=x, y=y("low"), y2="high:Q", color=colour, detail="row:N")
    return found


def _placed(found: pd.DataFrame, columns: Sequence[str], axes: Axes) -> pd.DataFrame:
    """Return numbers where they are drawn; on a logarithmic axis what they are stands beside it.

    It has no place for 0 and below, not even at its edge.
    """
    if not axes.y_log or axes.y_range is None:
        return found
    measured = {f"{column}_measured": found[column] for column in columns}
    return found.assign(**measured, **{c: found[c].clip(*axes.y_range) for c in columns})


def _told(column: str, axes: Axes) -> alt.Tooltip:
    """Return a number under the pointer, as it was measured."""
    clipped = axes.y_log and axes.y_range is not None
    return alt.Tooltip(f"{column}_measured:Q" if clipped else f"{column}:Q", title=column)


def _ends(means: pd.DataFrame, axes: Axes) -> tuple[Any, Any]:
    """Return the first and the last place on the x axis."""
    if axes.x_scale == "order":
        return means[axes.x].iloc[0], means[axes.x].iloc[-1]
    return means[axes.x].min(), means[axes.x].max()


def _room(means: pd.DataFrame) -> int:
    """Return how many CSS pixels the names take to the right of the lines."""
    return FAR + 4 + min(NAME_WIDTH, LETTER_WIDTH * int(means["row"].str.len().max()))


def _x(table: pd.DataFrame, axes: Axes, room: int) -> alt.X:
    """Return the x axis, with room to its right where no line comes."""
    # On a phone half of the chart stays for the lines, however long the names are.
    reach: list[Any] = [0, alt.expr(f"max(width - {room}, width / 2)")]
    if axes.x_scale == "order":
        words = list(dict.fromkeys(table[axes.x]))
        ordered = alt.Scale(type="point", padding=0.3, range=reach)
        axis = alt.Axis(labelAngle=0)
        return alt.X(f"{axes.x}:O", sort=words, title=axes.x_title, axis=axis, scale=ordered)
    if axes.x_scale == "log":
        scale = alt.Scale(type="log", base=2, nice=False, range=reach)
        ticks = alt.Axis(values=[1, 2, 4, 8, 16, 32, 64], format="d", grid=False)
        return alt.X(f"{axes.x}:Q", title=axes.x_title, scale=scale, axis=ticks)
    return alt.X(
        f"{axes.x}:Q",
        title=axes.x_title,
        scale=alt.Scale(nice=False, range=reach),
        axis=alt.Axis(format="~s", tickCount=6, grid=False, labelOverlap=True),
    )


def _names(means: pd.DataFrame, axes: Axes, x: alt.X, y: Callable[[str], alt.Y]) -> list[alt.Chart]:
    """Return each row's name to the right of all lines, and a thin line to it from its last point.

    No two names lie on each other, and none on a line or a point.
    """
    ends = means.groupby("row", sort=False).tail(1).sort_values("mean")
    log = math.log if axes.y_log else float
    back = math.exp if axes.y_log else float
    drawn = [*means["mean"], *means["low"].dropna(), *means["high"].dropna()]
    lowest, highest = map(log, axes.y_range or (min(drawn), max(drawn)))
    # An axis that ends at round numbers is up to a fifth longer than what is drawn.
    gap = LETTER_HEIGHT * (1.0 if axes.y_range else 1.2) * (highest - lowest) / HEIGHT
    at = labels.spread([log(mean) for mean in ends["mean"]], gap, lowest, highest)
    shown = ends.assign(at=[back(a) for a in at])
    # Where every line ends somewhere else, names still stand in one column.
    _, last = _ends(means, axes)
    columns = shown.assign(**{axes.x: last})
    early = shown[shown[axes.x] != last].assign(last=last)
    dots = alt.Chart(early).mark_rule(color="#888888", strokeWidth=1, strokeDash=[1, 4])
    leaders = alt.Chart(columns).mark_rule(
        color="#888888", strokeWidth=1, xOffset=NEAR, x2Offset=FAR, clip=False
    )
    text = alt.Chart(columns).mark_text(
        align="left", dx=FAR + 3, baseline="middle", fontSize=12, limit=NAME_WIDTH
    )
    return [
        *([dots.encode(x=x, x2="last", y=y("mean"))] if len(early) else []),
        leaders.encode(x=x, x2=f"{axes.x}", y=y("mean"), y2="at"),
        text.encode(x=x, y=y("at"), text="row:N", tooltip="row:N"),
    ]
