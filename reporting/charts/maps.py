"""Maps of the playfield: what a place is worth, what the agent expects there, what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from analysis.worth.ball_rewards import LEAST, cell_size_screen
from commandline import counted
from envs.games import find
from reporting.charts.panel import AnyChart, Drawn, Missing, Panel, absent, arm_said, slug, tidy
from reporting.charts.playfield import HEIGHT, playfield
from reporting.commands import measures
from reporting.gather import Gathered
from reporting.map_images import agreement_said
from reporting.runs import Run

MOST_AGENTS = 8
"""Agents whose maps are drawn in one report: each takes some 100 kB an opponent arm."""

AGENT = ["game", "row", "seed", "training", "budget", "source"]

PLACES = ["ball_x_screen", "ball_y_screen"]


@dataclass(frozen=True)
class Shading:
    """How numbers become colours.

    Attributes:
        title: Of the legend.
        colours: From the least to the greatest; apart in lightness or hue for every kind of
            colour vision, and all of them apart from the dark field.
        domain: Ends; `None` for those of the data.
    """

    title: str
    colours: tuple[str, ...]
    domain: tuple[float, float] | None = None


SIGNED = ("#3F8FD9", "#9CC6EE", "#F5F5F5", "#F8C471", "#EE8A12")
"""Blue for losing, orange for winning."""

RISING = ("#414487", "#2A788E", "#22A884", "#7AD151", "#FDE725")
"""Viridis (van der Walt and Smith 2015), without its darkest end."""

WORTH = Shading("what it is worth, E[G]", SIGNED, (-1, 1))
EXPECTED = Shading("what is expected, V", RISING)
RETURN = Shading("mean reward until the next point", SIGNED, (-1, 1))
"""As wide as the rewards of a game are: a brick of Breakout pays 1, 4 or 7."""


def worth_and_value(gathered: Gathered) -> Drawn:
    """Draw the do-map beside the value map of each agent that has them.

    Args:
        gathered: Of which the agents' `values` and `own_values` are read.
    """
    columns = ("arm", "policy", "quantity", "level", *PLACES, "value")
    keep = {"quantity": ("worth", "expected", "spearman", "r2_explainable", "value_blind")}
    panels: list[Panel] = []
    gaps: list[Missing] = []
    for name in ("values", "own_values"):
        chosen, left = _chosen(gathered.having(name))
        found = gathered.table(name, columns, keep, chosen)
        gaps += left
        for key, group in found.groupby([*AGENT, "policy", "arm"], sort=True):
            panels += _pair(key, group)
    if not panels:
        return absent(
            "Maps of what a place is worth beside what is expected there",
            measures("values", agents=gathered.agents),
        )
    return Drawn(tuple(panels), tuple(gaps))


Key = tuple[Any, ...]


def _chosen(runs: Sequence[Run]) -> tuple[list[Run], tuple[Missing, ...]]:
    """Return the agents to draw, the first seed of each row before the others."""
    seen: Counter[tuple[str, str]] = Counter()
    ranked: list[tuple[int, Run]] = []
    for run in runs:
        ranked.append((seen[run.game, run.row], run))
        seen[run.game, run.row] += 1
    ranked.sort(key=lambda pair: pair[0])
    beyond = len(ranked) - MOST_AGENTS
    said = (
        f"maps of {counted(beyond, 'more agent')}: a report draws {MOST_AGENTS}, the first seed "
        "of each row "
        "first; a report on fewer runs draws others"
    )
    return [run for _, run in ranked[:MOST_AGENTS]], (Missing(said),) if beyond > 0 else ()


def _pair(key: Key, group: pd.DataFrame) -> list[Panel]:
    game, row, seed, training, budget, _, policy, arm = key
    numbers = [_number(group, q) for q in ("spearman", "r2_explainable", "value_blind")]
    player = "the agent itself" if policy == "own" else f"the {policy}"
    opposed = arm_said(game, arm)
    plays = ", ".join(filter(None, (f"{player} plays on", opposed)))
    told = {
        "worth": f"E[G | do(ball = x, y)]: what the next point pays on average if {plays}; "
        f"over scenes and velocities. Budget {budget:,} agent steps, training {training}.",
        "expected": "V = max Q at the very same pictures. Over places: Spearman of V and G "
        "{}, share of the explainable variance {}, value-blind share {}.".format(*numbers),
    }
    panels = []
    for quantity, shading in (("worth", WORTH), ("expected", EXPECTED)):
        cells = group[group["quantity"] == quantity]
        mean = cells.groupby(PLACES)["value"].mean().reset_index()
        if mean.empty:
            continue
        size = (_spacing(mean["ball_x_screen"]), _spacing(mean["ball_y_screen"]))
        corners = mean.set_axis(["x", "y", "value"], axis=1)
        panels.append(
            Panel(
                name=slug(quantity, game, row, seed, policy, arm, training, budget),
                title="; ".join(
                    filter(None, (f"{game}/{row}/seed{seed}: {shading.title}", opposed))
                ),
                chart=_map(str(game), corners, size, shading),
                alt=f"Map of the playfield of {game}, "
                f"{', '.join(filter(None, (shading.title, opposed)))}: from "
                f"{mean['value'].min():.2f} to {mean['value'].max():.2f}.",
                caption=told[quantity],
                narrow=True,
            )
        )
    return panels


def _number(group: pd.DataFrame, quantity: str) -> str:
    found = group[(group["quantity"] == quantity) & (group["level"] == "place")]["value"].dropna()
    return f"{found.iloc[0]:.2f}" if len(found) else "–"


def rewards(gathered: Gathered) -> Drawn:
    """Draw reward by the ball's position in the agents' own games.

    Args:
        gathered: Of which the agents' `ball_rewards` is read.
    """
    columns = ("direction", "cell_x_screen", "cell_y_screen", "quantity", "what", "value")
    keep = {"what": ("mean", "low", "high", "visits", "games", "spearman", "cells")}
    chosen, left = _chosen(gathered.having("ball_rewards"))
    found = gathered.table("ball_rewards", columns, keep, chosen, ("arm", "policy"))
    if found.empty:
        return absent("Reward by ball position", measures("ball_rewards", agents=gathered.agents))
    returns = found[(found["quantity"] == "return") & (found["what"] == "mean")]
    reach = returns["value"].abs().groupby(returns["game"]).max().clip(lower=1)
    drawn = Drawn(missing=left)
    for key, group in found.groupby(AGENT, sort=True):
        most = float(reach.get(key[0], 1.0))
        drawn += _by_direction(key, group, replace(RETURN, domain=(-most, most)))
    return drawn


def _by_direction(key: Key, group: pd.DataFrame, shading: Shading) -> Drawn:
    game, row, seed, training, budget, _ = key
    index = ["direction", "cell_x_screen", "cell_y_screen"]
    cells = group[group["quantity"] == "return"].pivot_table(
        index=index, columns="what", values="value"
    )
    now = group[(group["quantity"] == "reward") & (group["what"] == "mean")].set_index(index)
    if "mean" not in cells:  # every mean is blank, and the pivot drops what is blank
        few = f"no cell was seen in {LEAST} games or more"
        return absent(f"reward by ball position of {game}/{row}/seed{seed}: {few}")
    cells = cells.assign(now=now["value"]).reset_index().dropna(subset=["mean"])
    cells = cells.rename(
        columns={"cell_x_screen": "x", "cell_y_screen": "y", "mean": "value", "now": "at once"}
    )
    beside = [c for c in ("low", "high", "at once", "visits", "games") if c in cells]
    agreed = agreement_said(group, find(str(game)))
    agreed = f"Over all directions: {agreed}. " if agreed else ""
    panels = []
    for direction, shown in cells.groupby("direction", sort=True):
        least, most = shown["value"].min(), shown["value"].max()
        panels.append(
            Panel(
                name=slug("reward-by-ball", game, row, seed, direction, training, budget),
                title=f"{game}/{row}/seed{seed}: ball going {direction}",
                chart=_map(str(game), shown, cell_size_screen(find(str(game))), shading, beside),
                alt=f"Map of the playfield of {game}: mean raw reward until the next point with "
                f"the ball there, going {direction}. From {least:.2f} to {most:.2f}.",
                caption=f"{len(shown)} cells seen in {LEAST} games or more; the others stay blank. "
                f"{agreed}Budget {budget:,} agent steps, training {training}.",
                narrow=True,
            )
        )
    return Drawn(tuple(panels))


def _spacing(places: pd.Series) -> float:
    steps = np.diff(np.unique(places.to_numpy(np.float64)))
    return float(np.median(steps)) if len(steps) else 8.0


def _map(
    game: str,
    cells: pd.DataFrame,
    size: tuple[float, float],
    shading: Shading,
    beside: Sequence[str] = (),
) -> AnyChart:
    """Return cells on the drawn playfield.

    Args:
        game: Whose.
        cells: `x` and `y`, the upper left corner of each (screen px), and `value`.
        size: Width and height of a cell, screen px.
        shading: How values become colours.
        beside: Columns to show with the value under the pointer.
    """
    field = playfield(find(game))
    drawn = cells.assign(right=cells["x"] + size[0], bottom=cells["y"] + size[1])
    shown = tidy(drawn, ["x", "y", "right", "bottom", "value", *beside])
    domain = shading.domain or (float(shown["value"].min()), float(shown["value"].max()))
    ends = np.linspace(*domain, len(shading.colours)).tolist()
    scale = alt.Scale(domain=ends, range=[*shading.colours], clamp=True)
    legend = alt.Legend(
        orient="top",
        direction="horizontal",
        title=shading.title,
        titleLimit=320,
        gradientLength=180,
    )
    places = [alt.Tooltip(f"{axis}:Q", title=f"{axis}, screen px") for axis in "xy"]
    rects = (
        alt.Chart(shown)
        .mark_rect(clip=True)
        .encode(
            x=alt.X("x:Q", scale=field.x),
            x2="right:Q",
            y=alt.Y("y:Q", scale=field.y),
            y2="bottom:Q",
            color=alt.Color("value:Q", scale=scale, legend=legend),
            tooltip=[*places, alt.Tooltip("value:Q", title=shading.title), *beside],
        )
    )
    layered = alt.layer(*field.layers, rects, *field.over).resolve_scale(color="independent")
    found: AnyChart = layered.properties(height=HEIGHT)
    return found
