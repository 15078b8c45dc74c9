"""The agents learn: minutes of training, so not part of `make test`."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.settings import resolve
from reporting.tracking import read_metrics
from studies.running.directory import RunSpec
from studies.running.run import train


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nature_learns_catch_within_40_000_steps(tmp_path: Path) -> None:
    settings = resolve("fast", "catch")
    assert settings.steps == 40_000
    spec = RunSpec("learning", "catch", "nature", 0, settings, tmp_path)
    train(spec, wandb_mode="disabled")
    curve = [
        (row["global_step"], row["eval/score_mean"])
        for row in read_metrics(spec.directory / "metrics.jsonl")
        if "eval/score_mean" in row
    ]
    assert curve[0][1] < 0, "the untrained agent already catches"
    assert curve[-1][0] == 40_000
    assert curve[-1][1] >= 0.8, curve
