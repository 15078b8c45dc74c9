"""The section of the claims says what was registered, what changed since, and where each stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from simulated import cells, draw, where_study

from analysis.claims import CLAIMS, claims_table
from reporting.sections.claims import ShownPart, changes, shown_claim
from reporting.sections.section import piece


def shown(number: int, found: list[dict[str, object]]) -> list[ShownPart]:
    claim = next(c for c in CLAIMS if c.number == number)
    return list(shown_claim(claim, found).parts)


def test_a_changed_claim_is_said_to_be_one() -> None:
    first, second, *rest = (replace(claim, version=1, reason="") for claim in CLAIMS)
    assert changes([first, second, *rest]) == ", and have not been changed since"
    newer = replace(second, version=2, reason="The <bound> was a slip of the pen.")
    assert changes([first, newer, *rest]).endswith(f"stands there: {newer.number}")
    page = str(piece("claim", shown_claim(newer, [])))
    assert "Version 2: The &lt;bound&gt; was a slip of the pen." in page
    assert "Version" not in str(piece("claim", shown_claim(first, [])))


def test_width_and_budget_stand_where_they_say_something() -> None:
    found = claims_table(where_study(np.random.default_rng(0), {"gap": 20.0, "gmp": 20.0}))
    (part, *_) = shown(1, found)
    assert dict(part.facts)["at"] == "width 1, 1,000 updates"
    truth = {("place_share", "ball_tracker", arm): 0.6 for arm in ("held", "moved")}
    found = claims_table(draw(truth, np.random.default_rng(0), "game", budget=0))
    (part,) = (p for p in shown(2, found) if "0.6" in p.numbers)
    assert "at" not in dict(part.facts)  # no network, so neither a width nor a budget
    blind = draw(cells("equivariance", {"nature@0.5": 0.2}), np.random.default_rng(0), "untrained",
                 budget=0)  # fmt: skip
    part = next(p for p in shown(8, claims_table(blind)) if "0.2" in p.numbers)
    assert dict(part.facts)["at"] == "width 0.5"
