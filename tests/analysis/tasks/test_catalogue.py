"""Every task by name: what is built is what was asked for."""

from __future__ import annotations

import pytest

from analysis.tasks import catalogue
from analysis.worth.returns import RewardSettings
from analysis.worth.rollouts import can_be_played_on
from commandline import BadInput
from envs.games import GAMES


@pytest.mark.parametrize(
    ("name", "condition", "outputs"),
    [("shapes", "drawn,shape=cross", 2), ("glyphs", "glyph=8,cell=8", 7), ("what", "", 8)],
)
def test_drawn_tasks(name: str, condition: str, outputs: int) -> None:
    task = catalogue.task(name, "pong", condition)
    assert (task.game, task.condition, task.outputs) == ("pong", condition, outputs)


def test_conditions_are_those_that_claims_name() -> None:
    """Claims 12 and 19 write them themselves, so that they do not change with the tasks."""
    assert "split=colours,states=2000" in catalogue.TASKS["overfitting"].games["pong"]
    assert len(catalogue.TASKS["overfitting"].games["pong"]) == 6
    assert "glyph=32,cell=4" in catalogue.TASKS["glyphs"].games["pong"]
    assert len(catalogue.TASKS["glyphs"].games["pong"]) == 9


def test_the_reward_is_learnt_where_a_script_plays_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """In both opponent arms of Pong, and once in Breakout, where nobody opposes."""
    games = catalogue.TASKS["reward"].games
    assert games == {"pong": ("held", "moved"), "breakout": ("",)}
    assert set(games) == {name for name, game in GAMES.items() if can_be_played_on(game)}
    built: list[RewardSettings] = []

    def stop(settings: RewardSettings) -> None:
        built.append(settings)
        raise StopIteration

    monkeypatch.setattr(catalogue, "reward_set", stop)
    for game, conditions in games.items():
        for condition in conditions:
            with pytest.raises(StopIteration):
                catalogue.task("reward", game, condition)
    assert [(s.game, s.arm) for s in built] == [
        ("pong", "held"), ("pong", "along"), ("breakout", "held"),
    ]  # fmt: skip


def test_where_rates_are() -> None:
    rates = catalogue.where_rates_are
    assert rates("where", "pong", "held") == ("where", "pong", "held")
    assert rates("reward", "pong", "moved") == ("reward", "pong", "held"), "one rate a row and task"
    assert rates("interpolation", "pong", "held,split=blocks,fold=3") == ("where", "pong", "held")
    assert rates("glyphs", "pong", "glyph=8,cell=2") == ("what", "pong", "")


def test_what_there_is_not() -> None:
    with pytest.raises(BadInput, match=r"game: expected .*pong.* got 'catch'"):
        catalogue.task("what", "catch", "")
    with pytest.raises(BadInput, match="condition"):
        catalogue.task("glyphs", "pong", "glyph=9,cell=2")
