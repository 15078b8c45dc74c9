"""The share of place on real scenes: crossed, repeatable, and said with its errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.worth.place_scenes import PlaceSettings, Scenes, scenes
from analysis.worth.place_share import place_share
from analysis.worth.rewards import condition_of
from commandline import BadInput

SMALL = PlaceSettings("breakout", episodes=4, moments=1, rollouts=2)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Scenes:
    return scenes(SMALL, workers=1, folder=tmp_path_factory.mktemp("sets"))


def test_every_scene_has_every_place_twice(found: Scenes) -> None:
    kept = len(found.rewards)
    assert found.rewards.shape == (kept, 6 * 3, 2, 2)
    assert 3 <= kept <= 4
    assert set(np.unique(found.rewards)) <= {0, 1}
    assert len(np.unique(found.episode)) == kept
    assert found.facts["counts"]["rollouts"] == kept * 72
    assert 0.5 < found.facts["kept_share"] <= 1


def test_what_is_read_off(found: Scenes) -> None:
    measured = place_share(SMALL, found)
    reading, alone = measured.readings
    numbers = measured.table.set_index("kind")["value"]
    assert (reading.measure, reading.condition) == ("place_share", "")
    assert (alone.measure, alone.value) == ("place_share_alone", numbers["first-order share"])
    assert reading.value == numbers["total share"]
    whole = numbers["variance by place within a scene"] + numbers["variance between scenes"]
    assert numbers["variance by place within a scene"] / whole == pytest.approx(reading.value)
    assert numbers["scenes"] == len(found.rewards)
    measurements = measured.measurements("ball_tracker", 0, "game", "breakout", 0, "f")
    assert {m.row for m in measurements} == {"ball_tracker"}


def test_the_random_policy_decides_nothing(found: Scenes) -> None:
    """Claims ask for other conditions than its own."""
    measured = place_share(replace(SMALL, policy="random"), found)
    assert {reading.condition for reading in measured.readings} == {"policy=random"}


def test_conditions_are_the_claims() -> None:
    assert [condition_of("pong", arm) for arm in ("held", "along")] == ["held", "moved"]
    assert condition_of("breakout", "held") == ""
    assert condition_of("pong", "along", "random") == "moved,policy=random"
    assert condition_of("breakout", "held", "random") == "policy=random"


def test_planted_shares(found: Scenes) -> None:
    """Rewards by place alone have the share 1, rewards by scene alone the share 0."""
    rng = np.random.default_rng(0)
    places, games = rng.normal(size=(1, 18, 2, 1)), rng.normal(size=(30, 1, 1, 1))
    noise = 0.1 * rng.normal(size=(30, 18, 2, 2))
    for worth, share in ((places + noise, 1), (games + noise, 0)):
        planted = Scenes(worth, np.arange(30), found.facts)
        numbers = place_share(SMALL, planted).table.set_index("kind")["value"]
        assert numbers["total share"] == pytest.approx(share, abs=0.02)
        assert numbers["first-order share"] == pytest.approx(share, abs=0.02)


def test_games_without_a_script_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected pong or breakout, got 'catch'"):
        scenes(PlaceSettings("catch"), folder=tmp_path)
