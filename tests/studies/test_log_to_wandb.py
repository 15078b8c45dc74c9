"""Runs that were trained where W&B is not, and logged afterwards; W&B is kept out for real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commandline import BadInput
from studies.log_to_wandb import logged, main, reason_to_leave
from tests.studies.processes import ROOT, finish, inspect, rows

CATCH = ["--preset", "demo", "--game", "catch", "--readout-every", "0",
         "--steps", "600", "--eval-games", "2"]  # fmt: skip
BLOCKED = "import sys\nsys.modules['wandb'] = None\n"


def log(*words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "studies.log_to_wandb", *words],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def brought_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run trained with a wandb that cannot be imported, in the run's own process either."""
    out, site = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text(BLOCKED)
    env = {"PYTHONPATH": str(site)}
    words = [*CATCH, "--extractor", "gap@0.5", "--out", str(out)]
    status, told, wrong = finish(*words, env=env)
    assert (status, told) == (2, ""), "it is blocked"
    assert "--wandb offline: wandb is not installed; try --wandb disabled" in wrong
    status, told, wrong = finish(*words, "--wandb", "disabled", env=env)
    assert (status, wrong) == (0, ""), told
    run = out / "demo" / "catch" / "gap@0.5" / "seed0"
    assert not (run / "wandb.json").exists()
    return run


@pytest.fixture(scope="module")
def logged_once(
    brought_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, tuple[int, str, str]]:
    """A copy of it, logged offline, and what the command said."""
    folder = tmp_path_factory.mktemp("logged")
    shutil.copytree(brought_home, folder / "seed0")
    return folder / "seed0", log(str(folder))


def test_one_command_logs_it_and_twice_doubles_nothing(
    brought_home: Path, logged_once: tuple[Path, tuple[int, str, str]]
) -> None:
    run, (status, told, wrong) = logged_once
    before = (brought_home / "metrics.jsonl").read_bytes()
    assert (status, wrong) == (0, ""), told
    assert f"{run}: finished" in told
    files = {p.name: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()}
    status, told, wrong = log(str(run))
    assert (status, told, wrong) == (0, f"{run}: logged before\n", "")
    assert files == {p.name: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()}
    assert (run / "metrics.jsonl").read_bytes() == before

    records = inspect(run)  # there is one offline run only
    about = next(r["run"] for r in records if r["type"] == "run")
    assert about["run_id"] == json.loads((run / "wandb.json").read_text())["id"]
    assert (about["display_name"], about["run_group"], about["job_type"]) == (
        "catch/gap@0.5/seed0", "catch/gap@0.5", "train",
    )  # fmt: skip
    assert about["config"]["update"]["settings"]["steps"] == 600
    *history, film = [r["history"]["item"] for r in records if r["type"] == "history"]
    assert [row["global_step"] for row in history] == [row["global_step"] for row in rows(run)]
    assert [row.get("eval/score_mean") for row in history] == [
        row.get("eval/score_mean") for row in rows(run)
    ]
    assert "video.sha256" in film
    assert logged(run, len(rows(run)))
    assert not logged(run, len(rows(run)) + 1), "a row that came later would be seen"


def test_what_was_sent_is_left_alone_and_what_is_damaged_is_named(
    brought_home: Path,
    logged_once: tuple[Path, tuple[int, str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """W&B's folder of a run online has another name than one offline, and the same file in it."""
    sent, damaged = (tmp_path / name for name in ("sent", "damaged"))
    for copy in (sent, damaged):
        shutil.copytree(logged_once[0], copy)
    (offline,) = (sent / "wandb").glob("offline-run-*")
    online = offline.rename(offline.with_name(offline.name.removeprefix("offline-")))
    number = len(rows(sent))
    assert reason_to_leave(sent, number, "online") == "logged before"
    assert reason_to_leave(sent, number + 1, "online") == "", "what is missing is sent"

    (broken,) = (damaged / "wandb").glob("offline-run-*")
    (file,) = broken.glob("*.wandb")
    file.write_bytes(b"no such thing" * 9)
    fresh = tmp_path / "unlogged"
    shutil.copytree(brought_home, fresh)
    before = {p: p.stat().st_mtime_ns for p in (*sent.rglob("*"), *damaged.rglob("*"))}
    status = main([str(tmp_path)])
    told = capsys.readouterr().out
    assert status == 1, told
    assert before == {p: p.stat().st_mtime_ns for p in (*sent.rglob("*"), *damaged.rglob("*"))}
    assert f"{sent}: logged online, left alone; wandb sync {online} sends it again" in told
    assert f"failed: {broken}: expected a run as W&B keeps it, got " in told
    assert f"{fresh}: finished" in told


def test_what_is_no_run_is_refused_before_anything_is_written(
    brought_home: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="expected run directories"):
        main([])
    with pytest.raises(BadInput, match="--wandb: expected one of offline, online"):
        main([str(brought_home), "--wandb", "disabled"])
    (tmp_path / "config.json").write_text('{"game": "catch"}')
    with pytest.raises(BadInput, match=r"config.json: expected extractor, seed, .*, found none"):
        main([str(tmp_path)])
    assert [p.name for p in tmp_path.iterdir()] == ["config.json"]
