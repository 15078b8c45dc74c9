"""Every task by name: what is built is what was asked for."""

from __future__ import annotations

import pytest

from analysis.tasks import catalogue
from commandline import BadInput


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


def test_where_rates_are() -> None:
    rates = catalogue.where_rates_are
    assert rates("where", "pong", "held") == ("where", "pong", "held")
    assert rates("reward", "pong", "moved") == ("reward", "pong", "moved")
    assert rates("glyphs", "pong", "glyph=8,cell=2") == ("what", "pong", "")


def test_what_there_is_not() -> None:
    with pytest.raises(BadInput, match=r"game: expected .*pong.* got 'catch'"):
        catalogue.task("what", "catch", "")
    with pytest.raises(BadInput, match="condition"):
        catalogue.task("glyphs", "pong", "glyph=9,cell=2")
