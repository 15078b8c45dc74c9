"""Drawn pictures: what was asked for, where it was asked for, on the field that Pong has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.tasks.drawn import (
    BACKGROUND,
    BALL_CONTRAST,
    WALL,
    Marks,
    centres_x_84,
    centres_y_84,
    field,
    pictures,
    shape_number,
    size_screen,
    stencil,
)
from envs.emulator import Emulator, shrink
from envs.games import PONG
from envs.scenes import SHAPES, mask


def one(shape: str, x_84: float, y_84: float, side_84: float = 16, orientation: int = 0) -> Marks:
    return Marks(
        picture=np.array([0]),
        shape=np.array([shape_number(shape)]),
        orientation=np.array([orientation]),
        x_84=np.array([x_84]),
        y_84=np.array([y_84]),
        side_84=np.array([float(side_84)]),
        contrast=np.array([BALL_CONTRAST]),
    )


def test_the_field_is_pongs() -> None:
    """Between paddles and score, where nothing moves, the emulator draws the same pixels."""
    emulator = Emulator(PONG, seed=0)
    for _ in range(80):
        emulator.act(0)
    clear = slice(20, 30)
    assert (emulator.grey()[:, clear] == field()[:, clear]).all()
    assert BALL_CONTRAST == WALL - BACKGROUND == 149


def test_a_thing_is_as_large_and_where_it_was_asked_for() -> None:
    """Square behind the resizing: centre of mass and extent in network pixels, by hand."""
    x, y = centres_x_84(16)[40], centres_y_84(16)[30]
    drawn = pictures(one("square", x, y), 1)
    assert (drawn == drawn[:, :1]).all()
    light = drawn[0, 0].astype(float) - shrink(field())
    rows, columns = np.indices((84, 84)) + 0.5
    assert np.average(columns, weights=light) == pytest.approx(x, abs=0.1)
    assert np.average(rows, weights=light) == pytest.approx(y, abs=0.1)
    side = 16 * 0.71  # of the square within its square
    assert light.sum() / BALL_CONTRAST == pytest.approx(side**2, rel=0.05)
    assert np.count_nonzero(light.sum(axis=0)) == pytest.approx(side, abs=1.5)
    assert np.count_nonzero(light.sum(axis=1)) == pytest.approx(side, abs=1.5)


def test_shapes_are_those_of_the_scenes() -> None:
    """The same drawing, stretched: equal where a screen pixel of either covers the same place."""
    assert size_screen(21) == (40, 52)
    for name in SHAPES:
        for orientation in (0, 3):
            ours = stencil(shape_number(name), orientation, 21)
            rows, columns = np.indices(ours.shape)
            theirs = mask(name, 400, orientation)
            at = ((rows + 0.5) / 52 * 400).astype(int), ((columns + 0.5) / 40 * 400).astype(int)
            assert (ours == theirs[at]).mean() > 0.97, name
    with pytest.raises(ValueError, match="got 'blob'"):
        shape_number("blob")


def test_every_place_is_inside_and_none_beyond() -> None:
    for x in centres_x_84(24)[[0, -1]]:
        for y in centres_y_84(24)[[0, -1]]:
            assert (pictures(one("disc", x, y, 24), 1) > 236).sum() == 0
    with pytest.raises(ValueError, match="inside the field"):
        pictures(one("disc", centres_x_84(24)[0] - 1, centres_y_84(24)[0], 24), 1)
    with pytest.raises(ValueError, match="inside the field"):
        pictures(one("disc", centres_x_84(24)[0], centres_y_84(24)[-1] + 1, 24), 1)


def test_two_pictures_and_an_empty_one() -> None:
    a = one("disc", centres_x_84(8)[9], centres_y_84(8)[9], 8)
    columns = {n: np.concatenate([getattr(a, n)] * 2) for n in a.__dataclass_fields__}
    both = replace(Marks(**columns), picture=np.array([2, 0]))
    drawn = pictures(both, 3)
    assert (drawn[1, 0] == shrink(field())).all()
    assert (drawn[0] == drawn[2]).all()
    assert (drawn[0] != drawn[1]).any()
