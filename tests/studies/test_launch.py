"""Runs from the command line, as real processes on Catch: done, skipped, stopped, killed."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.studies import processes
from tests.studies.processes import inspect, rows, wait_for

SHORT = ["--preset", "demo", "--game", "catch", "--steps", "1600", "--eval-games", "4"]


def start(out: Path, *words: str) -> subprocess.Popen[str]:
    return processes.start(*words, "--out", str(out))


def finish(out: Path, *words: str, script: str = "train.py") -> tuple[int, str, str]:
    where = ["--out", str(out)] if script == "train.py" else []
    return processes.finish(*words, *where, script=script)


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs that differ in their extractor alone, logged to W&B offline."""
    out = tmp_path_factory.mktemp("runs")
    status, told, wrong = finish(out, *SHORT, "--extractor", "nature", "gap@0.5", "--workers", "2")
    assert (status, wrong) == (0, ""), wrong
    assert "next: .venv/bin/python evaluate.py" in told
    return out / "demo" / "catch"


def test_a_run_directory_holds_everything(grid: Path) -> None:
    run = grid / "gap@0.5" / "seed0"
    assert {p.name for p in run.iterdir()} == {
        "config.json", "metrics.jsonl", "agent.safetensors", "agent.json", "video.webm", "wandb",
        "wandb.json",
    }  # fmt: skip
    config = json.loads((run / "config.json").read_text())
    assert config["settings"]["steps"] == 1600
    assert config["architecture"]["name"] == "gap@0.5"
    assert len(config["training_fingerprint"]) == 8
    agent = json.loads((run / "agent.json").read_text())
    assert agent["steps"] == 1600
    assert agent["updates"] == (1600 - 1000) / 4
    steps = [row["global_step"] for row in rows(run)]
    assert steps == sorted(steps)
    assert steps[0] == 0, "the curve starts with the untrained agent"
    evaluated = [row for row in rows(run) if "eval/score_mean" in row]
    assert [row["global_step"] for row in evaluated] == [0, 1600]
    logged = set().union(*rows(run))
    assert {"train/loss", "train/q_mean", "train/epsilon", "time/steps_per_second"} <= logged
    assert {"rollout/return_raw", "rollout/return_clipped"} <= logged


def test_wandb_has_config_history_and_the_video(grid: Path) -> None:
    run = grid / "nature" / "seed0"
    records = inspect(run)
    config = next(r["run"] for r in records if r["type"] == "run")["config"]["update"]
    assert config["settings"]["steps"] == 1600
    history = [r["history"]["item"] for r in records if r["type"] == "history"]
    *logged, film = history
    assert [row["global_step"] for row in logged] == [row["global_step"] for row in rows(run)]
    (offline,) = (run / "wandb").glob("offline-run-*")
    video = (run / "video.webm").read_bytes()
    assert (offline / "files" / film["video.path"]).read_bytes() == video
    assert film["video.sha256"] == hashlib.sha256(video).hexdigest()


def test_finished_runs_are_skipped_and_said_so(grid: Path) -> None:
    out = grid.parent.parent
    before = (grid / "nature" / "seed0" / "agent.safetensors").stat().st_mtime_ns
    status, told, _ = finish(out, *SHORT, "--extractor", "nature")
    assert status == 0
    assert "catch/nature/seed0: finished before, skipped" in told
    assert (grid / "nature" / "seed0" / "agent.safetensors").stat().st_mtime_ns == before


def test_other_settings_in_the_same_folder_are_refused(grid: Path) -> None:
    out = grid.parent.parent
    before = (grid / "nature" / "seed0" / "config.json").read_bytes()
    status, told, wrong = finish(out, *SHORT, "--extractor", "nature", "--learning-rate", "0.1")
    assert (status, told) == (2, "")
    assert "holds a run with other settings (learning_rate: 0.0001 there, 0.1 asked for)" in wrong
    assert wrong.count("\n") == 1
    assert (grid / "nature" / "seed0" / "config.json").read_bytes() == before


def test_scores_are_written_shown_and_not_played_twice(grid: Path) -> None:
    status, told, wrong = finish(grid, str(grid), "--games", "6", script="evaluate.py")
    assert (status, wrong) == (0, ""), wrong
    for row in ("nature", "gap@0.5"):
        folder = grid / row / "seed0" / "evaluation"
        scores = json.loads((folder / "scores.json").read_text())
        games = pd.read_parquet(folder / "games.parquet")
        assert len(games) == scores["games"] == 6
        assert games["score"].mean() == pytest.approx(scores["mean"])
        assert f"catch/{row}/seed0" in told
        assert (folder / "game.webm").stat().st_size > 500
        (training,), (scored,) = (
            [r["run"] for r in inspect(where) if r["type"] == "run"]
            for where in (folder.parent, folder)
        )
        assert (training["job_type"], scored["job_type"]) == ("train", "evaluate")
        assert training["run_group"] == scored["run_group"]
        assert training["run_id"] != scored["run_id"]
        assert scored["config"]["update"]["training_run"] == training["run_id"]
    damaged = grid / "nature" / "seed0" / "evaluation" / "games.parquet"
    whole = pd.read_parquet(damaged)
    damaged.write_bytes(damaged.read_bytes()[:-50])
    status, told, _ = finish(grid, str(grid), "--games", "6", script="evaluate.py")
    assert (told.count("scored before"), told.count("playing 6 games")) == (1, 1)
    pd.testing.assert_frame_equal(pd.read_parquet(damaged), whole)
    assert told.count("W&B has this evaluation") == 1


def test_weights_that_were_changed_are_not_scored(grid: Path) -> None:
    weights = grid / "nature" / "seed0" / "agent.safetensors"
    whole = weights.read_bytes()
    try:
        weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        status, _, wrong = finish(grid, str(grid), "--games", "2", "--again", script="evaluate.py")
    finally:
        weights.write_bytes(whole)
    assert status == 2
    assert "expected the weights that agent.json names" in wrong


def test_same_seed_same_bits_other_seed_others(grid: Path, tmp_path: Path) -> None:
    same = ["--extractor", "nature", "--seed", "0", "1", "--workers", "2", "--wandb", "disabled"]
    assert finish(tmp_path, *SHORT, "--readout-every", "0", *same)[0] == 0
    again = tmp_path / "demo" / "catch" / "nature"
    digest = {
        path: json.loads((path / "agent.json").read_text())["sha256"]
        for path in (grid / "nature" / "seed0", again / "seed0", again / "seed1")
    }
    first, second, other = digest.values()
    assert first == second, "neither W&B nor the read-out changes anything"
    assert first != other
    assert not (again / "seed0" / "wandb").exists()


OWN = """
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

class Tiny(BaseFeaturesExtractor):
    def __init__(self, observation_space):
        super().__init__(observation_space, features_dim=8)
        last = [nn.AdaptiveMaxPool2d(1), nn.Flatten()]
        self.net = nn.Sequential(nn.Conv2d(4, 8, 8, 8), nn.ReLU(), *last)

    def forward(self, observations):
        return self.net(observations)
"""


def test_anyones_own_extractor_is_trained_and_scored_and_its_source_kept(tmp_path: Path) -> None:
    source = tmp_path / "tiny.py"
    source.write_text(OWN)
    status, _, wrong = finish(
        tmp_path,
        *SHORT,
        "--readout-every",
        "0",
        "--extractor",
        f"{source}:Tiny",
        "--wandb",
        "disabled",
    )
    assert (status, wrong) == (0, ""), wrong
    (run,) = (tmp_path / "demo" / "catch").glob("Tiny*/seed0")
    config = json.loads((run / "config.json").read_text())
    assert config["extractor"] == "tiny.py:Tiny", "where it lay is nobody's business"
    assert config["architecture"]["sha256"] == hashlib.sha256(OWN.encode()).hexdigest()
    assert (run / "extractor.py").read_text() == OWN
    source.unlink()  # whoever has the directory has the run
    words = [str(run), "--games", "2", "--wandb", "disabled"]
    status, _, wrong = finish(run, *words, script="evaluate.py")
    assert (status, wrong) == (0, ""), wrong
    assert not (run / "evaluation" / "wandb").exists()
    (run / "extractor.py").write_text(OWN.replace("Max", "Avg"))
    status, _, wrong = finish(run, *words, script="evaluate.py")
    assert status == 2
    assert "expected the source the run was trained with" in wrong


def test_interrupted_once_it_saves_and_the_same_command_goes_on(tmp_path: Path) -> None:
    words = [
        *SHORT[:-4],
        "--readout-every",
        "0",
        "--steps",
        "3000",
        "--eval-games",
        "4",
        "--extractor",
        "gap@0.5",
    ]
    process = start(tmp_path, *words)
    run = tmp_path / "demo" / "catch" / "gap@0.5" / "seed0"
    wait_for(lambda: (run / "metrics.jsonl").exists() and len(rows(run)) >= 3)
    process.send_signal(signal.SIGINT)
    told, wrong = process.communicate(timeout=120)
    assert process.returncode == 130, (told, wrong)
    assert "the same command goes on" in told
    (newest,) = (run / "checkpoint").glob("[0-9]*")
    reached = json.loads((newest / "state.json").read_text())["num_timesteps"]
    assert 0 < reached < 3000
    assert not (run / "agent.json").exists()
    assert not (run / "lock").exists()

    status, _, wrong = finish(tmp_path, str(tmp_path), script="evaluate.py")
    assert status == 2
    assert "expected a finished run, got none" in wrong

    status, told, wrong = finish(tmp_path, *words)
    assert (status, wrong) == (0, ""), wrong
    assert "goes on from its last checkpoint" in told
    assert json.loads((run / "config.json").read_text())["incidents"] == []
    steps = [row["global_step"] for row in rows(run) if "train/epsilon" in row]
    assert steps == sorted(set(steps)), "no step is logged twice"
    assert json.loads((run / "agent.json").read_text())["steps"] == 3000
