"""What all charts share: a panel, what is missing, and how a chart becomes a specification.

Charts are as wide as the page lets them be, and are drawn as SVG by the page, which colours text
and lines for light, dark and paper (`report.css.j2`); only marks carry colours of their own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from analysis.verdicts.intervals import one_sample
from analysis.verdicts.rules import LEAST_SEEDS
from commandline import counted
from envs.games import find
from reporting.palette import KINDS, LABELS

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart

HEIGHT = 300
"""Of a chart whose y axis is a number, CSS pixels."""

ROW_HEIGHT = 22
"""Of each line of a chart with a line for each row, CSS pixels."""

MOST_LISTED = 6
"""Rows named in a caption, of those that have as many seeds."""

MOST_DOTS = 3_000
"""Seed dots in one chart; with more, only means and intervals are drawn."""

DIGITS = 4
"""Significant digits of what is drawn; tables have more."""


@dataclass(frozen=True)
class Missing:
    """What could not be drawn, and the commands that would measure it."""

    what: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Panel:
    """One chart with its words.

    Attributes:
        name: Of its file, where it is saved as a picture.
        title: Above it.
        chart: The chart, without a width.
        alt: What it shows, for those who do not see it.
        caption: What a reader has to know, below it.
        pooling: Labels of the kinds of network in it; the page has a legend of its own for them.
        narrow: Whether it is a picture that keeps its shape, rather than as wide as the page.
    """

    name: str
    title: str
    chart: AnyChart
    alt: str
    caption: str = ""
    pooling: tuple[str, ...] = ()
    narrow: bool = False


@dataclass(frozen=True)
class Drawn:
    """What a chart function made of its tables."""

    panels: tuple[Panel, ...] = ()
    missing: tuple[Missing, ...] = ()

    def __add__(self, other: Drawn) -> Drawn:
        return Drawn(self.panels + other.panels, self.missing + other.missing)


def absent(what: str, *commands: str) -> Drawn:
    """Return a drawing of nothing that says what is missing."""
    return Drawn(missing=(Missing(what, commands),))


INK, GRID = "#444444", "#8888884d"
"""Of text and lines where no style sheet colours them: in pictures."""

FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif"


def specification(panel: Panel, width: int | None = None) -> dict[str, Any]:
    """Return a panel as Vega-Lite has it.

    Args:
        panel: The panel.
        width: CSS pixels, for a picture; `None` for a page: as wide as it may be, and without the
            title and the legend that the page has itself.
    """
    with alt.data_transformers.enable("default", max_rows=None):
        found: dict[str, Any] = panel.chart.properties(width=width or "container").to_dict(
            validate=False  # each part was, when it was made
        )
    found["description"] = panel.alt
    found["background"] = "transparent"
    found["autosize"] = {"type": "fit-x", "contains": "padding"}
    found["padding"] = 4
    labels = {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12}
    found["config"] = {
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            **labels,
            "gridColor": GRID,
            "domainColor": GRID,
            "tickColor": GRID,
            "titleFontWeight": "normal",
            "labelLimit": 150,
        },
        "legend": {**labels, "orient": "top", "title": None, "columns": 2, "labelLimit": 220,
                   "symbolSize": 90, "symbolOpacity": 1},
        "text": {"color": INK, "fontSize": 12},
        "title": {"color": INK},
    }  # fmt: skip
    if width is not None:
        found["title"] = {"text": panel.title, "anchor": "start", "fontSize": 15, "offset": 10}
    elif panel.pooling:
        found["config"]["legend"]["disable"] = True
    return found


def kind_labels(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the labels of the kinds of network in a table, in the order of the palette."""
    there = set(table["pooling"])
    return tuple(label for label in LABELS.values() if label in there)


def tidy(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return those columns, numbers rounded, what is not finite left blank."""
    found = table[[*dict.fromkeys(columns)]].copy()
    for column in found.columns:
        if found[column].dtype.kind == "f":
            found[column] = [_rounded(v) for v in found[column]]
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else math.nan


def kind_colour(table: pd.DataFrame) -> alt.Color:
    """Return the colour by kind with a legend of the kinds that are there."""
    shown = list(kind_labels(table))
    colours = {k.label: k.colour for k in KINDS.values()}
    scale = alt.Scale(domain=shown, range=[colours[label] for label in shown])
    return alt.Color("pooling:N", scale=scale, title=None)


def kind_shape(table: pd.DataFrame) -> alt.Shape:
    """Return the shape by kind, in the same legend as `kind_colour`."""
    shown = list(kind_labels(table))
    shapes = {k.label: k.shape for k in KINDS.values()}
    scale = alt.Scale(domain=shown, range=[shapes[label] for label in shown])
    return alt.Shape("pooling:N", scale=scale, title=None)


def summary(table: pd.DataFrame, by: Sequence[str], value: str = "value") -> pd.DataFrame:
    """Return the mean over seeds of each group, and the ends of its 95 % t interval.

    The seed is the unit: where there is a column `seed`, several lines of one are averaged first.

    Args:
        table: `value` finite.
        by: Columns that make a group.
        value: The column.

    Returns:
        A line for each group: `mean`, `low`, `high` (NaN under three seeds), `seeds`.
    """
    records = []
    for key, group in table.groupby([*by], sort=False, observed=True):
        by_seed = group.groupby("seed")[value].mean() if "seed" in group else group[value]
        values = by_seed.to_numpy(np.float64)
        low = high = math.nan
        if len(values) >= LEAST_SEEDS:
            low, high = (float(end) for end in one_sample(values).interval())
        keys = key if isinstance(key, tuple) else (key,)
        ends = {"mean": float(values.mean()), "low": low, "high": high, "seeds": len(values)}
        records.append(dict(zip(by, keys, strict=True)) | ends)
    return pd.DataFrame(records, columns=[*by, "mean", "low", "high", "seeds"])


def seeds_said(table: pd.DataFrame) -> str:
    """Say how many seeds there are of each row: `10 seeds of each row`.

    Args:
        table: Columns `row` and `seed`.
    """
    counts = table.groupby("row", sort=False)["seed"].nunique()
    usual = int(counts.mode().iloc[0])
    parts = []
    for number in sorted({*counts} - {usual}, reverse=True):
        rows = counts.index[counts == number].tolist()
        named = ", ".join(rows) if len(rows) <= MOST_LISTED else f"{len(rows)} rows"
        parts.append(f"{counted(number, 'seed')} of {named}")
    rest = "every other row" if parts else "each row" if len(counts) > 1 else counts.index[0]
    return "; ".join([*parts, f"{counted(usual, 'seed')} of {rest}"])


ARMS = {
    "held": "opponent held",
    "moved": "opponent moved along",
    "along": "opponent moved along",
}
"""What the opponent did, by the names that measurements and maps have for it."""


def arm_said(game: str, condition: str) -> str:
    """Say under which condition a number was taken: `opponent held`.

    Args:
        game: Where there is no opponent, nothing is said of it.
        condition: As measurements and maps have it, parts of it with commas between; what is no
            arm is returned as it is.
    """
    facts = find(game).facts
    there = facts is not None and facts.opponent is not None
    parts = [(ARMS[c] if there else "") if c in ARMS else c for c in condition.split(",")]
    return ", ".join(filter(None, parts))


def budget_said(regime: str, budget: int) -> str:
    """Say for how long a network was trained: `20,000 updates`; empty where none was."""
    unit = {"supervised": "update", "reinforcement": "agent step"}.get(regime)
    return counted(budget, unit) if unit else ""


def slug(*words: object) -> str:
    """Return a name for a file: letters, digits and hyphens."""
    text = "-".join(str(w) for w in words if str(w))
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in text.lower())
    return "-".join(filter(None, kept.split("-")))[:80] or "chart"


def as_json(spec: object) -> str:
    """Return a specification as strict JSON."""
    return json.dumps(spec, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
