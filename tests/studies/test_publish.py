"""What is kept of a run is enough to draw its curve, and small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.settings import resolve
from commandline import BadInput
from studies.publish import main
from studies.running.directory import RunSpec
from studies.running.run import train


def test_a_run_leaves_its_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = resolve("demo", "catch", {"steps": 1_200, "eval_games": 2})
    spec = RunSpec("demo", "catch", "gap@0.5", 3, settings, tmp_path / "runs")
    train(spec, wandb_mode="disabled")
    words = [str(tmp_path / "runs"), "--results", str(tmp_path / "results")]
    assert main(words) == 0
    path = tmp_path / "results" / "runs" / "demo" / "catch" / "gap@0.5" / "seed3.json"
    assert f"{path}: finished, 2 points" in capsys.readouterr().out
    kept = json.loads(path.read_text())
    assert (kept["seed"], kept["steps_done"], kept["finished"]) == (3, 1_200, True)
    assert [point[0] for point in kept["curve"]] == [0, 1_200]
    assert kept["columns"][:2] == ["global_step", "eval/score_mean"]
    assert kept["settings"]["steps"] == 1_200
    assert kept["scores"] is None, "it was not scored yet"
    assert path.stat().st_size < 5_000


def test_no_run_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected a run directory"):
        main([str(tmp_path), "--results", str(tmp_path / "results")])
    assert not list(tmp_path.iterdir())
