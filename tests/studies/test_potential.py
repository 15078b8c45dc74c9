"""The queue of what is asked of the game itself."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.measurements import Measurement, collect, save
from analysis.readings import Measured, Reading
from studies.networks import potential
from studies.networks.potential import left, protocol
from studies.running.worker import Options


def test_seeds_in_rounds_and_what_has_its_row_is_not_done_again(tmp_path: Path) -> None:
    runs = left("pong", [3, 1], tmp_path / "runs", tmp_path / "results")
    assert [(r.seed, r.what, r.arm) for r in runs[:6]] == [
        (3, "place_share", "held"),
        (3, "place_share", "along"),
        (3, "ram_oracle", "held"),
        (3, "ram_oracle", "along"),
        (3, "place_share_random", "held"),
        (3, "place_share_random", "along"),
    ]
    assert [r.seed for r in runs] == [3] * 6 + [1] * 6
    assert len({r.published for r in runs}) == 12
    for run, measures in (
        (runs[1], ["place_share", "place_share_alone"]),
        (runs[0], ["place_share"]),
    ):
        save(
            [Measurement(m, "ball_tracker", 3, "game", "pong", 0.5) for m in measures],
            run.published,
        )
    again = left("pong", [3, 1], tmp_path / "runs", tmp_path / "results")
    assert again == [runs[0], *runs[2:]], "one that lacks a measure is measured again"


def test_whatever_is_measured_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As what `left` and `collect` take it for; the numbers beside the shares lie there, too."""
    shares = tuple(Reading(name, 0.5, "held") for name in ("place_share", "place_share_alone"))
    table = pd.DataFrame({"kind": ["kept share"], "value": [0.9]})
    oracle = Measured(
        pd.DataFrame({"epoch": [1]}), (Reading("reward_share", 0.8, "held", row="ram_oracle"),)
    )
    monkeypatch.setattr(
        potential,
        "_take",
        lambda run: oracle if run.what == "ram_oracle" else Measured(table, shares),
    )
    folders = tmp_path / "runs", tmp_path / "results"
    for run in left("breakout", [0], *folders):
        potential.perform(run, Options(1, "disabled", "cpu", 1), lambda _: None, threading.Event())
        assert run.numbers.exists() == (run.what != "ram_oracle")
    assert not left("breakout", [0], *folders)
    rows = {found.row for found in collect([folders[1]])}
    assert rows == {"ball_tracker", "random_player", "ram_oracle"}


def test_seeds_and_arms_are_compared_games_and_measures_are_not(tmp_path: Path) -> None:
    share, _, oracle, _, by_chance, _ = left("pong", [0], tmp_path, tmp_path)
    assert protocol(replace(share, seed=9, arm="along")) == protocol(share)
    assert protocol(replace(share, game="breakout")) != protocol(share) != protocol(oracle)
    assert protocol(by_chance) != protocol(share), "who plays on matters"


def test_where_nobody_opposes_there_is_one_arm(tmp_path: Path) -> None:
    """Two would be two measurements of one thing: under one key, which `collect` refuses."""
    runs = left("breakout", [0, 1], tmp_path, tmp_path)
    assert [(r.seed, r.what, r.arm) for r in runs] == [
        (0, "place_share", "held"), (0, "ram_oracle", "held"), (0, "place_share_random", "held"),
        (1, "place_share", "held"), (1, "ram_oracle", "held"), (1, "place_share_random", "held"),
    ]  # fmt: skip
    assert runs[1].published == tmp_path / "potential/breakout/ram_oracle/measurements-seed0.json"
    assert runs[1].title == "breakout/ram_oracle/seed0"
    pong = left("pong", [0], tmp_path, tmp_path)
    assert [r.title for r in pong][2:4] == [
        "pong/ram_oracle-held/seed0",
        "pong/ram_oracle-moved/seed0",
    ]
