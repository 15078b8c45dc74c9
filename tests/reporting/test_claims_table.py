"""The verdicts as a table, and the page of the claims."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from simulated import where_study

from analysis.claims import CLAIMS, claims_table
from reporting.claims_table import claims_markdown, main, verdicts_table


def printed(records: list[dict[str, object]]) -> str:
    console = Console(file=StringIO(), width=240, color_system=None)
    console.print(verdicts_table(records))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_every_part_has_its_line() -> None:
    records = claims_table([])
    text = printed(records)
    assert all(str(r["id"]) in text for r in records)
    assert "1G★" in text
    assert "jnd_px [held] of gap: seeds 0–9" in text
    assert "[0.534, 0.534]" in text


def test_infinity_and_guards_are_shown() -> None:
    measured = where_study(np.random.default_rng(0), {"gap": float("inf"), "gmp": float("inf")})
    text = printed([r for r in claims_table(measured) if r["id"] == "1G"])
    assert "[∞, ∞]" in text
    assert "bottleneck or optimisation" in text


def test_the_page_has_a_line_for_each_part_and_the_thresholds() -> None:
    text = claims_markdown(CLAIMS)
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(lines) == sum(len(claim.parts) for claim in CLAIMS)
    assert "score: nature − half_max ≤ 0.1 and q_shift: half_max / nature ≤ 0.9" in text


def test_the_command_rewrites_the_page_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "claims.md"
    page.write_text("before\n<!-- claims -->\nold\n<!-- /claims -->\nafter\n", encoding="utf-8")
    assert main([str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text == f"before\n<!-- claims -->\n{claims_markdown(CLAIMS)}<!-- /claims -->\nafter\n"


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "claims.md").write_text("nothing here")
    with pytest.raises(ValueError, match="expected a page with"):
        main([str(tmp_path / "claims.md")])
