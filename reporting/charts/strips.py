"""One line a row of the zoo: every seed a dot, the mean and its interval beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from analysis.measurements import REFERENCES
from commandline import counted
from envs.games import find
from reporting.charts.panel import (
    MOST_DOTS,
    ROW_HEIGHT,
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
from reporting.commands import UNTRAINED, WHERE
from reporting.palette import LABELS, kind_of
from reporting.runs import Run, identity

MANY_ROWS, DENSE_HEIGHT = 30, 17
"""With more rows than this each is lower, CSS pixels: the whole shall fit a screen, or nearly."""

ALIKE = ("regime", "game", "condition", "budget", "fingerprint", "width")
"""What has to agree between numbers of one chart."""

ONE_REGIME = ALIKE[1:]
"""The same where there is one regime only."""

DECADES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
"""Ticks of a logarithmic axis."""


def with_width(measurements: pd.DataFrame) -> pd.DataFrame:
    """Return measurements with the width of their row in a column of its own."""
    width = [row.partition("@")[2] or "1" for row in measurements["row"]]
    return measurements.assign(width=width)


def untrained_place(measurements: pd.DataFrame, only: Collection[str] = ()) -> Drawn:
    """Draw R² of the ball's place in networks with random weights, a chart for each way of making.

    Args:
        measurements: Of all regimes, as `reporting.gather` has them.
        only: Rows of the zoo, at any width; all where none is named.
    """
    asked = (measurements["measure"] == "where_r2") & (measurements["regime"] == "untrained")
    # Pixels have no width: their line stands in every chart that was made on the same data.
    pixels = asked & measurements["row"].isin([*REFERENCES])
    limit = measurements[pixels]
    found = _only(with_width(measurements[asked & ~pixels]), only)
    if found.empty:
        return absent("Random weights: R² of the ball's place, by row", *UNTRAINED)
    panels = []
    for key, group in found.groupby(list(ONE_REGIME), sort=True):
        game, condition, _, fingerprint, width = map(str, key)
        rows = group["row"].nunique()
        control = any(row.partition("@")[0] == "dense_circular_gap" for row in group["row"])
        blind = "dense_circular_gap is a control and has to be blind. " if control else ""
        best = group.groupby("row")["value"].mean().sort_values(ascending=False)
        beside = limit[
            (limit[["game", "condition", "fingerprint"]] == [game, condition, fingerprint]).all(
                axis=1
            )
        ]
        own = "raw_pixels is the input itself, asked the same. " if len(beside) else ""
        panels.append(
            Panel(
                name=slug("untrained-place", game, condition),
                title="Random weights: how well a linear read-out finds the ball "
                f"({str(game).capitalize()})",
                pooling=kind_labels(pd.concat([group, beside])),
                chart=strip(pd.concat([group, beside]), "R² of the ball's place"),
                alt=f"Strip chart of R² of the ball's place for "
                f"{counted(rows, 'untrained network')} in "
                f"{game}. Highest {best.index[0]}, {best.iloc[0]:.2f}; lowest {best.index[-1]}, "
                f"{best.iloc[-1]:.2f}.",
                caption=f"Mean of x and y; 1 is perfect, 0 is chance. Ridge regression on the last "
                f"features, {_listed('unseen episodes', arm_said(game, condition))}, "
                f"width {width}. A dot is a seed; the bar is the mean "
                f"and its 95 % t interval over seeds (from three seeds on); "
                f"{seeds_said(group)}. {blind}{own}Data {fingerprint}.",
            )
        )
    return Drawn(tuple(panels))


def trained_place(trained: Iterable[Mapping[str, Any]], only: Collection[str] = ()) -> Drawn:
    """Draw how far off networks are that were trained to say where the ball is.

    Args:
        trained: Rows of networks trained without a game, as `reporting.gather` has them.
        only: Rows of the zoo, at any width; all where none is named.
    """
    found = _only(with_width(errors(trained)), only)
    if found.empty:
        return absent("Networks trained to say where the ball is: their error, by row", *WHERE)
    panels = []
    for key, group in found.groupby(list(ONE_REGIME), sort=True):
        game, condition, budget, fingerprint, width = key
        best = group.groupby("row")["value"].median().sort_values()
        panels.append(
            Panel(
                name=slug("trained-place", game, condition),
                title="Trained for just that: how far off networks say the ball is "
                f"({str(game).capitalize()})",
                pooling=kind_labels(group),
                chart=strip(group, "error, screen px (logarithmic)", log=True),
                alt=f"Strip chart of the error of the ball's place for "
                f"{counted(len(best), 'trained network')} in {game}, logarithmic. Least "
                f"{best.index[0]}, {best.iloc[0]:.2g} px; most {best.index[-1]}, "
                f"{best.iloc[-1]:.2g} px.",
                caption="Root mean square error over x and y on "
                f"{_listed('unseen scenes', arm_said(str(game), str(condition)))}; who "
                f"always says the middle is off by {group['guess'].median():.1f} px. Width "
                f"{width}, {budget:,} updates, each row at a learning rate chosen on other seeds. "
                f"A dot is a seed; the bar is the geometric mean and its 95 % t interval over "
                f"seeds (from three seeds on); {seeds_said(group)}. Task {fingerprint}.",
            )
        )
    return Drawn(tuple(panels))


def errors(trained: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the error of each network trained on WHERE that is judged, a line each.

    Args:
        trained: Rows of networks trained without a game, as `reporting.gather` has them.

    Returns:
        Columns `row`, `seed`, `value` and `guess` (screen px; the error, and that of always saying
        the mean), `pooling`, `pooling_kind`, `commit`, `game`,
        `condition`, `budget` (updates), `fingerprint`.
    """
    lines = []
    for row in trained:
        if (row["stage"], row["task"]) != ("tuned", "where"):
            continue
        kind = kind_of(str(row["row"]))
        lines.append(
            {name: row[name] for name in ("row", "seed", "commit", "game", "condition")}
            | {"value": float(row["rmse_px"]), "guess": _guess(row)}
            | {"budget": int(row["settings"]["updates"])}
            | {"fingerprint": row["fingerprint"], "pooling": LABELS[kind], "pooling_kind": kind}
        )
    columns = ["row", "seed", "commit", "game", "condition", "value", "guess", "budget"]
    return pd.DataFrame(lines, columns=[*columns, "fingerprint", "pooling", "pooling_kind"])


def _guess(row: Mapping[str, Any]) -> float:
    """Return the error of always saying the mean, from errors and R² of x and y."""
    squares = [
        float(row[f"rmse_{axis}_px"]) ** 2 / (1 - float(row[f"r2_{axis}"]))
        for axis in "xy"
        if float(row[f"r2_{axis}"]) < 1
    ]
    return math.sqrt(sum(squares) / len(squares)) if squares else math.nan


def _listed(*words: str) -> str:
    return ", ".join(filter(None, words))


def _only(found: pd.DataFrame, rows: Collection[str]) -> pd.DataFrame:
    if not rows:
        return found
    return found[found["row"].map(lambda row: row.partition("@")[0] in rows).astype(bool)]


def scores(runs: Sequence[Run]) -> Panel:
    """Return the mean scores of agents, a line a row of the zoo.

    Args:
        runs: Scored agents of one game, budget, training and protocol; at least one.
    """
    first = runs[0]
    table = pd.DataFrame(
        [
            {**identity(run), "value": float(run.scores["mean"])}
            for run in runs
            if run.scores is not None and run.scores["mean"] is not None
        ]
    )
    protocol = (first.scores or {})["fingerprint"]
    means = table.groupby("row")["value"].mean().sort_values(ascending=False)
    return Panel(
        name=slug("scores", first.game, first.steps, first.training, protocol),
        title=f"{first.game.capitalize()}: mean raw score of each agent",
        pooling=kind_labels(table),
        chart=strip(table, "mean raw score of whole games", _ends(first.game)),
        alt=f"Strip chart of the mean raw score of {counted(len(table), 'agent')} of "
        f"{counted(len(means), 'row')} in {first.game}. Highest {means.index[0]}, "
        f"{means.iloc[0]:.1f}; lowest {means.index[-1]}, "
        f"{means.iloc[-1]:.1f}.",
        caption=f"A dot is an agent; the bar is the mean over seeds and its 95 % t interval (from "
        f"three seeds on); {seeds_said(table)}. {first.steps:,} agent steps; protocol "
        f"{protocol}, training "
        f"{first.training}.",
    )


def _ends(game: str) -> tuple[float, ...]:
    """Return what random play and a good player score, as far as that is known."""
    found = find(game)
    return tuple(e for e in (found.random_score, found.reference_score) if e is not None)


def strip(
    group: pd.DataFrame, title: str, shows: Sequence[float] = (0.0,), *, log: bool = False
) -> AnyChart:
    """Return a chart with a line for each row, best first.

    Args:
        group: Columns `row`, `pooling`, `seed`, `value`, `commit`.
        title: Of the x axis.
        shows: What the x axis has to reach to, whatever the values are.
        log: Whether values are errors, above 0: a logarithmic axis, the least first, geometric
            means. `shows` has no say then.
    """
    means = summary(group, ["row", "pooling"])
    if log:
        shows = ()
        means = summary(group.assign(value=np.log(group["value"])), ["row", "pooling"])
        means = means.assign(**{end: np.exp(means[end]) for end in ("mean", "low", "high")})
    reached = [*shows, *group["value"], *means["low"].dropna(), *means["high"].dropna()]
    kind: Literal["log", "linear"] = "log" if log else "linear"
    room = 1.2 if log else 1  # a nice logarithmic axis would end at powers of ten
    domain = [min(reached) / room, max(reached) * room]
    scale = alt.Scale(type=kind, domain=domain, nice=not log)

    def x(column: str) -> alt.X:
        axis = alt.Axis(values=[*DECADES]) if log else alt.Axis(tickCount=6)
        return alt.X(f"{column}:Q", title=title, scale=scale, axis=axis)

    return rows_of_dots(group, means.sort_values("mean", ascending=log), x, "mean")


def rows_of_dots(
    group: pd.DataFrame, centres: pd.DataFrame, x: Callable[[str], alt.X], centre: str
) -> AnyChart:
    """Return a line for each row: a dot for each seed, a bar for what is in their middle.

    A column that has another one beside it, with `_said` behind its name, is told by that one.

    Args:
        group: Columns `row`, `pooling`, `seed`, `value`, `commit`.
        centres: Columns `row`, `pooling`, `low`, `high`, `seeds` and the centre; a line for each
            row, from the top.
        x: The axis of a column.
        centre: Column of what is in the middle.
    """
    order: Sequence[str] = centres["row"].tolist()
    y = alt.Y("row:N", sort=[*order], title=None)

    def told(of: pd.DataFrame, column: str) -> alt.Tooltip:
        text = f"{column}_said"
        return alt.Tooltip(f"{text}:N" if text in of else f"{column}:Q", title=column)

    shown = tidy(centres, centres.columns.tolist())
    row_height = ROW_HEIGHT if len(order) <= MANY_ROWS else DENSE_HEIGHT
    numbers = [told(shown, column) for column in (centre, "low", "high")]
    ticks = alt.Chart(shown).mark_tick(thickness=3, size=row_height - 6).encode(
        y=y, x=x(centre), color=kind_colour(group), tooltip=["row:N", *numbers, "seeds:Q"]
    )  # fmt: skip
    layers: list[alt.Chart] = [ticks]
    spans = shown[shown["low"].notna()]
    if len(spans):
        rules = alt.Chart(spans).mark_rule(size=3, opacity=0.9)
        layers.insert(0, rules.encode(y=y, x=x("low"), x2="high:Q", color=kind_colour(group)))
    if len(group) <= MOST_DOTS:
        columns = ["row", "pooling", "seed", "value", "value_said", "commit"]
        dots = tidy(group, [column for column in columns if column in group])
        layers.insert(
            0,
            alt.Chart(dots)
            .mark_point(filled=True, opacity=0.35, size=36)
            .encode(
                y=y,
                x=x("value"),
                color=kind_colour(group),
                shape=kind_shape(group),
                tooltip=["row:N", "seed:O", told(dots, "value"), "commit:N"],
            ),
        )
    height = max(90, row_height * len(order))
    return alt.layer(*layers).properties(height=height)
