"""The answer first: what is decided, what is not, and the figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.claims import CLAIMS
from reporting.charts import answer as chart
from reporting.charts.strips import untrained_place
from reporting.charts.verdicts import VERDICTS
from reporting.claims_table import interval, number
from reporting.gather import Gathered
from reporting.sections.section import Section, drawing, joined, piece, text


@dataclass(frozen=True)
class Answer:
    """The words above the figure.

    Attributes:
        lead: The answer in a sentence.
        decided: Verdict, number of the claim, text and numbers of whatever else is decided.
        tally: Verdicts and how many there are of each, in the games that decide.
    """

    lead: str
    decided: tuple[tuple[str, int, str, str], ...]
    tally: tuple[tuple[str, int], ...]


def answer(gathered: Gathered) -> Section:
    """Return the section with which the report begins."""
    figure = chart.figure(gathered.measurements)
    said = words(gathered.verdicts)
    parts = [piece("answer", said)]
    if figure.panels:
        parts.append(piece("heading", chart.TITLE))
    parts.append(drawing(figure))
    if not figure.panels:
        untrained = untrained_place(gathered.measurements)
        if untrained.panels:
            told = "Until then, what can be seen already: networks before any training."
            parts += [text(told), drawing(untrained)]
    parts.append(piece("decided", said.decided))
    return Section("The answer so far", "answer", joined(*parts))


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


def _decided(record: Mapping[str, Any]) -> tuple[str, int, str, str]:
    claim = next(c for c in CLAIMS if any(p.id == record["id"] for p in c.parts))
    seeds = "exact" if record["regime"] == "arithmetic" else f"{record['seeds']} seeds"
    numbers = f"{number(record['effect'])} {interval(record['interval'])} · {seeds}"
    return record["verdict"], claim.number, f"{record['id']}: {record['claim']}", numbers
