"""What and where: whether a network that loses place gains identity."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from analysis.tasks.dissociation import dissociation
from commandline import counted
from reporting.charts import labels
from reporting.charts.panel import (
    Drawn,
    Panel,
    absent,
    kind_colour,
    kind_labels,
    kind_shape,
    seeds_said,
    slug,
    tidy,
)
from reporting.charts.strips import with_width
from reporting.commands import WHAT_AND_WHERE

SAME_PICTURES = "drawn,shape=cross"
"""Condition of WHERE on the pictures of WHAT, learnt on bars and asked of crosses."""

HEIGHT = 380
"""Of the chart, CSS pixels."""

MARGIN = 0.08
"""Room around the points, as a share of their range."""

SHARED = ("game", "width", "budget_x", "fingerprint_x", "budget_y", "fingerprint_y")


def what_and_where(measurements: pd.DataFrame) -> Drawn:
    """Draw WHAT skill against WHERE skill, of networks trained on each.

    Args:
        measurements: Of all regimes, as `reporting.gather` has them.
    """
    trained = with_width(measurements[measurements["regime"] == "supervised"])
    where = trained[(trained["measure"] == "where_r2") & (trained["condition"] == SAME_PICTURES)]
    what = trained[(trained["measure"] == "what_skill") & (trained["condition"] == "")]
    both = where.merge(
        what.drop(columns=["pooling_kind", "pooling", "measure", "regime"]),
        on=["row", "seed", "game", "width"],
        suffixes=("_x", "_y"),
    )
    if both.empty:
        lacks = (
            "networks trained on WHAT" if len(where) else "networks trained on both, same pictures"
        )
        return absent(f"What and where: {lacks}", *WHAT_AND_WHERE)
    return Drawn(tuple(_panel(group) for _, group in both.groupby(list(SHARED), sort=True)))


def _panel(group: pd.DataFrame) -> Panel:
    first = group.iloc[0]
    names = {"value_x": "where", "value_y": "what", "commit_x": "where_commit",
             "commit_y": "what_commit"}  # fmt: skip
    dots = group.rename(columns=names)
    means = dots.groupby(["row", "pooling"], as_index=False)[["where", "what"]].mean()
    ends = {c: (dots[c].min(), dots[c].max()) for c in ("where", "what")}
    beyond = {c: MARGIN * ((high - low) or 1.0) for c, (low, high) in ends.items()}
    domains = {c: [low - beyond[c], high + beyond[c]] for c, (low, high) in ends.items()}
    scales = {c: alt.Scale(domain=domain, nice=False) for c, domain in domains.items()}
    few = alt.Axis(tickCount=6)
    x = alt.X("where:Q", title="WHERE: R² of the place", axis=few, scale=scales["where"])
    y = alt.Y("what:Q", title="WHAT: skill above chance", axis=few, scale=scales["what"])
    colour, shape = kind_colour(group), kind_shape(group)
    shown = tidy(dots, ["row", "pooling", "seed", "where", "what", "where_commit",
                        "what_commit"])  # fmt: skip
    centres = tidy(means, means.columns.tolist())

    def lie(table: pd.DataFrame) -> np.ndarray:
        """Return where points lie, as shares from the upper left corner."""
        across, up = (labels.shares(table[c], *domains[c]) for c in ("where", "what"))
        return np.stack([across, 1 - up], axis=1)

    space = labels.Space(named=lie(means), others=lie(dots), height=HEIGHT)
    chart = alt.layer(
        alt.Chart(shown).mark_point(filled=True, opacity=0.4, size=30).encode(
            x=x, y=y, color=colour, shape=shape,
            tooltip=["row:N", "seed:O", "where:Q", "what:Q", "where_commit:N", "what_commit:N"]),
        alt.Chart(centres).mark_point(filled=True, size=130, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=["row:N", "where:Q", "what:Q"]),
        labels.names(means[["row", "where", "what"]], space, x, y),
    ).properties(height=HEIGHT)  # fmt: skip
    return Panel(
        name=slug("what-and-where", first["game"], first["width"], first["fingerprint_x"]),
        title=f"What and where ({str(first['game']).capitalize()})",
        pooling=kind_labels(group),
        chart=chart,
        alt=f"Scatter chart of {counted(len(means), 'network')}: skill at telling "
        "which way a bar points against R² of where it is.",
        caption="The same drawn pictures, two questions. WHAT: which way a bar points, learnt on "
        "the left and asked on the right. WHERE: its place, learnt on bars and asked of crosses. "
        f"Small dots are seeds, large ones means; {seeds_said(dots)}. {_dissociated(dots)} "
        f"Width {first['width']}; {first['budget_x']:,} and {first['budget_y']:,} updates; made "
        f"by {first['fingerprint_x']} and {first['fingerprint_y']}.",
    )


def _dissociated(dots: pd.DataFrame) -> str:
    """Say which rows are dissociated from nature: the interaction and opposite simple effects."""
    nature = next((r for r in dots["row"] if r.partition("@")[0] == "nature"), "")
    if not nature:
        return "Which rows are dissociated from nature cannot be said: nature is not among them."
    by_row = {
        task: {
            str(row): {int(s): float(v) for s, v in zip(of["seed"], of[task], strict=True)}
            for row, of in dots.groupby("row")
        }
        for task in ("what", "where")
    }
    found = dissociation(by_row["what"], by_row["where"], nature)
    if found.empty:
        return "Too few seeds to say which rows are dissociated from nature."
    rows = found[found["dissociated"]]["row"].tolist()
    return (
        f"Dissociated from {nature} (interaction and opposite simple effects, 95 % intervals "
        f"by seed): {', '.join(rows) or 'none'} of {counted(len(found), 'row')}."
    )
