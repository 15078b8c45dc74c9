"""The answer first: what is decided, what is not, and the figure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.claims import CLAIMS
from analysis.measurements import MEASURES, REFERENCES
from commandline import counted
from reporting.charts import answer as chart
from reporting.charts.panel import Drawn
from reporting.charts.strips import (
    ONE_REGIME,
    errors,
    trained_place,
    untrained_place,
    with_width,
)
from reporting.charts.verdicts import VERDICTS
from reporting.claims_table import numbers
from reporting.gather import Gathered
from reporting.sections.section import Section, drawing, joined, piece, text

FIRST: Mapping[str, str] = {
    "nature": "behind strides alone",
    "half_max": "behind local max-pooling",
    "half_avg": "behind local mean-pooling",
    "gap": "behind a global mean",
    "gmp": "behind a global maximum",
}
"""Rows that the report begins with as long as there is no figure, and what is in them."""


@dataclass(frozen=True)
class Answer:
    """The words above the figure.

    Attributes:
        lead: The answer in a sentence.
        decided: Verdict, number of the claim, text, numbers and what they are of whatever else is
            decided.
        tally: Verdicts and how many there are of each, in the games that decide.
    """

    lead: str
    decided: tuple[tuple[str, int, str, str, str], ...]
    tally: tuple[tuple[str, int], ...]


def answer(gathered: Gathered) -> Section:
    """Return the section with which the report begins."""
    figure = chart.figure(gathered.measurements)
    said = words(gathered.verdicts)
    parts = [piece("answer", said)]
    if figure.panels:
        parts += [piece("heading", chart.TITLE), drawing(Drawn(figure.panels))]
    else:
        seen = (
            (after_training(gathered.trained), trained_place(gathered.trained, FIRST)),
            (
                before_training(gathered.measurements),
                untrained_place(gathered.measurements, FIRST),
            ),
        )
        for sentence, drawn in seen:
            if drawn.panels:
                parts += [text(sentence), drawing(drawn)]
    parts += [piece("decided", said.decided), drawing(Drawn(missing=figure.missing))]
    return Section("The answer so far", "answer", joined(*parts))


def after_training(trained: Iterable[Mapping[str, Any]]) -> str:
    """Say in a sentence how far off networks are that were trained to say where the ball is.

    Args:
        trained: Rows of networks trained without a game, as `reporting.gather` has them.
    """
    where, said = _said(errors(trained), lambda px: f"{np.exp(np.log(px).mean()):.2g} px")
    return (
        "What can be seen already: how far off networks are that were trained for nothing but "
        f"saying where the ball is ({where}): {said}. Whether it pays, the figure will say."
    )


def before_training(measurements: pd.DataFrame) -> str:
    """Say in a sentence what random weights show.

    Args:
        measurements: Of all regimes, as `reporting.gather` has them.
    """
    asked = (measurements["measure"] == "where_r2") & (measurements["regime"] == "untrained")
    asked &= ~measurements["row"].isin([*REFERENCES])  # pixels are no network
    where, said = _said(measurements[asked], lambda values: f"{values.mean():.2f}")
    return (
        "Before any training, how much of the ball's place a linear read-out finds in what a "
        f"network with random weights makes of the picture ({where}; R²: 1 is all, 0 none): {said}."
    )


def _said(table: pd.DataFrame, mean: Callable[[pd.Series], str]) -> tuple[str, str]:
    """Say of which networks, and a number of each of the rows that come first.

    Numbers that were made in different ways are never put together: of several ways it is the one
    with most networks.
    """
    if table.empty:
        return "", ""
    ways = with_width(table).groupby(list(ONE_REGIME), sort=True)
    (game, _, _, _, width), alike = max(ways, key=lambda way: len(way[1]))
    base = alike["row"].map(lambda row: row.partition("@")[0])
    numbers = "; ".join(
        f"{how} {mean(alike[base == row]['value'])} ({row}, "
        f"{counted(int((base == row).sum()), 'network')})"
        for row, how in FIRST.items()
        if (base == row).any()
    )
    return f"{str(game).capitalize()}, width {width}", numbers


def words(records: Sequence[Mapping[str, Any]]) -> Answer:
    """Return what the verdicts say, in words.

    Args:
        records: From `analysis.claims.claims_table`.
    """
    deciding = [r for r in records if not r["replication"]]
    tally = tuple((v, sum(r["verdict"] == v for r in deciding)) for v in VERDICTS)
    primary = [r for r in deciding if r["primary"]]
    settled = [r for r in primary if r["verdict"] in ("supported", "refuted")]
    if not settled:
        waiting = sum(r["verdict"] == "not measured" for r in primary)
        state = (
            f"none of the {len(primary)} primary verdicts has been measured"
            if waiting == len(primary)
            else f"of the {len(primary)} primary verdicts {len(primary) - waiting} are "
            f"inconclusive and {waiting} not measured"
        )
        lead = (
            "Whether pooling costs a network the ball's place, and the lost place its reward, is "
            f"not decided yet: {state}."
        )
    else:
        lead = " ".join(_sentence(r) for r in settled)
        if rest := [r["id"] for r in primary if r not in settled]:
            lead += f" Not decided: {', '.join(rest)}."
    others = [r for r in deciding if not r["primary"] and r["verdict"] in ("supported", "refuted")]
    return Answer(lead, tuple(map(_decided, others)), tally)


def _sentence(record: Mapping[str, Any]) -> str:
    return f"{record['id']}, “{record['claim'].rstrip('.')}”: {record['verdict']}."


def _decided(record: Mapping[str, Any]) -> tuple[str, int, str, str, str]:
    claim = next(c for c in CLAIMS if any(p.id == record["id"] for p in c.parts))
    quantity = str(record["quantity"])
    measure = re.split(r"\W", quantity, maxsplit=1)[0]
    meaning = f" ({MEASURES[measure].meaning})" if measure in MEASURES else ""
    said = f"{record['id']}: {record['claim']}"
    return record["verdict"], claim.number, said, numbers(record), f"{quantity}{meaning}"
