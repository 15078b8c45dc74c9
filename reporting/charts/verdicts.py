"""The claims at a glance: every part a square, coloured and lettered by its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from reporting.charts.panel import ROW_HEIGHT, Drawn, Panel, absent

VERDICTS: Mapping[str, tuple[str, str]] = {
    "supported": ("#009E73", "+"),
    "refuted": ("#D55E00", "−"),
    "inconclusive": ("#E0A800", "?"),
    "not measured": ("#9AA0A6", "·"),
}
"""Colour and letter of each verdict, so that neither has to be seen."""


def overview(records: Sequence[Mapping[str, Any]], claims: Mapping[int, str]) -> Drawn:
    """Draw one square for each part of each claim, in the game that decides it.

    Args:
        records: From `analysis.claims.claims_table`, with `number` for the claim's number.
        claims: Their texts, by number.
    """
    table = pd.DataFrame(
        [
            {
                "claim": r["number"],
                "part": r["id"],
                "regime": r["regime"],
                "verdict": r["verdict"],
                "letter": VERDICTS[r["verdict"]][1],
                "seeds": r["seeds"],
                "text": claims[r["number"]],
            }
            for r in records
            if not r["replication"]
        ]
    )
    if table.empty:
        return absent("The claims at a glance")
    table["place"] = table.groupby("claim").cumcount() + 1
    counted = table["verdict"].value_counts()
    said = ", ".join(f"{counted.get(name, 0)} {name}" for name in VERDICTS)
    shown = [name for name in VERDICTS if name in counted]
    scale = alt.Scale(domain=shown, range=[VERDICTS[name][0] for name in shown])
    base = alt.Chart(table).encode(
        y=alt.Y("claim:O", title="claim", axis=alt.Axis(ticks=False, domain=False)),
        x=alt.X("place:O", title=None, axis=None),
        tooltip=["part:N", "text:N", "regime:N", "verdict:N", "seeds:Q"],
    )
    chart = alt.layer(
        base.mark_rect(cornerRadius=3, stroke="#88888866", strokeWidth=1).encode(
            color=alt.Color("verdict:N", scale=scale, legend=alt.Legend(), title=None)
        ),
        base.mark_text(fontSize=14, fontWeight="bold", color="#000000").encode(text="letter:N"),
    ).properties(height=ROW_HEIGHT * table["claim"].nunique())
    return Drawn(
        (
            Panel(
                name="claims",
                title="The claims at a glance",
                chart=chart,
                alt=f"A grid of verdicts, one line a claim, one square a part: {said}.",
                caption="A line is a claim, a square one of its parts: + supported, − refuted, "
                "? inconclusive, · not measured.",
                narrow=True,
            ),
        )
    )
