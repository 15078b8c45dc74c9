"""A study from beginning to end: published at once, skipped once published, and where it stands."""

from __future__ import annotations

import io
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from rich.console import Console

import train
from analysis.measurements import load
from commandline import BadInput
from studies import status
from studies.launching.packing import Need, fit, room_here
from studies.measuring.scored_run import asked_of
from studies.running.directory import RunSpec, config
from studies.running.preflight import host_bytes
from studies.status import Standing, forecast
from studies.status_table import show_status
from tests.studies import processes
from tests.studies.processes import rows, wait_for

BOOM = """
import multiprocessing
from agents.architectures import find
from agents.extractors import ZooExtractor

class Boom(ZooExtractor):
    def __init__(self, observation_space):
        super().__init__(observation_space, find("gap@0.125"))
        if multiprocessing.parent_process() is not None:
            raise RuntimeError("no such luck")
"""


def study(folder: Path, **parameters: Any) -> Path:
    given = {"study_name": "s", "preset": "demo", "game": "catch", "eval_games": 2,
             "readout_every": 0, **parameters}  # fmt: skip
    axes = {k: {"values": v} if isinstance(v, list) else {"value": v} for k, v in given.items()}
    path = folder / "s.yaml"
    path.write_text(yaml.safe_dump({"method": "grid", "parameters": axes}))
    return path


def words(folder: Path, path: Path) -> list[str]:
    places = ["--out", str(folder / "runs"), "--results", str(folder / "results")]
    return ["--study", str(path), "--wandb", "disabled", *places]


def standing(
    folder: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    capsys.readouterr()
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    assert train.main([*words(folder, path), "--status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    after = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    assert told["counts"]["running"] or before == after, "looking changes nothing"
    return {run["run"]: run for run in told["runs"]}, told


def test_what_finishes_is_published_and_what_is_published_is_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = {"steps": 600, "eval_every": 200, "checkpoint_every": 300}
    path = study(tmp_path, extractor="half_max@0.125", seed=0, **small)
    ask = words(tmp_path, path)
    assert train.main(ask) == 0
    published = tmp_path / "results" / "runs" / "s" / "catch" / "half_max@0.125"
    assert {p.name for p in published.iterdir()} == {"seed0.json", "measurements-seed0.json"}
    row = json.loads((published / "seed0.json").read_text())
    assert (row["finished"], row["scores"]["games"], row["learning_rate_from"]) == (
        True, 30, "preset",
    )  # fmt: skip
    assert row["seconds"] > 0
    assert {m.measure for m in load(published / "measurements-seed0.json")} == {
        "score", "score_gain", "q_shift", "action_kappa",
    }, "what claims ask of half_max in Catch"  # fmt: skip

    run = tmp_path / "runs" / "s" / "catch" / "half_max@0.125" / "seed0"
    weights = (run / "agent.safetensors").stat().st_mtime_ns
    (published / "seed0.json").unlink()
    found, told = standing(tmp_path, path, capsys)
    assert (found["s/catch/half_max@0.125/seed0"]["state"], told["steps_left"]) == ("stopped", 0)
    assert train.main(ask) == 0
    assert "seed0: finished before; scored and published now" in capsys.readouterr().out
    assert json.loads((published / "seed0.json").read_text()) == row
    assert (run / "agent.safetensors").stat().st_mtime_ns == weights

    shutil.rmtree(tmp_path / "runs")
    assert train.main(ask) == 0
    assert "1 run of 1 published in" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()
    found, told = standing(tmp_path, path, capsys)
    assert told["counts"]["done"] == 1
    assert found["s/catch/half_max@0.125/seed0"]["steps_per_second"] == pytest.approx(
        600 / row["seconds"]
    )
    path = study(tmp_path, extractor="half_max@0.125", seed=0, **{**small, "steps": 500})
    with pytest.raises(BadInput, match=r"--results: .* other settings \(steps: 600 there, 500 ask"):
        train.main(ask)


def test_measured_is_what_claims_ask() -> None:
    assert asked_of("catch", "half_max@0.5") == asked_of("catch", "nature") == ("shifts",)
    assert asked_of("catch", "gap@0.5") == (), "its places are asked in Pong"
    assert asked_of("pong", "gap@0.5") == ("probes",)
    assert asked_of("pong", "net.py:Nature") == ()


def test_what_is_finished_is_told_whatever_its_folder_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In brackets it would be markup; and whoever looks on needs no GPU."""
    words = ["--game", "catch", "--out", str(tmp_path / "[" / "x]")]
    (spec,) = train.plan(train.Arguments(game=["catch"], out=tmp_path / "[" / "x]"))
    spec.directory.mkdir(parents=True)
    (spec.directory / "config.json").write_text(json.dumps(config(spec)))
    (spec.directory / "agent.json").write_text("{}")
    assert train.main(words) == 0
    assert f"finished before, skipped ({spec.directory})" in capsys.readouterr().out
    assert train.main([*words, "--status", "--json", "--device", "cuda"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["done"] == 1


def test_done_running_failed_killed_and_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "boom.py").write_text(BOOM)
    boom = f"{tmp_path}/boom.py:Boom"
    path = study(tmp_path, extractor=[boom, "gap@0.125"], seed=[0, 1], steps=4_900,
                 checkpoint_every=600, eval_every=4_900)  # fmt: skip
    found, told = standing(tmp_path, path, capsys)
    assert {run["state"] for run in found.values()} == {"waiting"}
    assert (told["steps_left"], told["seconds_left"]) == (4 * 4_900, None)

    process = processes.start(*words(tmp_path, path))
    workers = []
    try:
        run = tmp_path / "runs" / "s" / "catch" / "gap@0.125" / "seed0"
        wait_for(
            lambda: (run / "metrics.jsonl").exists() and rows(run)[-1:]
            and rows(run)[-1]["global_step"] >= 1_500
        )  # fmt: skip
        found, told = standing(tmp_path, path, capsys)
        process.send_signal(signal.SIGSTOP)  # or it would begin the run again
        workers = processes.workers(process.pid)
    finally:
        for worker in workers:
            worker.kill()
        process.kill()
        process.communicate()
        psutil.wait_procs(workers)
    assert found["s/catch/gap@0.125/seed0"]["state"] == "running"
    assert found["s/catch/gap@0.125/seed0"]["step"] >= 1_500
    assert found["s/catch/gap@0.125/seed1"]["state"] == "waiting"
    assert told["at_a_time"] == 1
    assert told["seconds_left"] > 0
    assert len(told["guessed"]) == 1, "how fast the failed network is nobody knows"

    found, told = standing(tmp_path, path, capsys)
    (failed,) = (r for r in found.values() if r["state"] == "failed")
    assert failed["why"] == "RuntimeError: no such luck"
    killed = found["s/catch/gap@0.125/seed0"]
    saved = [int(p.name) for p in (run / "checkpoint").glob("[0-9]*")]
    assert (killed["state"], killed["step"]) == ("killed", max(saved))
    assert told["counts"] == {
        "done": 0, "running": 0, "stopped": 0, "killed": 1, "failed": 1, "waiting": 2,
    }  # fmt: skip

    assert train.main([*words(tmp_path, path), "--status"]) == 0
    drawn = capsys.readouterr().out
    assert "gap@0.125" in drawn
    assert "† s/catch/gap@0.125/seed0: its process was killed" in drawn
    assert "0 of 4 runs are done" in drawn


def test_the_forecast_by_hand() -> None:
    """Two at work, 10 s and 40 s left; then 30 s, taken up at 10 by the one that is free: 40 s."""
    spec = train.plan(train.Arguments(game=["catch"], steps=1_000))[0]

    def one(how: status.How, step: int, rate: float | None = 0.05) -> Standing:
        return Standing(spec, how, step, seconds_a_step=rate)

    at_work = [one("running", 800), one("running", 200)]
    assert forecast([*at_work, one("stopped", 400)], 7).seconds == pytest.approx(40)
    assert forecast([*at_work, one("waiting", 0)], 7).seconds == pytest.approx(60)
    assert forecast([one("waiting", 0, None), one("done", 1_000)], 1).seconds == pytest.approx(50)
    assert forecast([one("waiting", 0, None)], 1).seconds is None
    assert forecast([one("done", 1_000)], 1).seconds == 0


@pytest.mark.parametrize("asked", [None, "0", "3"])
def test_the_forecast_reckons_with_the_workers_that_there_will_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str | None
) -> None:
    path = Path(train.__file__).parent / "studies" / "catch.yaml"
    more = [] if asked is None else ["--workers", asked]
    assert train.main([*words(tmp_path, path), *more, "--status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    specs = train.plan(train.Arguments(study=[path]))
    most = fit(Need(1, host_bytes(specs, "cpu")), room_here("cpu"))
    assert told["at_a_time"] == {None: 1, "0": max(1, min(most, 90)), "3": 3}[asked]


def test_an_unmeasured_row_is_guessed_by_its_multiply_adds() -> None:
    specs = train.plan(train.Arguments(extractor=["nature", "half_max"], steps=1_000))
    known, guessed = (
        Standing(specs[0], "done", 1_000, seconds_a_step=0.01),
        Standing(specs[1], "waiting"),
    )
    coming = forecast([known, guessed], 1)
    assert coming.guessed == ("pong/half_max",)
    assert coming.seconds == pytest.approx(1_000 * 0.01 * 25.3 / 9.3, rel=0.01)


def test_the_table_fits_eighty_columns() -> None:
    """A whole study with every state in it; nothing is folded."""
    path = Path(train.__file__).parent / "studies" / "catch.yaml"
    specs: list[RunSpec] = train.plan(train.Arguments(study=[path]))
    states: list[status.How] = ["done", "running", "failed", "killed", "stopped", "waiting"]
    found = [
        Standing(spec, states[i * len(states) // len(specs)], 20_000, "", 0.005)
        for i, spec in enumerate(specs)
    ]
    console = Console(width=80, record=True, file=io.StringIO())
    show_status(found, 2, console, as_json=False)
    lines = console.export_text().splitlines()
    assert lines[0] == "catch · Catch, 40,000 agent steps a run, learning rate 0.0001"
    (line,) = (line for line in lines if line.startswith("gap_learned@0.5"))
    assert line.split() == ["gap_learned@0.5", *"■▶▶✗✗†‖‖··", "200"]
