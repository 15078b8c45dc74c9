"""Every claim with its verdicts, what they rest on, and the command that would complete them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.claim import Claim, Part
from analysis.claims import CLAIMS, REGISTERED
from analysis.verdicts.rules import Regime
from commandline import counted
from reporting.charts.panel import budget_said
from reporting.charts.verdicts import overview
from reporting.claims_table import interval, number, numbers
from reporting.commands import for_part
from reporting.gather import Gathered
from reporting.sections.section import Section, drawing, joined, piece, text

MOST_NEEDS = 12
"""Missing cells listed for one verdict; the command is for all of them."""

REGIMES: Mapping[Regime, str] = {
    "untrained": "random weights",
    "supervised": "trained without a game",
    "reinforcement": "trained by playing",
    "game": "the game itself",
    "arithmetic": "arithmetic",
}
"""What people call the regimes."""


@dataclass(frozen=True)
class ShownPart:
    """One verdict as the page shows it; all text.

    Attributes:
        id: The part's.
        text: What sets it apart, and where it was decided.
        verdict: The verdict.
        numbers: Effect, interval and seeds.
        facts: Names and values, in order.
        purpose: What the commands do.
        commands: A line each.
    """

    id: str
    text: str
    verdict: str
    numbers: str
    facts: tuple[tuple[str, str], ...]
    purpose: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class ShownClaim:
    """One claim as the page shows it; `change` says what its version is for, if not the first."""

    number: int
    text: str
    primary: bool
    parts: tuple[ShownPart, ...]
    change: str = ""


def claims(gathered: Gathered) -> Section:
    """Return the section with all claims."""
    records = gathered.verdicts
    glance = overview(numbered(records), {c.number: c.text for c in CLAIMS}, halves=True)
    told = text(
        f"The claims and their thresholds were registered in commit {REGISTERED}, before any "
        f"result{changes(CLAIMS)}; docs/claims.md shows them. ★ marks a primary "
        "claim. Effect and 95 % interval are of the quantity on which the verdict hangs, over "
        "seeds. Open a line for what supports and what refutes it, what it lacks, and the command."
    )
    shown = [piece("claim", shown_claim(claim, records)) for claim in CLAIMS]
    return Section("The claims", "claims", joined(told, drawing(glance), *shown))


def changes(of: Sequence[Claim]) -> str:
    """Say what became of claims since they were registered, to go on a sentence."""
    changed = [str(claim.number) for claim in of if claim.version > 1]
    if not changed:
        return ", and have not been changed since"
    return f"; changed since, each for the reason that stands there: {', '.join(changed)}"


def numbered(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the records with the number of their claim."""
    return [{**r, "number": _owner(r)[0].number} for r in records]


def shown_claim(claim: Claim, records: Sequence[Mapping[str, Any]]) -> ShownClaim:
    """Return one claim with all its verdicts, replications behind what they replicate."""
    parts = []
    for record in records:
        owner, part = _owner(record)
        if owner is claim:
            parts.append(_shown(part, record))
    change = f"Version {claim.version}: {claim.reason}" if claim.version > 1 else ""
    return ShownClaim(claim.number, claim.text, claim.primary, tuple(parts), change)


def _owner(record: Mapping[str, Any]) -> tuple[Claim, Part]:
    """Return the claim and the part of a record; ids recur between regimes."""
    for claim in CLAIMS:
        for part in claim.parts:
            if (part.id, part.regime) == (record["id"], record["regime"]):
                return claim, part
    raise KeyError(record["id"])


def _shown(part: Part, record: Mapping[str, Any]) -> ShownPart:
    exact = part.regime == "arithmetic"
    where = ", ".join(filter(None, (REGIMES[part.regime], str(record["game"]).capitalize())))
    said = f"{part.text} · {where}" if part.text else where
    if record["replication"]:
        said += " · replication"
    measured = bool(record["quantities"])
    commands = for_part(part, record)
    done = exact or (measured and not record["needs"])
    return ShownPart(
        id=record["id"],
        text=said,
        verdict=record["verdict"],
        numbers=numbers(record) if measured else counted(record["seeds"], "seed"),
        facts=tuple(_facts(part, record)),
        purpose="Shown by" if done else "Completed by",
        commands=commands,
    )


def _facts(part: Part, record: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    needs = list(record["needs"])
    more = f"; and {len(needs) - MOST_NEEDS} more" if len(needs) > MOST_NEEDS else ""
    facts = [
        ("hangs on", record["quantity"] or ""),
        ("at", _made_at(part.regime, record)),
        ("supported if", str(part.supported)),
        ("refuted if", str(part.refuted)),
        ("held back by", "; ".join(record["held_back"])),
        ("lacks", "; ".join(needs[:MOST_NEEDS]) + more),
        ("note", part.note),
    ]
    quantities = [
        f"{q['quantity']}: {number(q['effect'])} {interval(q['interval'])}"
        for q in record["quantities"]
    ]
    if len(quantities) > 1:
        facts.insert(2, ("all numbers", "; ".join(quantities)))
    return [(name, value) for name, value in facts if value]


def _made_at(regime: Regime, record: Mapping[str, Any]) -> str:
    """Say at which width and budget networks were measured; empty where there were none."""
    if not record["quantities"] or regime in ("game", "arithmetic"):
        return ""
    budget = budget_said(regime, record["budget"])
    return ", ".join(filter(None, (f"width {record['width']:g}", budget)))
