"""Ladders: exact distances, one scene otherwise, in every game."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_ladders import small_ladders

from analysis.datasets import teleport_set
from analysis.pictures.frames import TeleportSettings
from analysis.pictures.ladder_sets import LadderSettings, ladder_set
from analysis.pictures.ladders import Ladders, rungs, rungs_of
from envs.facts import Box
from envs.games import GAMES, find
from envs.positions import facts_of


@pytest.fixture(scope="module")
def ladders() -> Ladders:
    return small_ladders()


def box_of_change(picture: np.ndarray, other: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of where two frames differ."""
    rows, columns = np.nonzero(picture != other)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_shapes_and_what_is_shown(ladders: Ladders) -> None:
    """The newest frame differs from the one without the ball just where the ball is said to be."""
    assert ladders.observations.shape == (15, 48, 4, 84, 84)
    assert ladders.condition == "held"
    for s in range(len(ladders)):
        for i, (x_screen, y_screen) in enumerate(ladders.places[s].tolist()):
            newest, empty = ladders.observations[s, i, 3], ladders.without_ball[s, 3]
            left, top, right, bottom = box_of_change(newest, empty)
            # The frame before is in the same picture: the ball came from up to two pixels away.
            assert left <= x_screen * 0.525 + 1
            assert right >= x_screen * 0.525
            assert right - left <= (2 + 2) * 0.525 + 2
            assert top <= y_screen * 0.4 + 1
            assert bottom >= y_screen * 0.4
            assert bottom - top <= (4 + 4) * 0.4 + 2


def test_a_pair_differs_in_one_coordinate_by_delta(ladders: Ladders) -> None:
    for axis, along in (("x", 0), ("y", 1)):
        found = ladders.pairs(axis)  # type: ignore[arg-type]
        assert list(found) == [1, 2, 4, 8, 16, 32, 64]
        assert [len(pairs) for pairs in found.values()] == [6] * 6 + [3]
        for delta, pairs in found.items():
            for i, j in pairs:
                apart = ladders.places[:, j] - ladders.places[:, i]
                assert (apart[:, along] == delta).all()
                assert (apart[:, 1 - along] == 0).all()
    assert len(ladders.pairs("x", "fixed")[1]) == 4
    assert len(ladders.pairs("y", "roaming")[1]) == 2


def test_a_shift_of_the_ball_is_a_shift_of_the_difference(ladders: Ladders) -> None:
    """The same ink at both ends of a ladder, but for the rounding of a few pixels."""
    i, j = ladders.pairs("x", "fixed")[64][0]
    shown = ladders.observations.astype(int)
    ink = np.abs(shown - ladders.without_ball[:, None]).sum(axis=(2, 3, 4))
    assert (ink > 500).all()
    assert ink[:, j] / ink[:, i] == pytest.approx(np.ones(len(ladders)), rel=0.1)


def test_fixed_and_roaming(ladders: Ladders) -> None:
    for i, rung in enumerate(ladders.rungs):
        different = len(np.unique(ladders.places[:, i], axis=0))
        assert different == 1 if rung.kind == "fixed" else different > 1
    assert [len(numbers) for numbers in ladders.by_ladder()] == [8] * 6


def test_no_ball_is_the_same_whichever_rung_it_was_painted_over_on(ladders: Ladders) -> None:
    """Wherever no ball of a scene ever is, all its inputs are the one without the ball."""
    without = ladders.without_ball[:, None]
    touched = (ladders.observations != without).mean(axis=(2, 3, 4))
    assert (touched < 0.01).all()
    assert (touched > 0.0005).all()


def test_episodes_are_dealt_out_whole(ladders: Ladders) -> None:
    assert ladders.episode.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert ladders.episode_fold(2).tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("name", GAMES)
def test_ladders_stay_in_every_games_rectangle(name: str) -> None:
    game = find(name)
    found = rungs_of(game)
    assert [r.offset for r in found if r.ladder == 0][:3] == [0, 1, 2]
    if game.facts is None:
        return
    box, ball = facts_of(game).places, facts_of(game).ball
    for rung in found:
        low, high = (box.left, box.right) if rung.axis == "x" else (box.top, box.bottom)
        assert low <= rung.along < high
        step = abs((ball.x if rung.axis == "x" else ball.y).scale)
        assert (rung.along - low) % step == 0
    half = [r.along for r in found if r.offset == 0 and r.axis == "x"]
    assert half[1] - half[0] == 8


def test_no_room() -> None:
    with pytest.raises(ValueError, match="expected a rectangle with room for a ladder along y"):
        rungs(Box(0, 0, 100, 10), (1, 1), (16, 20))


@pytest.mark.parametrize(("name", "condition"), [("breakout", ""), ("catch", "")])
def test_other_games(name: str, condition: str, tmp_path: Path) -> None:
    settings = LadderSettings(name, episodes=2, moments=1)
    found = ladder_set(settings, workers=1, folder=tmp_path)
    assert found.condition == condition
    assert np.isfinite(found.velocity_screen).all()
    longest = {axis: max(found.pairs(axis)) for axis in ("x", "y")}  # type: ignore[arg-type]
    if name == "catch":
        assert longest == {"x": 32, "y": 32}
        assert found.delta_screen("x", 21) == pytest.approx(40)
        i, j = found.pairs("y")[32][0]
        moved = np.roll(found.observations[:, i, :, :80], 32, axis=2)
        assert (moved == found.observations[:, j, :, :80]).all()
    else:
        assert longest == {"x": 64, "y": 32}
    again = ladder_set(settings, workers=1, folder=tmp_path)
    assert (again.observations == found.observations).all()
    assert again.rungs == found.rungs


def test_no_scene_is_one_that_networks_are_trained_on(tmp_path: Path) -> None:
    """Without the ball, what is left of a scene tells it from others, even in one game."""
    first = LadderSettings(episodes=5, moments=2)
    ladders = ladder_set(first, workers=1, folder=tmp_path)
    settings = TeleportSettings(episodes=5, moments=2, places=9)
    frames = teleport_set(settings, workers=1, folder=tmp_path)
    numbers = np.unique(frames.moment)
    # The ball is in few of nine places at a time: the median is the picture without it.
    empty = [np.median(frames.observations[frames.moment == m], axis=0) for m in numbers]
    assert len(ladders.without_ball) == len(empty) == 10
    assert not any(np.array_equal(mine, its) for mine in ladders.without_ball for its in empty)
