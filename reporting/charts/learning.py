"""Learning curves: of agents over agent steps, of networks trained without a game over updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from commandline import counted
from reporting.charts.lines import Axes, intervals_said, lines
from reporting.charts.panel import (
    AnyChart,
    Drawn,
    Panel,
    absent,
    arm_said,
    kind_labels,
    seeds_said,
    slug,
    tidy,
)
from reporting.commands import FIGURE, TRAIN
from reporting.palette import LABELS, kind_of
from reporting.runs import Run, identity

WATCHED = ("eval_epsilon", "eval_games", "sticky")
"""Settings that say how a point of a learning curve was made, beside how the agent was trained."""


def curves(runs: Sequence[Run]) -> Drawn:
    """Draw the learning curves of agents: one chart for each study, game, budget and training.

    Args:
        runs: Agents, finished or not; none of those that only chose a learning rate.
    """
    groups: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        if run.curve:
            how = tuple(run.settings.get(name) for name in WATCHED)
            key = (run.study, run.game, run.settings.get("steps"), run.training, *how)
            groups.setdefault(key, []).append(run)
    if not groups:
        return absent("Learning curves of agents", TRAIN)
    return Drawn(tuple(_of_agents(key, members) for key, members in groups.items()))


def _of_agents(key: tuple[object, ...], runs: Sequence[Run]) -> Panel:
    study, game, steps, training, epsilon, games, sticky = key
    table = pd.DataFrame(
        [
            {**identity(run), "agent_steps": step, "value": score}
            for run in runs
            for step, score, _ in run.curve
        ]
    )
    rows = table["row"].nunique()
    last = table[table["agent_steps"] == table["agent_steps"].max()]
    return Panel(
        name=slug("learning", game, steps),
        title=f"{str(game).capitalize()}: raw score of scheduled evaluations",
        pooling=kind_labels(table),
        chart=lines(table, Axes("agent_steps", "agent steps", "raw score, whole games")),
        alt=f"Learning curves of {counted(rows, 'network')} in {game}, "
        f"{counted(len(runs), 'run')}. Mean score at the "
        f"last step shown: {last['value'].mean():.1f}.",
        caption=f"{intervals_said(table, 'agent_steps')} {seeds_said(table)}. Each point is "
        f"{games} whole games at epsilon {epsilon}, sticky {sticky}; "
        f"budget {steps:,} agent steps; study {study}, training {training}.",
    )


def rates(rows: Sequence[Mapping[str, Any]]) -> Drawn:
    """Draw how the learning rate of each row was chosen.

    Args:
        rows: Published rows of trainings; those of the stage `tuning` are drawn.
    """
    groups: dict[tuple[str, str, str, int, str], list[dict[str, object]]] = {}
    for row in rows:
        if row["stage"] == "tuning":
            settings = row["settings"]
            key = (row["task"], row["condition"], row["game"], int(settings["updates"]),
                   row["fingerprint"])  # fmt: skip
            groups.setdefault(key, []).append(
                {
                    "row": row["row"],
                    "seed": row["seed"],
                    "commit": row["commit"],
                    "pooling": LABELS[kind_of(row["row"])],
                    "learning_rate": float(settings["learning_rate"]),
                    "value": float(row["best_validation_skill"]),
                }
            )
    if not groups:
        return absent("How learning rates were chosen", FIGURE[0])
    panels = []
    for (task, condition, game, updates, fingerprint), records in sorted(groups.items()):
        table = pd.DataFrame(records)
        means = table.groupby(["row", "learning_rate"], as_index=False).agg(
            skill=("value", "mean"), seeds=("seed", "nunique"), commits=("commit", _listed)
        )
        best = means.loc[means.groupby("row")["skill"].idxmax()]
        counts = sorted(set(means["seeds"]))
        said_seeds = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1])))) + (
            " seed a cell" if counts[-1] == 1 else " seeds a cell"
        )
        said = ", ".join(f"{b.row} {b.learning_rate:g}" for b in best.itertuples())
        panels.append(
            Panel(
                name=slug("rates", task, condition, game, updates, fingerprint),
                title=f"Learning rates tried for {task.upper()}, {updates:,} updates "
                f"({str(game).capitalize()})",
                chart=_grid(means),
                alt=f"Grid of best validation skill by row and learning rate. Best: {said}.",
                caption=f"Best skill on validation data, mean over seeds; 1 is perfect, 0 chance. "
                f"{said_seeds}, on seeds of their own that are never judged. Made by "
                f"{fingerprint}.",
            )
        )
    return Drawn(tuple(panels))


def _listed(commits: pd.Series) -> str:
    return ", ".join(sorted(set(commits)))


def _grid(means: pd.DataFrame) -> AnyChart:
    """Return a grid with a number in each cell, the rows that do best on top."""
    order = means.groupby("row")["skill"].max().sort_values(ascending=False).index.tolist()
    shown = tidy(means, ["row", "learning_rate", "skill", "seeds", "commits"])
    # 3e-5: on a phone a column has no room for 0.00003.
    tried = alt.Axis(labelAngle=0, labelExpr="format(datum.value, '.0e')", labelOverlap=False)
    base = alt.Chart(shown).encode(
        x=alt.X("learning_rate:O", title="learning rate", axis=tried),
        y=alt.Y("row:N", sort=order, title=None),
        tooltip=["row:N", "learning_rate:O", "skill:Q", "seeds:Q", "commits:N"],
    )
    scale = alt.Scale(domain=[0, 1], range=["#EFEFEF", "#0072B2"], interpolate="rgb", clamp=True)
    ink = alt.condition("datum.skill > 0.6", alt.value("#FFFFFF"), alt.value("#222222"))
    return alt.layer(
        base.mark_rect().encode(color=alt.Color("skill:Q", scale=scale, legend=None)),
        base.mark_text(fontSize=12).encode(text=alt.Text("skill:Q", format=".2f"), color=ink),
    ).properties(height=max(90, 26 * len(order)))


def trained(rows: Sequence[Mapping[str, Any]], stage: str = "tuned") -> Drawn:
    """Draw the learning curves of networks trained without a game.

    Args:
        rows: Published rows of trainings.
        stage: `tuned` or `common`; they are never mixed.
    """
    groups: dict[tuple[str, str, str, int, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["stage"] == stage:
            updates = int(row["settings"]["updates"])
            key = (row["task"], row["condition"], row["game"], updates, row["fingerprint"])
            groups.setdefault(key, []).append(row)
    if not groups:
        return absent("Learning curves of networks trained without a game", *FIGURE)
    return Drawn(tuple(_of_networks(key, members) for key, members in sorted(groups.items())))


def _of_networks(
    key: tuple[str, str, str, int, str], members: Sequence[Mapping[str, Any]]
) -> Panel:
    task, condition, game, updates, fingerprint = key
    records = []
    for member in members:
        columns = list(member["columns"])
        update, skill = columns.index("update"), columns.index("skill")
        label = LABELS[kind_of(member["row"])]
        whose = {"row": member["row"], "seed": member["seed"], "commit": member["commit"]}
        records += [
            {**whose, "pooling": label, "updates": point[update], "value": point[skill]}
            for point in member["curve"]
        ]
    table = pd.DataFrame(records)
    rows = table["row"].nunique()
    arm = arm_said(game, condition)
    asked = f"{task.upper()}, {arm}" if arm else task.upper()
    return Panel(
        name=slug("trained", task, condition, game, updates, fingerprint),
        title=f"Trained without a game, on {asked} ({str(game).capitalize()})",
        pooling=kind_labels(table),
        chart=lines(
            table, Axes("updates", "updates", "skill on validation data", y_range=(-0.2, 1))
        ),
        alt=f"Learning curves of {counted(rows, 'network')} trained on {task} in {game}: skill "
        "over updates.",
        caption=f"Skill is 0 at chance and 1 if perfect. {intervals_said(table, 'updates')} "
        f"{seeds_said(table)}. {updates:,} updates; data and training {fingerprint}.",
    )
