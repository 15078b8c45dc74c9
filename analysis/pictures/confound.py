"""Why ordinary play cannot judge what a network knows of place: there the rest gives it away.

Correlation of the ball's place with everything else that is on the screen, in ordinary play and in
the teleport set.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64

from analysis.pictures.frames import Frames

BALL = {"ball_x_84": "ball x", "ball_y_84": "ball y"}
OTHERS = {
    "player_screen": "player's paddle",
    "opponent_screen": "opponent's paddle",
    "score": "score",
    "bricks_left": "bricks left",
}


def correlation(a: Float64[np.ndarray, " n"], b: Float64[np.ndarray, " n"]) -> float | None:
    """Pearson's r, or `None` where either does not vary or is not there."""
    there = np.isfinite(a) & np.isfinite(b)
    a, b = a[there], b[there]
    if len(a) < 2 or a.std() == 0 or b.std() == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def table(sets: Sequence[tuple[str, Frames]]) -> pd.DataFrame:
    """One row for each set, coordinate of the ball and other thing on the screen.

    Args:
        sets: What to call them, and the sets.
    """
    rows: list[dict[str, Any]] = []
    for name, frames in sets:
        for ball, ball_name in BALL.items():
            for other, other_name in OTHERS.items():
                r = correlation(getattr(frames, ball), getattr(frames, other).astype(np.float64))
                if r is not None:
                    rows.append(
                        {
                            "game": frames.game,
                            "set": name,
                            "ball": ball_name,
                            "with": other_name,
                            "r": round(r, 3),
                        }
                    )
    return pd.DataFrame(rows)


def markdown(found: pd.DataFrame) -> str:
    """The same as a table to be read, one column a set."""
    wide = found.pivot_table(index=["game", "ball", "with"], columns="set", values="r", sort=False)
    head = ["game", "ball", "with", *map(str, wide.columns)]
    lines = [head, ["---"] * 3 + ["---:"] * len(wide.columns)]
    for index, row in wide.iterrows():
        assert isinstance(index, tuple)
        lines.append([*map(str, index), *map(_written, row)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _written(r: float) -> str:
    if np.isnan(r):
        return ""
    return "0.00" if abs(r) < 0.005 else f"{r:+.2f}".replace("-", "−")


def figure(found: pd.DataFrame, path: Path) -> None:
    """Draw it: one line for each pair, one dot for each set; how far from 0 is what matters."""
    import altair as alt  # here: every process that trains would load it otherwise

    games = list(found["game"].unique())
    found = found.assign(pair=found["ball"] + " and " + found["with"])
    base = alt.Chart(found).encode(
        y=alt.Y("pair:N", title=None, sort=None),
        x=alt.X("r:Q", title="correlation", scale=alt.Scale(domain=[-1.05, 1.05], nice=False)),
    )
    colours = alt.Scale(
        domain=["ordinary play", "teleported, opponent held", "teleported, opponent along"],
        range=["#c44e52", "#1f6feb", "#8db7f0"],
    )
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        color=alt.Color("set:N", title=None, scale=colours, legend=alt.Legend(orient="top")),
        shape=alt.Shape("set:N", title=None, scale=alt.Scale(domain=colours.domain)),
    )
    zero = alt.Chart(found).mark_rule(color="#bbb").encode(x=alt.datum(0))
    chart = (
        alt.layer(zero, dots)
        .properties(width=420, height=alt.Step(20))
        .facet(row=alt.Row("game:N", title=None, sort=games, header=alt.Header(labelFontSize=13)))
        .resolve_scale(y="independent")
        .configure_view(stroke="#ddd")
        .configure_axis(labelFontSize=12, grid=True, gridColor="#f0f0f0", labelLimit=260)
        .configure_legend(labelFontSize=12, labelLimit=260)
    )
    chart.save(path, scale_factor=2)
