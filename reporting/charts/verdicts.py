"""The claims at a glance: every judged part a square, coloured and lettered by its verdict.

A line is a part of a claim, a column a way of deciding it and the game that was played or looked
at: so no two squares share a place, and a replication stands beside what it replicates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from reporting.charts.panel import AnyChart, Drawn, Panel, absent

VERDICTS: Mapping[str, tuple[str, str]] = {
    "supported": ("#009E73", "+"),
    "refuted": ("#D55E00", "−"),
    "inconclusive": ("#E0A800", "?"),
    "not measured": ("#9AA0A6", "·"),
}
"""Colour and letter of each verdict, so that neither has to be seen."""

COLUMNS: Mapping[str, str] = {
    "arithmetic": "arith-|metic",
    "game": "game",
    "untrained": "random",
    "supervised": "task",
    "reinforcement": "play",
}
"""Head of the column of each regime, in the order of the columns; `|` ends a line."""

LINE_HEIGHT = 19
"""Of a part, CSS pixels."""

FULL, LESS = 0.94, 0.66
"""Width of a square within its column, and of one that replicates."""


def overview(
    records: Sequence[Mapping[str, Any]], claims: Mapping[int, str], *, halves: bool = False
) -> Drawn:
    """Draw one square for each part of each claim and each game in which it is judged.

    Args:
        records: From `analysis.claims.claims_table`, with `number` for the claim's number.
        claims: Their texts, by number.
        halves: Whether to draw two charts, to stand beside each other.
    """
    if not records:
        return absent("The claims at a glance")
    table = pd.DataFrame(
        [
            {
                "claim": r["number"],
                "part": f"{r['id']}{'★' if r['primary'] else ''}",
                "column": _column(r["regime"], r["game"]),
                "regime": r["regime"],
                "game": r["game"],
                "verdict": r["verdict"],
                "letter": VERDICTS[r["verdict"]][1],
                "replication": bool(r["replication"]),
                "seeds": r["seeds"],
                "text": claims[r["number"]],
            }
            for r in records
        ]
    )
    ranks = list(COLUMNS)
    order = sorted(
        {(ranks.index(r["regime"]), r["replication"], r["game"]) for r in records},
    )
    columns = list(dict.fromkeys(_column(ranks[rank], game) for rank, _, game in order))
    lines = table.drop_duplicates(["claim", "part"])
    middle = int(lines["claim"].iloc[len(lines) // 2]) - 1 if halves else 0
    first, second = table[table["claim"] <= middle], table[table["claim"] > middle]
    return Drawn(tuple(_panel(part, columns, halves) for part in (first, second) if len(part)))


def _column(regime: str, game: str) -> str:
    return f"{COLUMNS[regime]}|{game.capitalize()}" if game else COLUMNS[regime]


def _panel(table: pd.DataFrame, columns: Sequence[str], halved: bool) -> Panel:
    counted = table["verdict"].value_counts()
    said = ", ".join(f"{counted.get(name, 0)} {name}" for name in VERDICTS)
    ends = f"{table['claim'].min()} to {table['claim'].max()}"
    smaller = " A smaller square replicates the larger one." if table["replication"].any() else ""
    return Panel(
        name=f"claims-{ends.replace(' ', '-')}" if halved else "claims",
        title=f"Claims {ends} at a glance" if halved else "The claims at a glance",
        chart=_chart(table, columns),
        alt=f"A grid of verdicts on claims {ends}: a line for each part, a column for each way of "
        f"deciding it, {len(table)} squares: {said}.",
        caption="+ supported, − refuted, ? inconclusive, · not measured; ★ primary. Decided by "
        "arithmetic, by the game itself, by networks with random weights, trained on a task, or "
        f"trained by playing.{smaller}",
        narrow=True,
    )


def _chart(table: pd.DataFrame, columns: Sequence[str]) -> AnyChart:
    shown = [name for name in VERDICTS if name in set(table["verdict"])]
    scale = alt.Scale(domain=shown, range=[VERDICTS[name][0] for name in shown])
    parts = list(dict.fromkeys(table["part"]))
    heads = alt.Axis(
        orient="top",
        labelAngle=0,
        labelExpr="split(datum.label, '|')",
        labelFontSize=11,
        labelOverlap=False,
        labelPadding=18,
        ticks=False,
        domain=False,
    )
    y = alt.Y("part:N", sort=parts, title=None, axis=alt.Axis(ticks=False, domain=False))
    x = alt.X("column:N", sort=[*columns], scale=alt.Scale(domain=[*columns]), title=None,
              axis=heads)  # fmt: skip
    base = alt.Chart(table).encode(
        x=x,
        y=y,
        tooltip=["part:N", "text:N", "regime:N", "game:N", "verdict:N", "replication:N", "seeds:Q"],
    )
    colour = alt.Color("verdict:N", scale=scale, legend=alt.Legend(), title=None)
    squares = [
        base.transform_filter(f"datum.replication === {word}")
        .mark_rect(
            cornerRadius=3,
            width=alt.RelativeBandSize(band=width),
            height=alt.RelativeBandSize(band=0.9),
        )
        .encode(color=colour)
        for word, width in (("false", FULL), ("true", LESS))
    ]
    letters = base.mark_text(fontSize=13, fontWeight="bold", color="#000000")
    begins = table.drop_duplicates("claim").iloc[1:]
    between = alt.Chart(begins).mark_rule(color="#88888880", strokeWidth=1).encode(
        y=alt.Y("part:N", sort=parts, bandPosition=0)
    )  # fmt: skip
    return alt.layer(between, *squares, letters.encode(text="letter:N")).properties(
        height=LINE_HEIGHT * len(parts)
    )
