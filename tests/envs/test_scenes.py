"""Drawn scenes: what is drawn is exactly what was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from envs.scenes import FIELDS, SHAPES, Field, Thing, draw, mask, observe, scatter
from envs.teleport import luminance

EIGHT = [(Thing(0, 0, "disc", 8),) * number for number in range(5)]


def test_a_square_by_hand() -> None:
    """A 2 × 2 block of screen pixels, and what area interpolation makes of it."""
    frame = draw(FIELDS["blank"], [Thing(40, 100, "square", 2, colour=(200, 200, 200))])
    rows, columns = np.nonzero(frame)
    assert sorted(zip(columns.tolist(), rows.tolist(), strict=True)) == [
        (40, 100),
        (40, 101),
        (41, 100),
        (41, 101),
    ]
    small = observe(FIELDS["blank"], [Thing(40, 100, "square", 2, colour=(200, 200, 200))])[-1]
    # 160/84 × 210/84 screen pixels a network pixel: (21, 40) holds 1.905 × 2 lit of 1.905 × 2.5.
    assert small[40, 21] == round(200 * 2 / 2.5)
    assert small[40, 22] == pytest.approx(200 * (42 - 41 - 0.905) / 1.905 * 2 / 2.5, abs=1)
    assert np.count_nonzero(small) == 2


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("name", FIELDS)
def test_counts(name: str, number: int) -> None:
    """0 to 4 things, apart from each other: so many times the pixels of one."""
    field, rng = FIELDS[name], np.random.default_rng(number)
    bright = draw(field, scatter(field, EIGHT[number], rng)) == 236
    assert bright.sum() == number * mask("disc", 8).sum()


def test_eight_orientations_differ() -> None:
    for shape in ("bar", "arrow"):
        drawn = {mask(shape, 12, orientation).tobytes() for orientation in range(8)}
        assert len(drawn) == 8
    assert (mask("bar", 12, 4) == mask("bar", 12, 0).T).all()  # 4 × 22.5° is upright
    assert (mask("arrow", 12, 2) == np.rot90(mask("arrow", 12, 0), -1)).all()
    assert (mask("disc", 12, 3) == mask("disc", 12, 0)).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_there(shape: str) -> None:
    for size in (8, 12, 16, 32):
        lit = mask(shape, size)
        assert lit.shape == (size, size)
        assert 0.1 * size**2 < lit.sum() < 0.9 * size**2


def test_fields() -> None:
    blank, padded, landmark = (draw(FIELDS[f], []) for f in ("blank", "padded", "landmark"))
    assert not blank.any()
    assert (padded[16:-16, 16:-16] == 0).all()
    assert (padded[:16] == 142).all()
    assert (padded[:, -16:] == 142).all()
    assert (landmark > 0).sum() == sum(
        mask(t.shape, t.size, t.orientation).sum() for t in FIELDS["landmark"].landmarks
    )
    assert not draw(FIELDS["circular"], []).any()


def test_circular_field_has_no_edge() -> None:
    """Moved round by any distance, the same picture moved round; the blank field loses pixels."""
    things = [Thing(3, 4, "ell", 16), Thing(100, 150, "ring", 20)]
    moved = [Thing(3 - 40, 4 - 25, "ell", 16), Thing(100 - 40, 150 - 25, "ring", 20)]
    circle = FIELDS["circular"]
    before, after = draw(circle, things), draw(circle, moved)
    assert (np.roll(before, (-25, -40), axis=(0, 1)) == after).all()
    small_before, small_after = observe(circle, things)[-1], observe(circle, moved)[-1]
    # 40 and 25 screen pixels are 21 and 10 network pixels: whole ones.
    rolled = np.roll(small_before, (-10, -21), axis=(0, 1)).astype(int)
    assert np.abs(rolled - small_after).max() <= 1
    assert (draw(FIELDS["blank"], moved) > 0).sum() < (after > 0).sum()


def test_colour_is_luminance() -> None:
    frame = draw(Field(background=(0, 0, 60)), [Thing(10, 10, colour=(0, 255, 0))])
    assert set(np.unique(frame)) == {luminance((0, 0, 60)), luminance((0, 255, 0))} == {7, 150}


def test_flight_ends_at_the_place() -> None:
    """Two pixels a frame to the right: where its left edge is in each observation."""
    thing = Thing(80, 100, "square", 4, colour=(255, 255, 255))
    still, moving = (observe(FIELDS["blank"], [thing], v) for v in ((0.0, 0.0), (2.0, 0.0)))
    assert (still[0] == still[3]).all()
    columns = [np.nonzero(frame.sum(axis=0))[0].min() for frame in moving]
    assert columns == [int((81 - 2 * ago) * 0.525) for ago in (13, 9, 5, 1)]
    assert np.nonzero(moving[3].sum(axis=0))[0].max() == np.nonzero(still[3].sum(axis=0))[0].max()


def test_scatter_is_uniform_and_seeded() -> None:
    one = [Thing(0, 0, size=8)]
    rng = np.random.default_rng(0)
    places = [scatter(FIELDS["blank"], one, rng)[0] for _ in range(2_000)]
    x = np.array([thing.x_screen for thing in places])
    assert x.min() == 0
    assert x.max() == 152
    assert abs(x.mean() - 76) < 3
    again = [scatter(FIELDS["blank"], one, np.random.default_rng(s))[0] for s in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="up to 4 things, got 5"):
        scatter(FIELDS["blank"], [Thing(0, 0)] * 5, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"expected a shape among square.*got 'cube'"):
        mask("cube", 8)
    with pytest.raises(ValueError, match="orientation from 0 to 7, got 8"):
        mask("bar", 8, 8)
    with pytest.raises(ValueError, match="no room"):
        scatter(FIELDS["padded"], [Thing(0, 0, size=120)] * 2, np.random.default_rng(0))
