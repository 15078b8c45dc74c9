"""A study that has to be over by a time stops before it, and says what is left."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from commandline import BadInput
from studies.launching.budget import ALWAYS, SPARE, TIME_IS_UP, Budget, parse_duration
from tests.studies.processes import finish, rows


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


def test_nothing_is_begun_that_would_be_stopped_at_once() -> None:
    now = 0.0
    budget = Budget(60.0, clock=lambda: now)
    budget.learn_start(8.0)
    now = 60.0 - ALWAYS - 16.5
    assert budget.worth_beginning
    now += 1.0
    assert not budget.worth_beginning
    assert not budget.over


def test_a_study_stops_in_time_and_the_same_command_goes_on(tmp_path: Path) -> None:
    words = ["--game", "catch", "--extractor", "gap@0.5", "--preset", "demo", "--eval-games", "2",
             "--readout-every", "0",
             "--steps", "300000", "--wandb", "disabled", "--out", str(tmp_path)]  # fmt: skip
    began = time.monotonic()
    status, told, wrong = finish(*words, "--seed", "0", "1", "--time-budget", "13s")
    assert (status, wrong) == (TIME_IS_UP, ""), told
    assert time.monotonic() - began < 60, "far from the minutes that all of it would take"
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
