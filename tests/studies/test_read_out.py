"""Watching where each layer sees the ball changes nothing in a run, and goes on where it stood."""

from __future__ import annotations

import json
import re
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from agents.checkpoints import read_json, write_json
from agents.settings import (
    EvaluationProtocol,
    fingerprint,
    parse_settings,
    resolve,
    training_protocol,
)
from analysis.battery import INSTRUMENTS
from analysis.measurements import MEASURES
from commandline import BadInput
from reporting.dashboards import SECTIONS
from reporting.names import POSITION_BINS, READ_OUT_SECONDS, VIDEO, map_of, measure, table_of
from reporting.tracking import read_metrics
from reporting.wandb_evaluation import numbers
from studies.measuring.measure import open_run, score
from studies.running.conductor import Interrupted, Progress
from studies.running.directory import RunSpec, State, state
from studies.running.run import train

ROOT = Path(__file__).resolve().parents[2]


def spec(root: Path, readout_every: int) -> RunSpec:
    settings = resolve(
        "demo",
        "catch",
        {
            "steps": 800, "learning_starts": 200, "eval_games": 2, "eval_every": 400,
            "checkpoint_every": 400, "readout_every": readout_every,
        },
    )  # fmt: skip
    return RunSpec("demo", "catch", "gap@0.5", 0, settings, root)


def told(run: RunSpec) -> list[dict[str, Any]]:
    """Return the rows without what is measured in seconds."""
    rows = read_metrics(run.directory / "metrics.jsonl")
    return [{k: v for k, v in row.items() if not k.startswith("time/")} for row in rows]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    run = spec(tmp_path_factory.mktemp("watched"), 200)
    train(run, wandb_mode="disabled")
    return run


def test_the_same_agent_comes_out_watched_or_not(watched: RunSpec, tmp_path: Path) -> None:
    alone = spec(tmp_path, 0)
    train(alone, wandb_mode="disabled")
    sha = [read_json(run.directory / "agent.json")["sha256"] for run in (watched, alone)]
    assert sha[0] == sha[1]
    rows = [row for row in told(watched) if "where/features_r2" not in row]
    assert rows == told(alone)
    assert not (tmp_path / "datasets").exists(), "nothing is drawn for a run that nobody watches"


def test_a_row_at_each_interval_says_how_well_each_layer_tells(watched: RunSpec) -> None:
    rows = [r for r in read_metrics(watched.directory / "metrics.jsonl") if READ_OUT_SECONDS in r]
    assert [row["global_step"] for row in rows] == [0, 200, 400, 600, 800]
    names = {f"where/{n}_r2" for n in ("conv1", "conv2", "conv3", "features", "hidden", "outputs")}
    assert all(set(row) == {"global_step", READ_OUT_SECONDS, *names} for row in rows)
    assert rows[0]["where/conv2_r2"] > rows[0]["where/features_r2"], "a global mean forgets place"
    assert rows[0]["where/conv2_r2"] != rows[-1]["where/conv2_r2"], "the agent learnt something"


def test_every_panel_of_the_dashboards_shows_what_is_logged(watched: RunSpec) -> None:
    """Against a real run's metrics.jsonl, a real score, and the one list of measures."""
    logged = set().union(*read_metrics(watched.directory / "metrics.jsonl"))
    run = open_run(watched.directory)
    score(run, EvaluationProtocol(), 2)
    evaluated = set(numbers(watched.directory / "evaluation")) | {measure(m) for m in MEASURES}
    tables = {table_of(m) for m in INSTRUMENTS} | {POSITION_BINS}
    media = {map_of(m) for m in ("values", "own_values", "ball_rewards")} | {VIDEO}
    assert {"values", "own_values", "ball_rewards"} <= set(INSTRUMENTS)
    known = {"line": logged, "bar": evaluated, "table": tables, "media": media}
    for panel in (panel for section in SECTIONS for panel in section.panels):
        if panel.kind == "lines":
            matched = {name for name in logged if re.search(panel.metrics[0], name)}
            assert matched == {name for name in logged if name.startswith("where/")}
            assert len(matched) == 6
        else:
            assert set(panel.metrics) <= known[panel.kind], panel.title


def test_a_run_that_was_stopped_is_read_out_as_one_that_was_not(
    watched: RunSpec, tmp_path: Path
) -> None:
    run, stop = spec(tmp_path, 200), Event()

    def stop_late(progress: Progress) -> None:
        if progress.step >= 500:
            stop.set()

    with pytest.raises(Interrupted):
        train(run, wandb_mode="disabled", report=stop_late, stop=stop)
    assert state(run) is State.INTERRUPTED
    train(run, wandb_mode="disabled")
    assert told(run) == told(watched)


def test_a_run_from_before_there_was_a_read_out_is_still_that_run(watched: RunSpec) -> None:
    path = watched.directory / "config.json"
    config = read_json(path)
    older = {k: v for k, v in config["settings"].items() if k != "readout_every"}
    try:
        write_json(path, {**config, "settings": older})
        assert state(watched) is State.FINISHED
        write_json(path, {**config, "settings": {**older, "batch_size": 7}})
        with pytest.raises(BadInput, match="batch_size: 7 there, 32 asked for"):
            state(watched)
    finally:
        write_json(path, config)


def test_published_runs_keep_their_fingerprints() -> None:
    rows = list((ROOT / "results" / "runs").rglob("*.json"))
    assert rows
    for path in rows:
        row = json.loads(path.read_text())
        protocol = training_protocol(parse_settings(row["settings"]))
        assert fingerprint(protocol) == row["training_fingerprint"], path
