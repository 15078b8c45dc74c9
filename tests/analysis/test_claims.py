"""The twenty claims as data: complete, about things that exist, and never edited in silence."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from agents.architectures import find
from agents.geometry import ledger
from analysis.claim import CHECKS, SOURCES, Part
from analysis.claims import CLAIMS, claims_table
from analysis.claims_11_to_15 import WIDENED
from analysis.measurements import MEASURES, REFERENCES
from analysis.verdicts.decisions import Above, Below, Within, quantities, terms_of
from analysis.verdicts.evidence import fact, in_game
from analysis.verdicts.rules import SEEDS
from envs.games import GAMES
from reporting.claims_table import claims_markdown

ROOT = Path(__file__).resolve().parents[2]
PARTS = [part for claim in CLAIMS for part in claim.parts]

REGISTERED = {
    1: (1, "29d2b8d33af4"),
    2: (1, "f7390a174333"),
    3: (1, "d0b3a60b150d"),
    4: (1, "a99a2ab73c16"),
    5: (1, "6c0d8e90a050"),
    6: (1, "0d234a1b497d"),
    7: (1, "460d8215c0e6"),
    8: (1, "2459dc40ab57"),
    9: (1, "2f922e7c2746"),
    10: (1, "96bdf4fa8c19"),
    11: (1, "bf2e4e51fb6d"),
    12: (1, "ec31d8ba75ba"),
    13: (1, "6eaf9246775d"),
    14: (1, "8e5586f66c73"),
    15: (1, "487884647634"),
    16: (1, "f440b70afee5"),
    17: (1, "aaae2d43fed3"),
    18: (1, "82269bf137d1"),
    19: (1, "b81dc1298cd6"),
    20: (1, "a1992fcbb0ce"),
}
"""Claim → version and digest of what decides it. A changed digest needs a new version with its
reason; the old line stays in the history of this file."""


def digest(number: int) -> str:
    decides = [
        (
            p.id,
            p.regime,
            p.supported,
            p.refuted,
            p.assay,
            p.gain,
            p.trained,
            p.capacity,
            p.oracle,
            p.checks,
            p.only_in,
        )
        for p in CLAIMS[number - 1].parts
    ]
    text = repr((CLAIMS[number - 1].primary, decides))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def test_there_are_twenty() -> None:
    assert [claim.number for claim in CLAIMS] == list(range(1, 21))
    assert [p.id for c in CLAIMS if c.primary for p in c.parts] == ["1L", "1G", "3L", "3G", "4"]


@pytest.mark.parametrize("number", range(1, 21))
def test_what_decides_is_as_registered(number: int) -> None:
    claim = CLAIMS[number - 1]
    assert (claim.version, digest(number)) == REGISTERED[number], (
        "a changed claim needs a new version, its reason, and its own line in REGISTERED"
    )
    assert (claim.version > 1) == bool(claim.reason)


@pytest.mark.parametrize("part", PARTS, ids=lambda p: f"{p.id} {p.regime}")
def test_parts_are_about_what_exists(part: Part) -> None:
    for row in (*part.rows, *part.trained):
        assert find(row)
        assert not find(row).control, "controls are never ranked"
    assays = [c for g in part.assay.levels for c in g] if part.assay else []
    for cell in (*part.cells, *assays):
        assert cell.measure in MEASURES
        assert cell.row in REFERENCES or find(cell.row)
    assert all(c.measure in MEASURES for c in (*CHECKS[part.regime], *part.checks))
    assert part.gain == "" or part.gain in MEASURES
    assert set(part.games) <= {*GAMES, ""}
    assert part.regime in SEEDS
    assert set(part.trained) <= set(part.rows)


@pytest.mark.parametrize("part", PARTS, ids=lambda p: f"{p.id} {p.regime}")
def test_support_and_refutation_exclude_each_other(part: Part) -> None:
    for quantity in quantities(part.supported, part.refuted):
        bounds: dict[str, list[float]] = {"above": [], "below": []}
        for term in terms_of(part.supported):
            if term.quantity == quantity and not isinstance(term, Within):
                bounds["above" if isinstance(term, Above) else "below"].append(term.bound)
        for term in terms_of(part.refuted):
            if term.quantity == quantity:
                against = term.margin if isinstance(term, Within) else term.bound
                if isinstance(term, Below) and bounds["above"]:
                    assert against <= min(bounds["above"])
                if isinstance(term, Above) and bounds["below"]:
                    assert against >= max(bounds["below"])


def test_names_do_not_collide() -> None:
    keys = [(p.id, p.regime) for p in PARTS]
    assert len(keys) == len(set(keys))
    assert all(p.id.startswith(str(c.number)) for c in CLAIMS for p in c.parts)


def test_sources_exist_and_are_all_argued_with() -> None:
    assert {s for claim in CLAIMS for s in claim.sources} == set(SOURCES)
    assert all(claim.sources for claim in CLAIMS)


def test_every_regime_has_its_claims_and_refutations_their_assay() -> None:
    assert {p.regime for p in PARTS} == set(SEEDS)
    without = {p.id for p in PARTS if p.assay is None and p.regime != "arithmetic"}
    assert without == {"2", "8 nature", "8 half_max", "8 half_avg", "8 no_stride"}
    assert {p.id for p in PARTS if p.capacity} == {"1G", "3G"}
    untrained_to_a_budget = {"12c", "12d"}
    for part in PARTS:
        trained = part.regime in ("supervised", "reinforcement")
        assert bool(part.gain) == (trained and part.id not in untrained_to_a_budget), part.id
        by_reward = any(c.measure.startswith(("reward", "place_share")) for c in part.cells)
        assert part.oracle == by_reward, part.id


def test_a_verdict_on_the_reward_needs_both_arms() -> None:
    for part in PARTS:
        arms = {c.condition for c in part.cells if c.measure.startswith(("reward", "place_share"))}
        assert arms in (set(), {"held", "moved"}), part.id
        assert not {c.condition for c in in_game(part, "breakout").cells} & {"held", "moved"}


def test_arithmetic_is_decided_from_the_ledger() -> None:
    records = {r["id"]: r for r in claims_table([])}
    extra, nature = ledger(find("extra_max")), ledger(find("nature"))
    expected = {
        "12a": ("supported", extra.parameters / nature.parameters),  # 900,774 / 1,687,206
        "12b": ("refuted", 1.0),  # the strided twin has exactly as many
        "16a": ("refuted", 13 / 8),
        "16b": ("supported", 36 / 13),
        "17a": ("supported", 169_950_886 / 1_687_206),
        "17b": ("refuted", 1.0),  # nature and twin_max have exactly as many
    }
    for name, (verdict, effect) in expected.items():
        assert records[name]["verdict"] == verdict
        assert records[name]["effect"] == pytest.approx(effect)
        assert records[name]["interval"] == [records[name]["effect"]] * 2
        assert records[name]["needs"] == []
    measured = [r for r in records.values() if r["regime"] != "arithmetic"]
    assert {r["verdict"] for r in measured} == {"not measured"}
    assert all(r["needs"] and r["effect"] is None for r in measured)


def test_facts_by_hand() -> None:
    assert fact("first window", "no_stride") == 8
    assert fact("receptive field", "no_stride") == 8 + 3 + 2
    assert fact("receptive field", "nature") == 8 + 3 * 4 + 2 * 8
    assert fact("parameters", "nature") == 1_687_206


def test_global_first_is_widened_to_gaps_parameters() -> None:
    ours, gaps = (ledger(find(row)).parameters for row in (WIDENED, "gap"))
    assert gaps <= ours < 1.03 * gaps
    assert ledger(find("global_first@1.56")).parameters < gaps


def test_the_page_is_made_from_the_claims() -> None:
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    table = re.search(r"<!-- claims -->\n(.*)<!-- /claims -->", page, re.DOTALL)
    assert table, "docs/claims.md has lost its markers"
    assert table[1] == claims_markdown(CLAIMS), "run python -m reporting.claims_table"
