"""Workspace and report hold what is declared, in the shape that W&B's own classes accept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commandline import BadInput
from reporting import dashboards
from reporting.dashboards import LAYERS, SECTIONS, Panel, Section, report, specification, workspace

ROOT = Path(__file__).resolve().parents[2]

VIEW_TYPES = {
    "line": "Run History Line Plot",
    "lines": "Run History Line Plot",
    "bar": "Bar Chart",
    "media": "Media Browser",
    "table": "Weave",
}


def test_the_workspace_has_every_panel_in_its_section() -> None:
    sections = specification(workspace())["spec"]["section"]["panelBankConfig"]["sections"]
    assert [s["name"] for s in sections] == [s.name for s in SECTIONS]
    assert [s.name for s in SECTIONS] == [
        "Learning", "Where is the ball?", "Reward by position", "Speed"
    ]  # fmt: skip
    for built, declared in zip(sections, SECTIONS, strict=True):
        for panel, of in zip(built["panels"], declared.panels, strict=True):
            assert panel["viewType"] == VIEW_TYPES[of.kind]
            told = json.dumps(panel)
            if of.kind == "lines":
                assert panel["config"]["metricRegex"] == LAYERS
                assert panel["config"]["useMetricRegex"] is True
            else:
                assert all(f'{name}"' in told for name in of.metrics)
            if of.kind.startswith("line"):
                assert panel["config"]["xAxis"] == "global_step"
                assert panel["config"]["yAxisTitle"] == of.y


def test_runs_are_grouped_and_the_x_axis_is_agent_steps() -> None:
    spec = specification(workspace())["spec"]["section"]
    assert spec["settings"]["xAxis"] == "global_step"
    assert spec["runSets"][0]["grouping"] == [{"section": "run", "name": "group"}]


def test_the_report_has_the_same_panels_behind_words() -> None:
    blocks = specification(report())["spec"]["blocks"]
    grids = [b["metadata"] for b in blocks if b["type"] == "panel-grid"]
    for grid, section in zip(grids, SECTIONS, strict=True):
        assert len(grid["panelBankSectionConfig"]["panels"]) == len(section.panels)
        jobs = [s["filters"]["filters"][0]["value"] for s in grid["runSets"]]
        assert jobs == ["train", "evaluate"]
    words = json.dumps(blocks, ensure_ascii=False)
    assert all(section.told in words for section in SECTIONS)


def test_no_two_panels_lie_upon_each_other() -> None:
    sections = specification(workspace())["spec"]["section"]["panelBankConfig"]["sections"]
    for section in sections:
        places = [(p["layout"]["x"], p["layout"]["y"]) for p in section["panels"]]
        assert len(set(places)) == len(places)
        assert max(x for x, _ in places) + 8 <= 24


def test_a_kind_of_panel_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = Section("odd", "", (Panel("pie", "pie", ("a",)),))
    monkeypatch.setattr(dashboards, "SECTIONS", (odd,))
    with pytest.raises(ValueError, match="expected a kind of panel, got 'pie'"):
        workspace()


def run(words: list[str], home: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT)}
    env.pop("WANDB_API_KEY", None)
    return subprocess.run(
        [sys.executable, "-m", "reporting.dashboards", *words],
        capture_output=True, text=True, env=env, **more,
    )  # fmt: skip


def test_without_a_key_it_writes_what_would_be_published_and_says_how(tmp_path: Path) -> None:
    (home := tmp_path / "home").mkdir()
    done = run(["--entity", "me", "--project", "balls", "--out", "there"], home, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "wandb login" in done.stdout
    assert "--entity me --project balls" in done.stdout
    for name, kind in (("workspace", "sections"), ("report", "blocks")):
        text = (tmp_path / "there" / f"{name}.json").read_text()
        assert f'"{kind}"' in text
        assert str(tmp_path) not in text
    assert {p.name for p in tmp_path.iterdir()} == {"home", "there"}
    assert not list(home.iterdir())


@pytest.mark.parametrize("words", [["--project", "a/b"], ["--entity", "a/b"], ["--project", ""]])
def test_names_that_cannot_be(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="--entity and --project: expected names without a slash"):
        dashboards.main(words)
    assert not list(tmp_path.iterdir())
