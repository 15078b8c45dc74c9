"""An evaluation goes to W&B once, whole, tied to its training, and says nothing of this machine."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from agents.checkpoints import read_json
from agents.settings import EvaluationProtocol, resolve
from analysis.networks import of_agent
from analysis.pictures.frames import Frames
from analysis.probing.read_out import read_out_set
from analysis.shared import Shared
from analysis.worth.ball_rewards import ball_rewards
from analysis.worth.do_maps import do_map
from analysis.worth.do_scenes import DoSettings
from analysis.worth.value_maps import value_maps
from envs.games import find
from reporting.names import POSITION_BINS
from reporting.wandb_evaluation import content_hash, log_evaluation, numbers, was_sent
from studies.measuring.annotate import annotate
from studies.measuring.measure import load_agent, open_run, score
from studies.measuring.measure_agent import measure
from studies.running.directory import RunSpec
from studies.running.run import train
from tests.studies.processes import ROOT, inspect

HAND_OVER = """
import sys
from pathlib import Path
from agents.checkpoints import read_json, write_json
from reporting.wandb_evaluation import log_evaluation
whole, changed = map(Path, sys.argv[1:])
log_evaluation(whole, "offline", print)
log_evaluation(changed, "offline", print)
folder = changed / "evaluation"
print(read_json(folder / "wandb.json")["id"])
write_json(folder / "scores.json", {**read_json(folder / "scores.json"), "mean": 0.125})
(folder / "shifts.parquet").unlink()
log_evaluation(changed, "offline", print)
"""


@dataclass(frozen=True)
class Small(Shared):
    """The game's data, but fewer."""

    @property
    def held(self) -> Frames:  # type: ignore[override]
        return read_out_set(self.game, self.folder)


def evaluated(root: Path) -> Path:
    """Train an agent, and evaluate it in every way of which there is something to be logged."""
    settings = resolve("demo", "catch", {"steps": 400, "eval_games": 2, "readout_every": 0})
    spec = RunSpec("demo", "catch", "gap@0.25", 0, settings, root)
    train(spec, wandb_mode="disabled")
    folder = spec.directory
    run, shared = open_run(folder), Small("catch", root / "datasets")
    score(run, EvaluationProtocol(), 3)
    measure(run, ["shifts"], shared, print)
    annotate(run, shared, print)
    network, rng = of_agent(load_agent(run), run.extractor), np.random.default_rng(0)
    settings = DoSettings("catch", columns=4, rows=4, scenes=2)
    values = value_maps(network, do_map(settings, workers=1, folder=shared.folder), rng)
    values.table.to_parquet(folder / "evaluation" / "values.parquet")
    rewards = ball_rewards(network, find("catch"), rng, games=60)
    rewards.table.to_parquet(folder / "evaluation" / "ball_rewards.parquet")
    # Maps of the explorer are bytes, which no W&B table takes.
    pd.DataFrame({"map": [b"\x80\xff"]}).to_parquet(folder / "evaluation" / "explorer.parquet")
    return folder


@dataclass(frozen=True)
class Logged:
    """A run, another that was changed and logged again, what was said, and the home of who did."""

    whole: Path
    changed: Path
    told: str
    home: Path


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    run = evaluated(tmp_path_factory.mktemp("runs"))
    other = run.parent / "seed1"
    shutil.copytree(run, other)
    home = tmp_path_factory.mktemp("home")
    env = {**os.environ, "HOME": str(home)}
    env.pop("WANDB_API_KEY", None)
    done = subprocess.run(
        [sys.executable, "-c", HAND_OVER, str(run), str(other)],
        capture_output=True, text=True, check=True, env=env, cwd=ROOT,
    )  # fmt: skip
    assert done.stderr == ""
    return Logged(run, other, done.stdout, home)


inspected = cache(inspect)


def record(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [r[kind] for r in inspected(folder) if r["type"] == kind]


def row_of(folder: Path) -> dict[str, Any]:
    (history,) = record(folder, "history")
    item: dict[str, Any] = history["item"]
    return item


def test_the_run_says_what_it_belongs_to(logged: Logged) -> None:
    (evaluation,) = record(logged.whole / "evaluation", "run")
    assert (evaluation["job_type"], evaluation["run_group"]) == ("evaluate", "catch/gap@0.25")
    config = read_json(logged.whole / "config.json")
    assert evaluation["tags"] == ["catch", config["training_fingerprint"], "demo"]
    told = evaluation["config"]["update"]
    assert told["agent_sha256"] == read_json(logged.whole / "agent.json")["sha256"]
    assert told["settings"] == config["settings"]
    assert told["training_run"] is None, "it was trained without W&B"


def test_everything_in_the_evaluation_is_there(logged: Logged) -> None:
    folder = logged.whole / "evaluation"
    row = row_of(folder)
    assert row["global_step"] == 400
    assert {name: row[name] for name in numbers(folder)} == pytest.approx(numbers(folder))
    assert row["score/mean"] == read_json(folder / "scores.json")["mean"]
    (offline,) = (folder / "wandb").glob("offline-run-*")

    def stored(name: str) -> bytes:
        return (offline / "files" / str(row[f"{name}.path"])).read_bytes()

    for measured in ("games", "shifts", "values"):
        table = json.loads(stored(f"table/{measured}"))
        kept = pd.read_parquet(folder / f"{measured}.parquet")
        assert table["columns"] == list(kept.columns)
        assert len(table["data"]) == len(kept)
    values = pd.read_parquet(folder / "values.parquet")
    at = table["columns"].index("value")
    assert [line[at] for line in table["data"]] == pytest.approx(
        [None if np.isnan(v) else v for v in values["value"]]
    )
    bins = json.loads(stored(POSITION_BINS))
    assert {"direction", "cell_x_screen", "cell_y_screen", "quantity", "mean", "low", "high",
            "visits", "games"} == set(bins["columns"])  # fmt: skip
    for drawn in ("map/values", "map/ball_rewards"):
        picture = np.asarray(Image.open(io.BytesIO(stored(drawn))).convert("RGB"))
        assert len(np.unique(picture[::7, ::7].reshape(-1, 3), axis=0)) > 20, (
            "cells of many colours"
        )
    assert stored("video") == (folder / "annotated.webm").read_bytes()


def test_each_run_keeps_its_own_and_nothing_tells_of_the_machine(logged: Logged) -> None:
    assert not [p for p in logged.home.rglob("*") if p.is_file()]
    for folder in (logged.whole, logged.changed):
        files = [p for p in (folder / "evaluation" / "wandb").rglob("*") if p.is_file()]
        assert len([p for p in files if p.suffix == ".wandb"]) == 1
        assert not [p for p in files if p.suffix == ".log"]
        assert not [p for p in files if str(folder.parent).encode() in p.read_bytes()]


def test_nothing_is_logged_twice(logged: Logged) -> None:
    before = {p: p.stat().st_mtime_ns for p in logged.whole.rglob("*")}
    told: list[str] = []
    log_evaluation(logged.whole, "offline", told.append)
    assert told == ["catch/gap@0.25/seed0: W&B has this evaluation"]
    assert {p: p.stat().st_mtime_ns for p in logged.whole.rglob("*")} == before
    log_evaluation(logged.whole, "disabled", told.append)
    assert len(told) == 1


def test_what_changed_replaces_what_was_under_the_same_id(logged: Logged) -> None:
    folder = logged.changed / "evaluation"
    row = row_of(folder)  # there is one row, in one offline run
    assert row["score/mean"] == 0.125
    assert "table/shifts.path" not in row
    assert "table/games.path" in row
    ids = [read_json(f / "evaluation" / "wandb.json")["id"] for f in (logged.whole, logged.changed)]
    assert logged.told == ids[1] + "\n"
    assert record(folder, "run")[0]["run_id"] == ids[1] != ids[0]


@pytest.mark.parametrize(
    ("noted", "rows", "sent"), [({"rows": 0}, 0, False), ({"rows": 0}, 1, True), ({}, 1, False)]
)
def test_a_sender_who_was_killed_had_sent_it_if_there_is_a_row_more(
    noted: dict[str, Any], rows: int, sent: bool
) -> None:
    assert was_sent(noted, rows) is sent


def test_the_content_is_what_would_be_shown(logged: Logged, tmp_path: Path) -> None:
    folder = tmp_path / "evaluation"
    shutil.copytree(logged.whole / "evaluation", folder)
    was = content_hash(folder)
    (folder / "wandb-logged.json").unlink()
    assert content_hash(folder) == was
    (folder / "annotated.webm").unlink()
    assert content_hash(folder) != was
