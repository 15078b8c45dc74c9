"""Names in a chart: where nothing else stands, and no two on each other.

A chart is as wide as the page lets it be, so a name beside a point is placed where it is free both
on a phone and on a desk: of the places around its point the one with the least overlap over both
widths. Names of lines stand in one column and share its height.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
from jaxtyping import Float64

from reporting.charts.panel import AnyChart, tidy

WIDTHS = (300.0, 780.0)
"""Of the plot on a phone and on a desk, CSS pixels."""

LETTER, LINE = 6.6, 14.0
"""Width of a letter and height of a line at 12 px, CSS pixels."""

MARK, DOT = 8.0, 3.0
"""Half of what a point with a name covers, and one of the others, CSS pixels."""

APART = 20.0
"""From here on a thin line leads to a name, CSS pixels; nearer, one sees whose it is."""

PLACES: tuple[tuple[str, float, float], ...] = tuple(
    (align, dx * far, dy * far)
    for far in (1.0, 2.0, 3.2)
    for align, dx, dy in (
        ("left", 9, -9),
        ("left", 9, 9),
        ("right", -9, -9),
        ("right", -9, 9),
        ("left", 12, 0),
        ("right", -12, 0),
        ("center", 0, -15),
        ("center", 0, 15),
    )
)
"""Alignment and offset of a name, CSS pixels from its point; the first ones are tried first."""

LATER = 8.0
"""What each later one costs, square pixels of overlap."""


@dataclass(frozen=True)
class Space:
    """Where points lie in a chart, as shares of its width and height from the upper left corner.

    Attributes:
        named: Of the points with a name.
        others: Of whatever else a name should not cover.
        height: Of the plot, CSS pixels.
    """

    named: Float64[np.ndarray, "n 2"]
    others: Float64[np.ndarray, "m 2"]
    height: float


def shares(values: pd.Series, low: float, high: float, *, log: bool = False) -> np.ndarray:
    """Return where values stand on an axis from `low` to `high`, as shares of its length."""
    given = values.to_numpy(np.float64)
    if log:
        given, low, high = np.log(given), float(np.log(low)), float(np.log(high))
    return np.asarray((given - low) / ((high - low) or 1.0), np.float64)


def along(lines: Float64[np.ndarray, "n 4"]) -> np.ndarray:
    """Return points on lines, dense enough that no name fits between two: (m, 2).

    Args:
        lines: x, y of one end and of the other, as shares.
    """
    at = np.linspace(0, 1, 21)[:, None]
    found = [(1 - at) * line[:2] + at * line[2:] for line in lines]
    return np.concatenate(found) if found else np.empty((0, 2))


def placed(names: Sequence[str], space: Space) -> list[tuple[str, float, float]]:
    """Return which of `PLACES` each name takes, those in the thickest crowd first."""
    points = [_pixels(space.named, w, space.height) for w in WIDTHS]
    others = [_pixels(space.others, w, space.height) for w in WIDTHS]
    crowd = [
        sum(float(np.exp(-np.hypot(*(mine - mine[i]).T) / 60).sum()) for mine in points)
        for i in range(len(names))
    ]
    taken: list[list[np.ndarray]] = [[] for _ in WIDTHS]
    chosen: dict[int, tuple[str, float, float]] = {}
    for i in sorted(range(len(names)), key=lambda k: -crowd[k]):
        costs = []
        for rank, place in enumerate(PLACES):
            cost = LATER * rank
            for w, width in enumerate(WIDTHS):
                box = _box(points[w][i], names[i], place)
                cost += _covered(box, points[w], MARK) + _covered(box, others[w], DOT)
                cost += _beyond(box, width, space.height)
                cost += sum(_overlap(box, other) for other in taken[w])
            costs.append(cost)
        best = PLACES[int(np.argmin(costs))]
        chosen[i] = best
        for w in range(len(WIDTHS)):
            taken[w].append(_box(points[w][i], names[i], best))
    return [chosen[i] for i in range(len(names))]


def _pixels(shares_: np.ndarray, width: float, height: float) -> np.ndarray:
    return np.asarray(shares_ * [width, height])


def _box(point: np.ndarray, name: str, place: tuple[str, float, float]) -> np.ndarray:
    """Return left, top, right, bottom of a name."""
    align, dx, dy = place
    wide = LETTER * len(name)
    left = point[0] + dx - {"left": 0.0, "center": wide / 2, "right": wide}[align]
    top = point[1] + dy - LINE / 2
    return np.array([left, top, left + wide, top + LINE])


def _overlap(box: np.ndarray, other: np.ndarray) -> float:
    wide = min(box[2], other[2]) - max(box[0], other[0])
    high = min(box[3], other[3]) - max(box[1], other[1])
    return float(max(0.0, wide) * max(0.0, high))


def _covered(box: np.ndarray, points: np.ndarray, half: float) -> float:
    """Return what a name covers of marks, square pixels."""
    wide = np.minimum(box[2], points[:, 0] + half) - np.maximum(box[0], points[:, 0] - half)
    high = np.minimum(box[3], points[:, 1] + half) - np.maximum(box[1], points[:, 1] - half)
    return float((wide.clip(0) * high.clip(0)).sum())


def _beyond(box: np.ndarray, width: float, height: float) -> float:
    """Return what sticks out of the plot, square pixels, at ten times its price."""
    out = max(0.0, -box[0]) + max(0.0, box[2] - width)
    return 10 * float(
        LINE * out + (max(0.0, -box[1]) + max(0.0, box[3] - height)) * (box[2] - box[0])
    )


def names(table: pd.DataFrame, space: Space, x: alt.X, y: alt.Y) -> AnyChart:
    """Return the names of rows beside their points, with a thin line where one stands apart.

    Args:
        table: Column `row` and those of x and y; a line for each of `space.named`.
        space: Where they lie.
        x: As the points have it.
        y: As the points have it.
    """
    found = placed(table["row"].tolist(), space)
    aligns, dx, dy = zip(*found, strict=True)
    shown = tidy(table, table.columns.tolist()).assign(align=aligns, dx=dx, dy=dy)
    far = shown[np.hypot(shown["dx"], shown["dy"]) > APART]
    leader = alt.Chart(far).mark_rule(
        color="#888888",
        strokeWidth=1,
        x2Offset=alt.expr("0.85 * datum.dx"),
        y2Offset=alt.expr("0.75 * datum.dy"),
    )
    layers = [leader.encode(x=x, y=y, x2=str(x.shorthand), y2=str(y.shorthand))] if len(far) else []
    for align in dict.fromkeys(aligns):
        text = alt.Chart(shown[shown["align"] == align]).mark_text(
            align=align,
            dx=alt.expr("datum.dx"),
            dy=alt.expr("datum.dy"),
            baseline="middle",
            fontSize=12,
        )
        layers.append(text.encode(x=x, y=y, text="row:N", tooltip="row:N"))
    chart: AnyChart = alt.layer(*layers)
    return chart


def spread(wanted: Sequence[float], gap: float, lowest: float, highest: float) -> list[float]:
    """Return places at least `gap` apart, each as near to the wanted one as the others allow.

    Args:
        wanted: In ascending order.
        gap: Least distance of neighbours; less where there is no room for so many.
        lowest: Least place.
        highest: Greatest place.
    """
    if len(wanted) > 1:
        gap = min(gap, (highest - lowest) / (len(wanted) - 1))
    # Neighbours that push each other share one shift: the mean of what each would like.
    groups: list[list[float]] = []
    for place in wanted:
        groups.append([place])
        while len(groups) > 1 and _start(groups[-2], gap) + gap * len(groups[-2]) > _start(
            groups[-1], gap
        ):
            last = groups.pop()
            groups[-1] += last
    found = [_start(group, gap) + gap * i for group in groups for i in range(len(group))]
    for i, place in enumerate(found):
        found[i] = max(place, lowest + gap * i)
    for i, place in enumerate(found):
        found[i] = min(place, highest - gap * (len(found) - 1 - i))
    return found


def _start(group: Sequence[float], gap: float) -> float:
    """Return where the first of neighbours stands that touch each other."""
    return sum(place - gap * i for i, place in enumerate(group)) / len(group)
