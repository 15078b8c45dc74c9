"""What networks know of place: by layer, by distance, on the playfield, against identity."""

from __future__ import annotations

from markupsafe import Markup

from reporting.charts import distance, maps
from reporting.charts.dissociation import what_and_where
from reporting.charts.place import read_outs
from reporting.charts.strips import trained_place, untrained_place
from reporting.gather import Gathered
from reporting.sections.section import Section, Table, drawing, joined, table, text


def layers(gathered: Gathered) -> Section:
    """Return the section of read-outs, of agents by layer and of what never played by row."""
    told = "How well the ball's place can be read off, on teleported pictures only."
    without_play = [
        drawing(trained_place(gathered.trained)),
        drawing(untrained_place(gathered.measurements)),
    ]
    return Section(
        "Where is the ball? By layer",
        "place",
        joined(text(told), drawing(read_outs(gathered)), *without_play),
    )


def noticed(gathered: Gathered) -> Section:
    """Return the section of displacement, d′ and JND."""
    told = (
        "How far the ball has to move before the last features tell: the just noticeable "
        "difference (JND), the d′ it is read off, and how much the features change at all. The "
        "sham moves the whole screen instead."
    )
    curves = distance.sensitivity(gathered) + distance.displacement(gathered)
    thresholds = drawing(distance.thresholds(gathered.measurements))
    body = joined(text(told), thresholds, drawing(curves), *_shams(gathered))
    return Section("How far until it notices?", "distance", body)


def _shams(gathered: Gathered) -> list[Markup]:
    """Return a table of each game and way of training: agents down, shams across."""
    columns = ("quantity", "layer", "sham", "value")
    keep = {"layer": ("features", "outputs"), "quantity": ("change", "change_over_sd")}
    found = gathered.table("shams", columns, keep)
    tables = []
    of_one = ["game", "training", "budget", "study"]
    for (game, training, budget, study), group in found.groupby(of_one):
        names = [*group["sham"].unique()]
        features = group[(group["layer"] == "features") & (group["quantity"] == "change")]
        q = group[group["quantity"] == "change_over_sd"]
        rows = []
        for (row, seed), of in features.groupby(["row", "seed"], sort=True):
            mine = q[(q["row"] == row) & (q["seed"] == seed)].set_index("sham")["value"]
            seen = of.set_index("sham")["value"]
            both = (f"{seen[n]:.2f} / {mine[n]:.2f}".replace("nan", "–") for n in names)
            rows.append((f"{row}/seed{seed}", *both))
        tables.append(
            table(
                Table(
                    ("agent", *(f"#{name}" for name in names)),
                    rows,
                    caption=f"Shams in {str(game).capitalize()}: what changes when one thing, or "
                    "nothing, is changed",
                    note="Change of the last features over their response to the ball / change of "
                    "the action values over their spread. “own place” and “pasted” have to be 0. "
                    f"Study {study}, budget {budget:,} agent steps, training {training}.",
                    wide=True,
                )
            )
        )
    return tables


def worth(gathered: Gathered) -> Section:
    """Return the section of do-maps beside value maps."""
    told = (
        "Two maps of each agent: what the next point is worth if the ball is put there and play "
        "goes on, and what the agent expects at the very same pictures. Paddles are drawn where "
        "they usually are."
    )
    body = joined(text(told), drawing(maps.worth_and_value(gathered)))
    return Section("What a place is worth, and what is expected", "worth", body)


def rewards(gathered: Gathered) -> Section:
    """Return the section of reward by ball position."""
    told = (
        "The agents' own games, by where the ball was and which way it went: mean raw reward "
        "until the next point or lost life. Interval (over games), the immediate reward and "
        "counts are under the pointer."
    )
    body = joined(text(told), drawing(maps.rewards(gathered)))
    return Section("Reward by ball position", "rewards", body)


def dissociation(gathered: Gathered) -> Section:
    """Return the section of WHAT against WHERE."""
    return Section("What and where", "what", drawing(what_and_where(gathered.measurements)))
