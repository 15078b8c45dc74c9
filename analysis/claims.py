"""The twenty claims, and the one function from measurements to verdicts.

The claims were registered before any result: their thresholds are never edited. A change is a new
version of the claim with its reason, and `tests/analysis/test_claims.py` holds both to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.claim import GAMES, Claim, Part
from analysis.claims_1_to_10 import CLAIMS_1_TO_10
from analysis.claims_11_to_15 import CLAIMS_11_TO_15
from analysis.claims_16_to_20 import CLAIMS_16_TO_20
from analysis.measurements import Measurement
from analysis.verdicts.evidence import Evidence, weigh
from analysis.verdicts.rules import ALPHA, Guard, Verdict, holm
from analysis.verdicts.selection import Index

CLAIMS: tuple[Claim, ...] = (*CLAIMS_1_TO_10, *CLAIMS_11_TO_15, *CLAIMS_16_TO_20)
"""All of them, by number."""

REGISTERED = "238329c"
"""The commit in which the claims and their thresholds were written down, before any result."""


@dataclass(frozen=True)
class Finding:
    """One verdict.

    Attributes:
        claim: The claim.
        part: The part of it.
        game: The game; empty for arithmetic.
        replication: Whether another game decides.
        verdict: The verdict.
        evidence: What it rests on.
        fired: Guards that held it back.
    """

    claim: Claim
    part: Part
    game: str
    replication: bool
    verdict: Verdict
    evidence: Evidence
    fired: tuple[Guard, ...]


def decide(measurements: Iterable[Measurement], claims: Sequence[Claim] = CLAIMS) -> list[Finding]:
    """Return the verdict on every part of every claim, and on replications that were begun.

    Args:
        measurements: All there are, of whatever regimes, games and budgets; they are not mixed.
        claims: Those to decide. A primary one that is left out counts as not measured.
    """
    index = Index(measurements)
    weighed = [
        (claim, part, rank, game, weigh(claim, part, game, index))
        for claim in claims
        for part in claim.parts
        for rank, game in enumerate(part.games)
    ]
    # The family: the five primary parts, each in the game that decides it; the replications of
    # one rank make a family of the same size.
    adjusted = {}
    for r in range(max(map(len, GAMES.values()))):
        family = {p.id: 1.0 for c in CLAIMS if c.primary for p in c.parts}
        family |= {p.id: e.p_value for c, p, rank, _, e in weighed if c.primary and rank == r}
        adjusted[r] = holm(family)
    findings = []
    for claim, part, rank, game, evidence in weighed:
        if rank and not _begun(evidence, index):
            continue
        says, fired = evidence.verdict, evidence.fired
        p = adjusted[rank][part.id] if claim.primary else 0.0
        if says in ("supported", "refuted") and p > ALPHA:
            guard = Guard("Holm", False, f"p = {p:.3f} as one of {len(adjusted[rank])} primaries")
            says, fired = "inconclusive", (*fired, guard)
        findings.append(Finding(claim, part, game, rank > 0, says, evidence, fired))
    return findings


def _begun(evidence: Evidence, index: Index) -> bool:
    return any(index.values(cell, evidence.setting) for cell in evidence.part.cells)


def claims_table(measurements: Iterable[Measurement]) -> list[dict[str, Any]]:
    """Return what `python evaluate.py --claims --json` prints: plain data, strict JSON.

    Each object has `id`, `claim`, `regime`, `verdict`, `effect` and `interval` (of the quantity
    named in `quantity`, on which the verdict hangs), `seeds`, `needs`; beside them `game`, `width`,
    `budget`, `version`, `primary`, `replication`, `held_back`, `quantities` and `note`. Infinite
    numbers are the words `inf` and `-inf`; what is undefined is null.
    """
    return [_record(finding) for finding in decide(measurements)]


def _record(finding: Finding) -> dict[str, Any]:
    evidence, part = finding.evidence, finding.part
    headline = evidence.headline
    numbers = {
        q: {"effect": _plain(s.effect), "interval": [_plain(x) for x in s.interval()]}
        for q, s in evidence.found.items()
    }
    shown = numbers[headline] if headline is not None else {"effect": None, "interval": None}
    return {
        "id": part.id,
        "claim": finding.claim.text + (f" ({part.text})" if part.text else ""),
        "regime": part.regime,
        "verdict": finding.verdict,
        **shown,
        "seeds": evidence.seeds,
        "needs": list(evidence.needs),
        "game": finding.game,
        "width": evidence.setting.width,
        "budget": evidence.setting.budget,
        "version": finding.claim.version,
        "primary": finding.claim.primary,
        "replication": finding.replication,
        "quantity": None if headline is None else str(headline),
        "held_back": [f"{guard.name}: {guard.reason}" for guard in finding.fired],
        "quantities": [{"quantity": str(q), **made} for q, made in numbers.items()],
        "note": part.note,
    }


def _plain(number: Any) -> float | str | None:
    value = float(number)
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)
