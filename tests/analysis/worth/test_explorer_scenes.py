"""What the explorer draws is what networks were shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_explorers import STEPS, small_scene

from analysis.worth.explorer_scenes import ExplorerSettings, Scene, explorer_scene, lattice, reach
from commandline import BadInput
from envs.emulator import shrink
from envs.facts import Box
from envs.games import SCREEN_HEIGHT, SCREEN_WIDTH, find
from envs.positions import X_84, Y_84
from envs.teleport import luminance


def test_places_lie_on_one_lattice() -> None:
    places = lattice((3, 10), (9, 14), (40, 64), (2, 3))
    assert places.tolist() == [[4, 10], [6, 10], [8, 10], [4, 13], [6, 13], [8, 13]]


def test_a_flight_stays_in_its_box() -> None:
    path = np.array([[-13.0, 6.5], [0.0, 0.0]])  # it came from the left, and from below
    assert reach(Box(20, 34, 140, 194), 2, 4, path) == [[33, 34], [138, 183]]


@pytest.mark.parametrize("game", STEPS)
def test_grids_are_whole_and_the_ball_is_there(game: str) -> None:
    scene = small_scene(game)
    seen = (scene.observations != scene.without_ball[scene.velocity]).any(axis=(1, 2, 3))
    assert seen.all()
    for number in range(len(scene.velocities_screen)):
        places = scene.places_screen[scene.velocity == number]
        x, y = np.unique(places[:, 0]), np.unique(places[:, 1])
        assert len(x) > 2
        assert len(y) > 2
        np.testing.assert_array_equal(places, [(a, b) for b in y for a in x])
        # The trail ends where the ball is and runs along the velocity.
        trail, velocity = scene.trail_screen[number], scene.velocities_screen[number]
        assert not trail[-1].any()
        assert (np.sign(-trail[0]) == np.sign(velocity)).all()


@pytest.mark.parametrize("game", ["pong", "breakout"])
def test_drawn_again_the_picture_is_the_network_input(game: str) -> None:
    """The page's background with the ball at the place: what the newest frame of an input shows."""
    scene, facts = small_scene(game), find(game).facts
    assert facts is not None
    top = scene.facts["origin_screen"][1]
    background = np.zeros((SCREEN_HEIGHT, SCREEN_WIDTH), np.uint8)
    grey = scene.picture.astype(float) @ (0.299, 0.587, 0.114)
    background[top : top + len(grey)] = np.round(grey)
    for i in range(0, len(scene.velocity), 37):
        frame = background.copy()
        for offset in scene.trail_screen[scene.velocity[i]][-2:]:  # the last two raw frames
            x, y = (scene.places_screen[i] + offset).astype(int)
            frame[y : y + facts.ball.height, x : x + facts.ball.width] = luminance(
                facts.ball.colour
            )
        # Where nothing but the ball moves; a network pixel at the edge sees what lies beyond.
        clear = facts.clear
        rows = slice(int(np.ceil(clear.top * Y_84)), int(clear.bottom * Y_84))
        columns = slice(int(np.ceil(clear.left * X_84)), int(clear.right * X_84))
        shown = scene.observations[i, -1][rows, columns].astype(int)
        assert np.abs(shrink(frame)[rows, columns] - shown).max() <= 1


def test_the_same_for_catch() -> None:
    scene = small_scene("catch")
    for i in range(0, len(scene.velocity), 11):
        frame = scene.picture[:, :, 0].copy()
        x, y = np.round(scene.places_screen[i] * (X_84, Y_84)).astype(int)
        frame[y : y + 3, x : x + 3] = 255
        np.testing.assert_array_equal(frame, scene.observations[i, -1])


def test_it_is_kept(tmp_path: Path) -> None:
    settings = ExplorerSettings("catch", 20, 20)
    first = explorer_scene(settings, folder=tmp_path)
    again = explorer_scene(settings, folder=tmp_path, tell=pytest.fail)
    other = explorer_scene(ExplorerSettings("catch", 20, 20, seed=1), folder=tmp_path)
    assert first.facts == again.facts
    np.testing.assert_array_equal(first.observations, again.observations)
    assert isinstance(other, Scene)
    assert other.facts["key"] != first.facts["key"]
    assert (other.observations != first.observations).any()
    with pytest.raises(BadInput, match="expected one of pong"):
        explorer_scene(ExplorerSettings("tennis"), folder=tmp_path)
