"""What and where: whether a network that loses place gains identity."""

from __future__ import annotations

import altair as alt
import pandas as pd

from reporting.charts.panel import (
    Drawn,
    Panel,
    absent,
    kinds_shown,
    shapes_shown,
    shown_kinds,
    slug,
    tidy,
)
from reporting.charts.strips import with_width
from reporting.commands import WHAT_AND_WHERE

SHARED = ("game", "width", "budget_x", "fingerprint_x", "budget_y", "fingerprint_y")


def what_and_where(measurements: pd.DataFrame) -> Drawn:
    """Draw WHAT skill against WHERE skill, of networks trained on each.

    Args:
        measurements: Of all regimes, as `reporting.gather` has them.
    """
    trained = with_width(measurements[measurements["regime"] == "supervised"])
    where = trained[(trained["measure"] == "where_r2") & trained["condition"].isin(("held", ""))]
    what = trained[(trained["measure"] == "what_skill") & (trained["condition"] == "")]
    both = where.merge(
        what.drop(columns=["pooling_kind", "pooling", "measure", "regime"]),
        on=["row", "seed", "game", "width"],
        suffixes=("_x", "_y"),
    )
    if both.empty:
        lacks = "networks trained on WHAT" if len(where) else "networks trained on WHERE and WHAT"
        return absent(f"What and where: {lacks}", *WHAT_AND_WHERE)
    return Drawn(tuple(_panel(group) for _, group in both.groupby(list(SHARED), sort=True)))


def _panel(group: pd.DataFrame) -> Panel:
    first = group.iloc[0]
    names = {"value_x": "where", "value_y": "what", "commit_x": "where_commit",
             "commit_y": "what_commit"}  # fmt: skip
    dots = group.rename(columns=names)
    means = dots.groupby(["row", "pooling"], as_index=False)[["where", "what"]].mean()
    x = alt.X("where:Q", title="WHERE: R² of the ball's place", scale=alt.Scale(zero=False))
    y = alt.Y("what:Q", title="WHAT: skill above chance", scale=alt.Scale(zero=False))
    colour, shape = kinds_shown(group), shapes_shown(group)
    shown = tidy(dots, ["row", "pooling", "seed", "where", "what", "where_commit",
                        "what_commit"])  # fmt: skip
    centres = tidy(means, means.columns.tolist())
    chart = alt.layer(
        alt.Chart(shown).mark_point(filled=True, opacity=0.4, size=30).encode(
            x=x, y=y, color=colour, shape=shape,
            tooltip=["row:N", "seed:O", "where:Q", "what:Q", "where_commit:N", "what_commit:N"]),
        alt.Chart(centres).mark_point(filled=True, size=130, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=["row:N", "where:Q", "what:Q"]),
        alt.Chart(centres).mark_text(align="left", dx=9, dy=-9, fontSize=12).encode(
            x=x, y=y, text="row:N"),
    ).properties(height=380)  # fmt: skip
    return Panel(
        name=slug("what-and-where", first["game"], first["width"], first["fingerprint_x"]),
        title=f"What and where ({first['game']})",
        pooling=shown_kinds(group),
        chart=chart,
        alt=f"Scatter chart of {len(means)} networks: skill at telling which way a bar points "
        "against R² of the ball's place.",
        caption="WHAT: which way a bar points, learnt on the left and asked on the right. WHERE: "
        "the ball's place on unseen teleported pictures. Small dots are seeds, large ones means. "
        f"Width {first['width']}; {first['budget_x']:,} and {first['budget_y']:,} updates; made "
        f"by {first['fingerprint_x']} and {first['fingerprint_y']}.",
    )
