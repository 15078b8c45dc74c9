"""Copies of agents in float16: small, of the median seed, playable, and no evidence."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import evaluate
from agents import checkpoints
from commandline import BadInput
from reporting.tracking import read_metrics
from studies.measuring.measure import load_agent, open_run
from studies.publish_agents import main, medians
from studies.running.directory import find_runs
from tests.studies.finished import finished, pictures

NOT_SCORED = float("nan")


def scored(
    folder: Path, seed: int, mean: float | None, row: str = "gap@0.5", protocol: str = "a"
) -> Path:
    """Write the directory of a finished run, as if it had been scored; `None`: all games hung."""
    run = finished(folder / str(seed), row)
    config = checkpoints.read_json(run / "config.json") | {"seed": seed}
    checkpoints.write_json(run / "config.json", config)
    points = [{"global_step": 0, "eval/score_mean": -1.0}, {"global_step": 60, "loss": 1.0}]
    points += [{"global_step": at, "eval/score_mean": at / 123} for at in (41, 82, 123)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(p) + "\n" for p in points))
    if mean is None or not math.isnan(mean):
        (run / "evaluation").mkdir()
        content = {"mean": mean, "fingerprint": protocol}
        checkpoints.write_json(run / "evaluation" / "scores.json", content)
    return run


def test_the_median_seed_is_kept_and_plays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    for seed, mean in enumerate((0.9, 0.2, 0.4, 0.3)):
        scored(runs, seed, mean)
    scored(runs, 100, 0.31)  # chose a learning rate
    scored(runs, 9, NOT_SCORED)  # not scored yet
    scored(runs, 5, 0.3, "nature")  # not asked for
    assert main([str(runs), "--rows", "gap@0.5", "half_max", "--results", str(results)]) == 0
    copy = results / "agents" / "s-float16" / "catch" / "gap@0.5" / "seed3"
    assert [p.parent for p in results.rglob("config.json")] == [copy]
    assert re.search(rf"{copy}: 0\.\d MB of weights", capsys.readouterr().out)
    original = runs / "3" / "s" / "catch" / "gap@0.5" / "seed0"
    large, small = ((d / "agent.safetensors").stat().st_size for d in (original, copy))
    assert 0.45 < small / large < 0.6

    assert [r["global_step"] for r in read_metrics(copy / "metrics.jsonl")] == [0, 41, 82, 123]
    ours, theirs = (load_agent(open_run(d)).q_values(pictures()) for d in (original, copy))
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=2e-3)
    assert not np.array_equal(theirs, ours), "the copy is rounded"

    words = ["--games", "2", "--wandb", "disabled"]
    assert evaluate.main([str(original), *words]) == 0
    assert evaluate.main([str(copy), *words]) == 0
    assert "s-float16" in capsys.readouterr().out
    kept = [
        json.loads((d / "evaluation" / "measurements.json").read_text()) for d in (original, copy)
    ]
    assert {m["measure"] for m in kept[0]} == {"score", "score_gain"}
    assert kept[1] == [], "claims get nothing of a copy"


def test_weights_of_another_type_are_bad_input(tmp_path: Path) -> None:
    main([str(scored(tmp_path / "runs", 1, 0.5)), "--rows", "gap@0.5", "--results", str(tmp_path)])
    (copy,) = (p.parent for p in (tmp_path / "agents").rglob("agent.json"))
    said = checkpoints.read_json(copy / "agent.json")
    assert said["copy_of_sha256"] != said["sha256"]
    del said["weights"]
    checkpoints.write_json(copy / "agent.json", said)
    with pytest.raises(BadInput, match="F16"):
        load_agent(open_run(copy))


def test_nothing_scored_is_bad_input(tmp_path: Path) -> None:
    run = scored(tmp_path / "runs", 0, NOT_SCORED)
    with pytest.raises(BadInput, match="--rows: expected a row of which a finished run was scored"):
        main([str(run), "--rows", "gap@0.5", "--results", str(tmp_path / "results")])
    assert not (tmp_path / "results").exists()


def test_the_copy_of_another_seed_goes_when_the_median_moves(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    words = [str(runs), "--rows", "gap@0.5", "--results", str(results)]
    scored(runs, 0, 0.2)
    assert main(words) == 0
    row = results / "agents" / "s-float16" / "catch" / "gap@0.5"
    # Somebody's own agent, trained into this folder, is not a copy.
    (row / "seed7").mkdir()
    checkpoints.write_json(row / "seed7" / "agent.json", {"sha256": "0"})
    scored(runs, 1, 0.1)
    assert main(words) == 0
    assert {p.name for p in row.iterdir()} == {"seed1", "seed7"}
    assert load_agent(open_run(row / "seed1"))


def test_an_agent_whose_games_all_hung_is_the_worst(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for seed, mean in enumerate((-0.9, None, 0.3)):
        scored(runs, seed, mean)
    found = medians(map(open_run, find_runs([runs])), ["gap@0.5"])
    assert [run.config["seed"] for run in found] == [0]


def test_scores_made_in_two_ways_are_not_ranked(tmp_path: Path) -> None:
    scored(tmp_path / "runs", 0, 0.1)
    other = scored(tmp_path / "runs", 1, 0.2, protocol="b")
    words = [str(tmp_path / "runs"), "--rows", "gap@0.5", "--results", str(tmp_path / "results")]
    with pytest.raises(BadInput, match=r"expected scores made as .* other seeds \(a\), got b"):
        main(words)
    checkpoints.write_json(other / "evaluation" / "scores.json", {"mean": "good"})
    with pytest.raises(BadInput, match="expected the scores of an agent"):
        main(words)
    assert not (tmp_path / "results").exists()
