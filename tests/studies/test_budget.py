"""A study that has to be over by a time stops before it, and says what is left."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import time
from pathlib import Path
from threading import Event
from typing import Any

import pytest

import train
from agents.dqn import BallparkDQN
from agents.resume import steps_saved
from agents.settings import resolve
from commandline import BadInput
from studies.launch import Outcome
from studies.launching.budget import ALWAYS, SPARE, TIME_IS_UP, Budget, parse_duration
from studies.measuring.scored_run import train_and_score
from studies.running.conductor import Interrupted, Memory, Progress
from studies.running.directory import RunSpec
from studies.running.worker import Options, train_run
from studies.verify_resume import differences
from tests.studies.processes import rows


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("90s", 90), ("9m", 540), ("2h", 7200), ("1h30m", 5400), ("1h0m5s", 3605), ("10s", 10)],
)
def test_durations(given: str, seconds: float) -> None:
    assert parse_duration("--time-budget", given) == seconds


@pytest.mark.parametrize("given", ["", "9", "m", "9 m", "1.5h", "-9m", "30m1h", "9d", "9mm", "٣m"])
def test_what_is_no_duration(given: str) -> None:
    with pytest.raises(BadInput, match=r"^--t: expected a time such as 90s, 9m, 2h or 1h30m, got"):
        parse_duration("--t", given)


@pytest.mark.parametrize(
    ("status", "ends_with", "waits_again"), [(0, 0, False), (75, 0, True), (1, 1, False)]
)
def test_the_batch_job_of_the_page_ends_as_its_command_does(
    tmp_path: Path, status: int, ends_with: int, waits_again: bool
) -> None:
    page = (Path(train.__file__).parent / "docs" / "clusters.md").read_text(encoding="utf-8")
    (script,) = (block for block in page.split("```") if "#SBATCH" in block)
    command = re.compile(r"(?m)^\.venv/bin/python (.*\\\n)*.*$")
    trained = command.sub(f"(exit {status})", script, count=1)
    assert trained != script
    (tmp_path / "job.sh").write_text(trained.strip())
    (tmp_path / "sbatch").write_text('#!/bin/sh\necho "$1" > "$0.called"\n')
    (tmp_path / "sbatch").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", str(tmp_path / "job.sh")], env={**os.environ, "PATH": path}, check=False
    )
    assert ended.returncode == ends_with
    assert (tmp_path / "sbatch.called").exists() == waits_again


def test_too_little() -> None:
    with pytest.raises(BadInput, match=r"^--t: expected at least 10s, got '9s'$"):
        parse_duration("--t", "9s")


def test_the_margin_grows_with_the_longest_pause() -> None:
    now = 100.0
    budget = Budget(60.0, clock=lambda: now)
    assert (budget.left, budget.margin) == (60.0, ALWAYS)
    for pause in (3.0, 10.0, 1.0):
        budget.learn(pause)
    assert budget.margin == ALWAYS + SPARE * 10.0
    assert not budget.over
    now = 160.0 - budget.margin
    assert budget.over
    now = 200.0
    assert budget.left == -40.0
    budget.learn(100.0)
    assert budget.margin == 30.0, "else nothing would get done, call after call"


def test_nothing_is_begun_that_would_be_stopped_at_once() -> None:
    now = 0.0
    budget = Budget(60.0, clock=lambda: now)
    budget.learn_start(8.0)
    now = 60.0 - ALWAYS - 16.5
    assert budget.worth_beginning
    now += 1.0
    assert not budget.worth_beginning
    assert not budget.over


def test_a_study_stops_in_time_and_the_same_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--game", "catch", "--extractor", "gap@0.5", "--preset", "demo", "--eval-games", "2",
             "--readout-every", "0",
             "--steps", "300000", "--wandb", "disabled", "--out", str(tmp_path)]  # fmt: skip
    began = time.monotonic()
    status = train.main([*words, "--seed", "0", "1", "--time-budget", "13s"])
    taken, told = time.monotonic() - began, capsys.readouterr().out
    assert status == TIME_IS_UP, told
    assert taken < 13 + 5, "what comes after the budget is the end of a process"
    assert "on this machine" not in told, "how fast it is would be measured at every call"
    run = tmp_path / "demo" / "catch" / "gap@0.5" / "seed0"
    saved = [int(p.name) for p in (run / "checkpoint").glob("[0-9]" * 12)]
    left = 600_000 - max(saved, default=0)
    pattern = rf"time is up: 0 of 2 runs finished, 2 wait, left {left:,} of 600,000 agent steps.*"
    assert re.search(pattern + "the same command goes on", told)
    assert not (run.parent / "seed1").exists(), "it waits for its turn"
    if saved:  # on a machine that is not too busy
        assert json.loads((run / "config.json").read_text())["settings"]["steps"] == 300_000
        assert rows(run)
        assert re.search(r"about \d+ (s|min|h)", told)


def test_what_comes_after_training_hears_the_wish_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped as it has been trained, again before its final score; nothing of it shows."""
    changes = {"steps": 1_200, "eval_games": 2, "readout_every": 600, "checkpoint_every": 600}
    settings = resolve("demo", "catch", changes)
    whole, cut = (RunSpec(s, "catch", "gap@0.125", 0, settings, tmp_path) for s in ("a", "b"))
    options, told = Options(1, "disabled", "cpu", 1), list[Progress]()
    train_run(whole, options, told.append, Event())
    first, *_, last = told
    assert (first.pause, last.pause > 0) == (0, True)

    stop, learn = Event(), BallparkDQN.learn

    def learn_and_stop(*words: Any, **more: Any) -> BallparkDQN:
        found = learn(*words, **more)
        stop.set()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(BallparkDQN, "learn", learn_and_stop)
        with pytest.raises(Interrupted):
            train_and_score(cut, options, told.append, stop)
    assert steps_saved(cut.directory / "checkpoint")[0] == 1_200
    assert not (cut.directory / "agent.json").exists()

    def answer(progress: Progress) -> None:
        told.append(progress)
        if progress.doing == "final score":
            stop.set()

    stop.clear()
    told.clear()
    with pytest.raises(Interrupted):
        train_and_score(cut, options, answer, stop)
    begin = next(progress for progress in told if progress.doing == "scoring")
    assert begin.pause > 0, "known from the call before"
    assert told[-1].pause >= begin.pause * 30 / 2, "30 games, by what 2 took"
    assert differences(whole.directory, cut.directory, wandb=False) == []
    assert not (cut.directory / "evaluation").exists()

    train_and_score(cut, options, told.append, Event())
    assert (cut.directory / "evaluation" / "scores.json").exists()
    assert (told[-1].doing, told[-1].pause > 0) == ("scored", True)


def test_checkpoints_without_pauses_are_read_and_odd_ones_are_not() -> None:
    mark = {"size": 0, "sha256": "0" * 64}
    old = {"boundary": 0, "games": [], "score": None, "metrics": mark}
    assert Memory.parse(old).pauses == {}
    known = {**old, "pauses": {"evaluation": 2.5}}
    assert Memory.parse(known).as_json() == known
    for odd in (3, [1], {"evaluation": "long"}, {"evaluation": -1.0}, {"evaluation": math.inf}):
        with pytest.raises(BadInput, match="expected what a run remembers"):
            Memory.parse({**old, "pauses": odd})


@pytest.mark.parametrize(
    ("interrupted", "failed", "timed_out", "status"),
    [
        ((), (), False, 0),
        (("a",), (), False, 130),
        (("a",), (), True, TIME_IS_UP),
        (("a",), (("b", "why"),), True, TIME_IS_UP),  # the others go on
        ((), (("b", "why"),), True, 1),
        (("a",), (("b", "why"),), False, 1),
    ],
)
def test_the_status_says_whether_to_call_again(
    interrupted: tuple[str, ...],
    failed: tuple[tuple[str, str], ...],
    timed_out: bool,
    status: int,
) -> None:
    assert train.exit_status(Outcome((), interrupted, failed, timed_out)) == status
