"""What a verdict costs: sums by hand, what lies there already, and the page that says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.claim import Part
from benchmarks.claim_cost import RATES, Seconds, main, networks, parts, runs, table
from benchmarks.cost import PAGE, ROOT, fill
from benchmarks.cost_model import Rates, plan
from commandline import BadInput
from reporting.commands import STUDIES
from studies.networks.supervised_run import SupervisedRun
from studies.running.directory import RunSpec

AGENTS = ROOT / "results" / "rates.json"


def part(identity: str, regime: str) -> Part:
    return next(p for p in parts() if (p.id, p.regime) == (identity, regime))


def supervised_rates(folder: Path, **seconds: float) -> Path:
    path = folder / "supervised_rates.json"
    rates = {row.replace("_half", "@0.5"): value for row, value in seconds.items()}
    path.write_text(json.dumps({"seconds_an_update": rates}))
    return path


def test_one_row_by_hand(tmp_path: Path) -> None:
    """Four rates on three seeds of 4,000 updates, then ten seeds of 20,000."""
    found = runs(part("8 nature", "supervised"), tmp_path)
    updates = sorted(run.length for run in found)
    assert updates == [4_000] * 12 + [20_000] * 10
    seconds = Seconds(AGENTS, supervised_rates(tmp_path, nature_half=0.01))
    assert seconds.sum(found) == pytest.approx(12 * 40 + 10 * 200)
    assert seconds.sum(runs(part("8 half_max", "supervised"), tmp_path)) is None


def test_what_has_its_row_is_not_missing(tmp_path: Path) -> None:
    wanted = runs(part("8 nature", "supervised"), tmp_path)
    judged = [r for r in wanted if isinstance(r, SupervisedRun) and r.stage == "tuned"]
    for run in judged[:3]:
        run.published.parent.mkdir(parents=True, exist_ok=True)
        run.published.write_text("{}")
    left = runs(part("8 nature", "supervised"), tmp_path)
    assert {r.title for r in wanted} - {r.title for r in left} == {r.title for r in judged[:3]}


def test_agents_are_those_of_the_studies(tmp_path: Path) -> None:
    """3L: nature, half_max, half_avg and, for the assay guard, sort and gap."""
    found = runs(part("3L", "reinforcement"), tmp_path)
    assert all(isinstance(run, RunSpec) for run in found)
    rows = {"nature@0.5", "half_max@0.5", "half_avg@0.5", "sort@0.5", "gap@0.5"}
    assert len(found) == 5 * (12 + 10)
    rates = Rates.read(AGENTS)
    specs = [s for s in plan(STUDIES / "catch.yaml") if s.extractor in rows]
    judged = sum(s.settings.steps * (rates.seconds_a_step(s) or 0) for s in specs)
    all_of_it = Seconds(AGENTS, RATES).sum(found)
    assert all_of_it == pytest.approx(judged * 22 / 10), "rates change nothing in what a run costs"


def test_every_network_has_a_rate() -> None:
    """`python -m benchmarks.claim_cost --measure` measures them."""
    assert {*networks()} <= json.loads(RATES.read_text())["seconds_an_update"].keys()
    lines = table(Seconds(AGENTS, RATES), None)
    assert len(lines) == 2 + len(parts()) + 1
    assert not any("not measured" in line for line in lines)


def test_the_page_says_what_the_rates_say() -> None:
    """`python -m benchmarks.claim_cost --write` mends it."""
    page = PAGE.read_text(encoding="utf-8")
    assert fill(page, {"claim_costs": "\n".join(table(Seconds(AGENTS, RATES), None))}) == page


def test_no_results_lack_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--results", str(tmp_path / "nothing")]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    *_, whole, _, left, _ = (cell.strip() for cell in last.split("|"))
    assert whole == left
    assert not (tmp_path / "nothing").exists()


def test_other_files_are_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "rates.json"
    path.write_text('{"seconds_an_update": [1, 2]}')
    with pytest.raises(BadInput, match="expected measured rates"):
        Seconds(AGENTS, path)
