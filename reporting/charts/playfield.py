"""The playfield of a game as the chart behind a map: walls, paddles, and the field itself."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import pandas as pd

from envs.games import SCREEN_HEIGHT, SCREEN_WIDTH, Game
from envs.positions import X_84, Y_84

WALL, GROUND = "#8A8A8A", "#22262E"
"""Walls, and the field: dark, so that both ends and the middle of a scale of colours stand out."""

HEIGHT = 340
"""Of the chart, CSS pixels."""


@dataclass(frozen=True)
class Field:
    """A drawn playfield.

    Attributes:
        layers: Walls and the field, to put behind a map.
        over: Paddles, to put before it; none in a game without facts.
        x: Scale of `ball_x_screen`.
        y: Scale of `ball_y_screen`, downwards as on the screen.
    """

    layers: tuple[alt.Chart, ...]
    over: tuple[alt.Chart, ...]
    x: alt.Scale
    y: alt.Scale


def playfield(game: Game) -> Field:
    """Return the playfield of a game, its paddles in the middle of their way."""
    facts = game.facts
    if facts is None:  # Catch fills the network's whole input
        left, top, right, bottom = 0.0, 0.0, 84 / X_84, 84 / Y_84
        paddles = []
    else:
        box = facts.playfield
        left, top, right, bottom = map(float, (box.left, box.top, box.right, box.bottom))
        paddles = [p for p in (facts.player, facts.opponent) if p is not None]
    edge = 8.0
    x = alt.Scale(domain=[max(0, left - edge), min(SCREEN_WIDTH, right + edge)], nice=False)
    y = alt.Scale(domain=[min(SCREEN_HEIGHT, bottom + edge), max(0, top - edge)], nice=False)
    boxes = [
        {"x": left - edge, "x2": right + edge, "y": top - edge, "y2": bottom + edge, "fill": WALL},
        {"x": left, "x2": right, "y": top, "y2": bottom, "fill": GROUND},
    ]
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    over = []
    for paddle in paddles:
        px = float(paddle.x) if isinstance(paddle.x, int) else middle_x - paddle.width / 2
        py = float(paddle.y) if isinstance(paddle.y, int) else middle_y - paddle.height / 2
        over.append(
            {"x": px, "x2": px + paddle.width, "y": py, "y2": py + paddle.height,
             "fill": _hex(paddle.colour)}
        )  # fmt: skip
    made = [_rectangles(records, x, y) for records in (boxes, over) if records]
    return Field(tuple(made[:1]), tuple(made[1:]), x, y)


def _rectangles(records: list[dict[str, object]], x: alt.Scale, y: alt.Scale) -> alt.Chart:
    found: alt.Chart = (
        alt.Chart(pd.DataFrame(records))
        .mark_rect(clip=True)
        .encode(
            x=alt.X("x:Q", scale=x, title="ball x, screen px"),
            x2="x2:Q",
            y=alt.Y("y:Q", scale=y, title="ball y, screen px"),
            y2="y2:Q",
            color=alt.Color("fill:N", scale=None),
        )
    )
    return found


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
