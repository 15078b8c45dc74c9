"""Maps over the playfield as PNG: what each place is worth, what the agent expects, what followed.

Drawn from the tables in `evaluation/` alone, for W&B, which takes pictures and no charts.
"""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from jaxtyping import Float64

from analysis.worth.ball_rewards import cell_size_screen
from envs.games import SCREEN_HEIGHT, SCREEN_WIDTH, Game
from reporting.charts.panel import arm_said

WIDTH = 200
"""Of one map, pixels before `PIXELS`."""

PIXELS = 2.0
"""Of the PNG for each pixel of the chart."""

QUANTITIES = {
    "worth": "worth: mean sign of the next point with the ball put there",
    "expected": "expected: the agent's max Q with the ball put there",
    "return": "return until the next point or lost life",
    "reward": "reward at once",
}
"""What the tables call them, and what stands above a map."""


def value_map_png(table: pd.DataFrame, game: Game, title: str) -> bytes:
    """Draw what places are worth, above what the agent expects there, a column for each velocity.

    Opponent arms stand below each other, each with its name.

    Args:
        table: Of `analysis.worth.value_maps`.
        game: What was played.
        title: Stands above.
    """
    maps = table[table["quantity"].isin(["worth", "expected"])].copy()
    maps["velocity"] = [
        f"flying {vx:+.2g} across, {vy:+.2g} down, px a frame"
        for vx, vy in zip(maps["velocity_x_screen"], maps["velocity_y_screen"], strict=True)
    ]
    for of, low, high in (("ball_x_screen", "left", "right"), ("ball_y_screen", "top", "bottom")):
        maps[low], maps[high] = _cells(maps[of].to_numpy(np.float64))
    rows = [
        _row(
            maps[(maps["arm"] == arm) & (maps["quantity"] == quantity)],
            "velocity",
            "; ".join(filter(None, (QUANTITIES[quantity], arm_said(game.name, arm)))),
            game,
        )
        for arm in maps["arm"].unique()
        for quantity in ("worth", "expected")
    ]
    return _png(alt.vconcat(*rows).resolve_scale(color="independent"), title)


def agreement_said(table: pd.DataFrame, game: Game) -> str:
    """Say how the return by the ball's place goes with the do-maps; empty if none was beside it.

    Args:
        table: Of `analysis.worth.ball_rewards`; older ones have no column `arm`.
        game: What was played.
    """
    if "arm" not in table:
        return ""
    beside = table[(table["quantity"] == "return") & table["what"].isin(["spearman", "cells"])]
    found = []
    for (arm, policy), lines in beside.groupby(["arm", "policy"], sort=False):
        number = dict(zip(lines["what"], lines["value"], strict=True))
        rank = "–" if np.isnan(number["spearman"]) else f"{number['spearman']:.2f}"
        told = (f"{number['cells']:.0f} cells", arm_said(game.name, str(arm)))
        found.append(f"{rank} ({', '.join(filter(None, told))}, the {policy} plays on)")
    return f"Spearman with the do-map: {'; '.join(found)}" if found else ""


def reward_map_png(table: pd.DataFrame, game: Game, title: str) -> bytes:
    """Draw what followed from where the ball was in the agent's own games, by direction of flight.

    Args:
        table: From `position_bins`.
        game: What was played.
        title: Stands above.
    """
    known = table.dropna(subset=["mean"]).rename(
        columns={"mean": "value", "cell_x_screen": "left", "cell_y_screen": "top"}
    )
    width, height = cell_size_screen(game)
    known = known.assign(right=known["left"] + width, bottom=known["top"] + height)
    rows = [
        _row(known[known["quantity"] == quantity], "direction", QUANTITIES[quantity], game)
        for quantity in ("return", "reward")
    ]
    return _png(alt.vconcat(*rows).resolve_scale(color="independent"), title)


def position_bins(table: pd.DataFrame) -> pd.DataFrame:
    """Turn the table of `analysis.worth.ball_rewards` so that a bin is a line.

    Returns:
        direction, cell_x_screen, cell_y_screen, quantity, and mean, low, high, visits, games.
    """
    by = ["direction", "cell_x_screen", "cell_y_screen", "quantity"]
    wide = table.dropna(subset=["direction"]).pivot(index=by, columns="what", values="value")
    wide.columns.name = None
    return wide.reset_index()


def _cells(
    places: Float64[np.ndarray, " n"],
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Return where the cell of each place begins and ends: half way to its neighbours."""
    found, index = np.unique(places, return_inverse=True)
    half = np.diff(found) / 2 if len(found) > 1 else np.array([4.0])
    low, high = found - np.append(half[0], half), found + np.append(half, half[-1])
    return low[index], high[index]


def _row(data: pd.DataFrame, column: str, title: str, game: Game) -> alt.FacetChart:
    """Draw one map for each value of a column, on a common scale of colours."""
    data = data[["left", "right", "top", "bottom", "value", column]]
    extreme = float(data["value"].abs().max()) if len(data) else 1.0
    signed = bool((data["value"] < 0).any())
    scale = (
        alt.Scale(scheme="blueorange", domain=[-extreme, extreme])
        if signed
        else alt.Scale(scheme="viridis", zero=False)
    )
    box = game.facts.playfield if game.facts is not None else None
    across = [box.left, box.right] if box is not None else [0, SCREEN_WIDTH]
    down = [box.bottom, box.top] if box is not None else [SCREEN_HEIGHT, 0]
    chart = (
        alt.Chart(data)
        .mark_rect(stroke=None, clip=True)
        .encode(
            x=alt.X("left:Q", scale=alt.Scale(domain=across, nice=False), title="ball x, px"),
            x2="right",
            y=alt.Y("top:Q", scale=alt.Scale(domain=down, nice=False), title="ball y, px"),
            y2="bottom",
            color=alt.Color("value:Q", scale=scale, title=None),
        )
        .properties(width=WIDTH, height=WIDTH * (down[0] - down[1]) / (across[1] - across[0]))
    )
    found: alt.FacetChart = chart.facet(
        column=alt.Column(
            f"{column}:N", title=title, header=alt.Header(labelFontSize=12, titleFontSize=13)
        )
    )
    return found


def _png(chart: alt.VConcatChart, title: str) -> bytes:
    spec = chart.properties(title=title).configure_view(fill="#c6c6cc", stroke=None).to_json()
    png: bytes = vl_convert.vegalite_to_png(spec, scale=PIXELS)
    return png
