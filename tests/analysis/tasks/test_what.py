"""WHAT and WHERE on drawn pictures: who is in which part, and what skill means."""

from __future__ import annotations

import numpy as np
import pytest

from agents.architectures import find
from agents.extractors import ZooExtractor
from agents.geometry import ledger
from agents.transplant import transplant
from analysis.networks import build
from analysis.tasks.task import Task, content_hash
from analysis.tasks.what import (
    CELL_84,
    CELLS_84,
    DrawnSettings,
    accuracy_skill,
    beyond,
    glyphs,
    row_with_cell,
    what,
    where_across_shapes,
)
from envs.positions import X_84
from envs.scenes import SHAPES

SMALL = DrawnSettings(train=150, validation=60, test=80)


def test_left_is_trained_on_and_right_is_tested() -> None:
    task = what(SMALL)
    assert isinstance(task, Task)
    assert (task.name, task.condition, task.measure, task.outputs) == ("what", "", "what_skill", 8)
    for part in ("train", "validation"):
        assert task.marks[part].x_84.max() <= 42
    test = task.marks["test"].x_84
    assert (test > 42).all()
    assert (test <= 42 + CELL_84).all()
    assert test.max() > 42 + CELL_84 - 1
    assert len(task.parts["test"]) == 80
    assert 120 < len(task.parts["train"]) < 180
    assert set(task.parts["train"].targets) == set(range(8))
    # Nothing but the bar's direction may tell it: place and direction were drawn apart.
    marks = task.marks["train"]
    assert abs(np.corrcoef(marks.x_84, marks.orientation)[0, 1]) < 0.25
    again, other = what(SMALL), what(DrawnSettings(seed=1, train=150, validation=60, test=80))
    assert content_hash(task) == content_hash(again) != content_hash(other)


def test_skill_by_hand() -> None:
    task = what(SMALL)
    wanted = task.parts["test"].targets
    assert task.judge(np.eye(8, dtype=np.float32)[wanted], "test").skill == 1
    assert task.judge(np.eye(8, dtype=np.float32)[(wanted + 1) % 8], "test").skill == -1 / 7
    assert accuracy_skill(np.array([1.0, 0, 0, 0, 0, 0, 0, 0]), 8) == 0
    assert accuracy_skill(np.array([1.0, 1, 0, 0]), 2) == 0


def test_where_learns_from_the_same_bars_and_is_tested_on_crosses() -> None:
    """WHAT's training pictures are among WHERE's; its labels are the corner's place."""
    task, same = where_across_shapes(SMALL), what(SMALL)
    assert isinstance(task, Task)
    assert (task.condition, task.measure) == ("drawn,shape=cross", "where_r2")
    seen = {shown.tobytes() for shown in task.parts["train"].observations}
    assert {shown.tobytes() for shown in same.parts["train"].observations} <= seen
    bars = task.parts["test"].observations
    assert not {shown.tobytes() for shown in bars} & seen
    places = task.places_screen["train"]
    assert places[:, 0].min() > -1e-9
    assert np.abs(places - np.round(places)).max() < 1e-9
    side = SMALL.side_84 / X_84
    assert places[:, 0].max() <= 160 - side + 1
    told = (places - task.centre_screen) / task.spread_screen
    assert task.judge(told.astype(np.float32), "train").skill > 0.9999


def test_glyphs() -> None:
    """Seven shapes of the size asked for; the pictures do not depend on the cell."""
    small, large = glyphs(8, 2, SMALL), glyphs(32, 2, SMALL)
    assert small.condition == "glyph=8,cell=2"
    assert small.outputs == len(SHAPES) == 7
    light = [np.abs(t.parts["train"].observations - 87.0).mean() for t in (small, large)]
    assert light[1] > light[0]
    assert set(large.parts["train"].targets) == set(range(7))
    other = glyphs(8, 4, SMALL)
    assert (other.parts["test"].observations == small.parts["test"].observations).all()
    assert other.condition == "glyph=8,cell=4"


def test_no_room_beyond_the_field() -> None:
    rng = np.random.default_rng(0)
    far = beyond(SMALL, rng, 5, 20, 30).x_84 - 42
    assert ((far > 20) & (far <= 30)).all()
    with pytest.raises(ValueError, match="40 px beyond"):
        beyond(SMALL, rng, 5, 40, 50)


@pytest.mark.parametrize("row", ["twin_max", "twin_avg", "twin_pick"])
def test_twins_with_other_cells(row: str) -> None:
    """The first pool is as large as said, all shrink by 8, and take the same weights."""
    nature = build("nature@0.25", 0, 2)
    for cell in CELLS_84:
        name = row_with_cell(f"{row}@0.25", cell)
        entry = ledger(find(name))
        pool = entry.steps[1]
        assert pool.jump == cell
        assert entry.steps[-1].jump == 8
        network = build(name, 0, 2)
        assert isinstance(network.extractor, ZooExtractor)
        assert transplant(nature.extractor, network.extractor) == ()
        sides = [step.shape[1] for step in entry.steps]
        assert sides == {2: [77, 39, 36, 9, 7], 4: [77, 20, 17, 9, 7], 8: [77, 10, 7, 5]}[cell]
    assert row_with_cell(row, 4) == row
    with pytest.raises(ValueError, match="got 3"):
        row_with_cell(row, 3)
