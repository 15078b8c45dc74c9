"""The figure: does it know, and does it pay?

x is the just noticeable difference of the ball's place, y the explainable share of the potential
reward, both of networks trained for just that. Had the blog post its way, every arrow from a net
without pooling to the same weights with it would point right and down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from agents.architectures import ROWS
from commandline import counted
from reporting.charts import censored, labels
from reporting.charts.panel import (
    AnyChart,
    Drawn,
    Panel,
    absent,
    arm_said,
    kind_colour,
    kind_labels,
    kind_shape,
    seeds_said,
    slug,
    summary,
    tidy,
)
from reporting.charts.strips import with_width
from reporting.commands import FIGURE
from reporting.palette import LABELS

TITLE = "Does it know, and does it pay?"

LANDMARKS: Mapping[str, tuple[float, ...]] = {
    "ball": (4,),
    "paddle": (16,),
    "stride": (15.24, 20.0),
}
"""Lengths to compare a JND with, screen px: the ball's and the paddle's height, and one cell of
stride 8, across and down."""

HEIGHT = 420
"""Of the chart, CSS pixels."""

SHARED = ("game", "width", "x_budget", "x_fingerprint", "y_budget", "y_fingerprint", "condition")
"""What has to agree between the points of one chart."""


def figure(measurements: pd.DataFrame) -> Drawn:
    """Draw the figure, a chart for each opponent arm and each way of making its numbers.

    Args:
        measurements: Of all regimes, as `reporting.gather` has them.
    """
    trained = with_width(measurements[measurements["regime"] == "supervised"])
    know = trained[(trained["measure"] == "jnd_px") & trained["condition"].isin(("held", ""))]
    pays = trained[(trained["measure"] == "reward_share") & (trained["pooling_kind"] != "other")]
    both = know.merge(
        pays.drop(columns=["pooling_kind", "pooling", "measure", "regime"]),
        on=["row", "seed", "game", "width"],
        suffixes=("_x", "_y"),
    )
    if both.empty:
        lacks = [
            name
            for name, table in (
                ("the JND of the ball's place (networks trained on WHERE)", know),
                ("the explainable share of the potential reward", pays),
            )
            if table.empty
        ] or ["rows and seeds that have both measures"]
        return absent(f"The figure “{TITLE}”: {' and '.join(lacks)}", *FIGURE)
    both = both.rename(
        columns={
            "condition_y": "condition",
            "value_x": "jnd_px",
            "value_y": "share",
            "budget_x": "x_budget",
            "budget_y": "y_budget",
            "fingerprint_x": "x_fingerprint",
            "fingerprint_y": "y_fingerprint",
        }
    )
    return Drawn(tuple(_panel(group) for _, group in both.groupby(list(SHARED), sort=True)))


def _panel(group: pd.DataFrame) -> Panel:
    first = group.iloc[0]
    rows, seeds = group["row"].nunique(), int(group.groupby("row")["seed"].nunique().max())
    centres = _centres(group)
    arrows = _arrows(centres)
    arm = arm_said(first["game"], first["condition"])
    pooled = [a for a in arrows if a["into"] == LABELS["local"]]
    right_and_down = sum(a["x2"] > a["x"] and a["y2"] < a["y"] for a in pooled)
    count = f"{right_and_down} of {len(pooled)} arrows into pooling go right and down"
    return Panel(
        name=slug("know-and-pay", first["game"], first["condition"], first["width"]),
        title=f"{first['game'].capitalize()}{', ' + arm if arm else ''}",
        pooling=kind_labels(group),
        chart=_chart(group, centres, arrows),
        alt=f"Scatter chart of {counted(rows, 'network')}, up to {counted(seeds, 'seed')} "
        f"each. Across: how far the ball must move before the features tell, logarithmic, "
        "farther is worse. Up: how much of the "
        f"reward's explainable part the network foretells. {count}.",
        caption="Dots are seeds, crosses networks: across the median JND "
        f"{censored.interval_said(centres['seeds'])}, up the mean share and its 95 % t interval "
        f"(from three seeds on); {seeds_said(group)}. Arrows "
        f"lead from a row to the row that pools with the same weights at the start; the blog "
        "post is right where "
        f"they go right and down: {count}. Dotted lines: the ball's height 4 px, the "
        f"paddle's 16 px, one cell of stride 8, 15.24 × 20 px. ∞: never reached. Width "
        f"{first['width']}; WHERE {first['x_fingerprint']}, {first['x_budget']:,} updates; reward "
        f"{first['y_fingerprint']}, {first['y_budget']:,} updates.",
    )


def _centres(group: pd.DataFrame) -> pd.DataFrame:
    """Return each row's median JND and mean share, and their intervals, in what can be drawn."""
    know = censored.medians(group, ["row", "pooling"], "jnd_px")
    know = know.rename(columns={"median": "x", "low": "x_low", "high": "x_high"})
    pays = summary(group, ["row"], "share").drop(columns="seeds")
    pays = pays.rename(columns={"mean": "share", "low": "y_low", "high": "y_high"})
    return know.merge(pays, on="row")


def _arrows(centres: pd.DataFrame) -> list[dict[str, Any]]:
    """Return an arrow for each pair of rows whose weights are the same at the start (P1)."""
    there = centres.set_index("row")
    arrows: list[dict[str, Any]] = []
    for row in there.index:
        base, at, width = str(row).partition("@")
        pair = next((r for r in ROWS if r.name == base and r.pair == "P1"), None)
        if pair is None or (origin := f"{pair.against}{at}{width}") not in there.index:
            continue
        start, end = there.loc[origin], there.loc[row]
        arrows.append(
            {
                "pair": f"{origin} → {row}",
                "into": end["pooling"],
                "x": start["x"],
                "y": start["share"],
                "x2": end["x"],
                "y2": end["share"],
                "x_middle": math.sqrt(start["x"] * end["x"]),
                "y_middle": (start["share"] + end["share"]) / 2,
            }
        )
    return arrows


def _chart(group: pd.DataFrame, centres: pd.DataFrame, arrows: list[dict[str, Any]]) -> AnyChart:
    reached = [0.0, *group["share"], *centres["y_low"].dropna(), *centres["y_high"].dropna()]
    low, high = min(reached), max(reached) + 0.06 * (max(reached) - min(reached))
    y_scale = alt.Scale(domain=[low, high], nice=False)

    def x(column: str) -> alt.X:
        return censored.axis(column, "just noticeable difference, screen px → worse")

    def y(column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", title="explainable share of the reward", scale=y_scale)

    marks = pd.DataFrame(
        [{"px": px, "of": of} for of, all_px in LANDMARKS.items() for px in all_px]
    )
    named = pd.DataFrame([{"px": all_px[0], "of": of} for of, all_px in LANDMARKS.items()])
    named = named[named["of"] != "stride"]
    dots = group.assign(
        x=group["jnd_px"].map(censored.drawn), jnd_said=group["jnd_px"].map(censored.said)
    )
    dots = tidy(dots, ["row", "pooling", "seed", "x", "jnd_said", "share", "commit_x", "commit_y"])
    shown = tidy(centres, centres.columns.tolist())
    colour, shape = kind_colour(group), kind_shape(group)
    layers: list[alt.Chart] = [
        alt.Chart(marks).mark_rule(strokeDash=[2, 4], color="#888888").encode(
            x=x("px"), tooltip=["of:N", alt.Tooltip("px:Q", title="screen px")]),
        alt.Chart(named).mark_text(align="left", dx=3, baseline="top", fontSize=11).encode(
            x=x("px"), y=alt.value(2), text="of:N"),
        alt.Chart(dots).mark_point(filled=True, opacity=0.4, size=30).encode(
            x=x("x"), y=y("share"), color=colour, shape=shape,
            tooltip=["row:N", "seed:O", alt.Tooltip("jnd_said:N", title="JND, px"), "share:Q",
                     alt.Tooltip("commit_x:N", title="WHERE, commit"),
                     alt.Tooltip("commit_y:N", title="reward, commit")]),
    ]  # fmt: skip
    know, pays = (shown[shown[end].notna()] for end in ("x_low", "y_low"))
    if len(know):
        bars = alt.Chart(know).mark_rule(size=2)
        layers.append(bars.encode(x=x("x_low"), x2="x_high:Q", y=y("share"), color=colour))
    if len(pays):
        bars = alt.Chart(pays).mark_rule(size=2)
        layers.append(bars.encode(x=x("x"), y=y("y_low"), y2="y_high:Q", color=colour))
    if arrows:
        drawn = tidy(pd.DataFrame(arrows), ["pair", "x", "y", "x2", "y2", "x_middle", "y_middle"])
        # The head stands in the middle, where no dot hides it; its angle depends on how wide the
        # page lets the chart be.
        across = "scale('x', datum.x2) - scale('x', datum.x)"
        down = "scale('y', datum.y2) - scale('y', datum.y)"
        head = alt.expr(f"90 + atan2({down}, {across}) * 180 / PI")
        layers += [
            alt.Chart(drawn).mark_rule(size=1.5, color="#888888").encode(
                x=x("x"), y=y("y"), x2="x2:Q", y2="y2:Q", tooltip="pair:N"),
            alt.Chart(drawn).mark_point(
                shape="triangle-up", filled=True, size=70, color="#888888", opacity=1, angle=head
            ).encode(x=x("x_middle"), y=y("y_middle"), tooltip="pair:N"),
        ]  # fmt: skip
    layers += [
        alt.Chart(shown).mark_point(filled=True, size=130, opacity=1).encode(
            x=x("x"), y=y("share"), color=colour, shape=shape,
            tooltip=["row:N", alt.Tooltip("median_said:N", title="median JND, px"),
                     alt.Tooltip("share:Q", title="mean share"), "seeds:Q"]),
    ]  # fmt: skip

    def lie(across: pd.Series, up: pd.Series) -> np.ndarray:
        """Return where points lie, as shares from the upper left corner."""
        shares = labels.shares(across, censored.LEAST_PX, censored.MARGIN_PX, log=True)
        return np.stack([shares, 1 - labels.shares(up, low, high)], axis=1)

    joined = pd.DataFrame(arrows, columns=["x", "y", "x2", "y2"], dtype=np.float64)
    ends = [lie(joined[a], joined[b]) for a, b in (("x", "y"), ("x2", "y2"))]
    space = labels.Space(
        named=lie(centres["x"], centres["share"]),
        others=np.concatenate(
            [lie(dots["x"], dots["share"]), labels.along(np.concatenate(ends, axis=1))]
        ),
        height=HEIGHT,
    )
    words = labels.names(centres[["row", "x", "share"]], space, x("x"), y("share"))
    return alt.layer(*layers, words).properties(height=HEIGHT)
