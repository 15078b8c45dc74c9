"""RAM says where the ball is: proved against the picture, every exception counted and explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest

from envs.catch import CatchState, draw
from envs.emulator import Emulator
from envs.games import BOWLING, BREAKOUT, CATCH, GAMES, PONG, Game
from envs.policies import lead_screen, mixed
from envs.positions import Positions, facts_of, read

FRAMES = 5_200
"""Raw frames of mixed play a game."""

EMULATED = [game for game in GAMES.values() if game.facts is not None]


def frames(
    game: Game, number: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray, SimpleNamespace]]:
    """Play by the mixed policy; yield RAM, colours and positions (arrays of one) of every frame.

    Positions are read for many frames at a time, as they are meant to be.
    """
    batch: list[tuple[np.ndarray, np.ndarray]] = []
    for t, pair in enumerate(played(game, number, seed), start=1):
        batch.append(pair)
        if len(batch) == 200 or t == number:
            seen = asdict(read(game, np.stack([ram for ram, _ in batch])))
            for i, (ram, picture) in enumerate(batch):
                yield ram, picture, SimpleNamespace(**{k: v[i : i + 1] for k, v in seen.items()})
            batch = []


def played(game: Game, number: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    emulator, choose, action = Emulator(game, seed=0), mixed(game, rng), 0
    for t in range(number):
        if t % 4 == 0:
            action = choose(emulator.ram())
        emulator.act(action)
        yield emulator.ram(), emulator.colour()
        if emulator.over():
            emulator.reset()
            choose = mixed(game, rng)


def is_colour(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (picture == np.array(colour, np.uint8)).all(axis=-1)


def corners(lit: np.ndarray) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom (outside) of the lit pixels."""
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def sprite(game: Game, x: int, y: int) -> np.ndarray:
    """The pixels of the screen that a ball with its corner there should light."""
    ball, lit = facts_of(game).ball, np.zeros((300, 300), bool)
    for down, row in enumerate(ball.shape):
        for across, dot in enumerate(row):
            lit[y + down + 20, x + across + 20] = dot == "#"
    return lit[20:230, 20:180]


def test_pong_ball_against_pixels() -> None:
    """Exact but for two things.

    Clipped: at the walls only the rows inside 34–193 are drawn. Raced: the sprite is switched on
    and off while the beam is on its way; right of column 126 (every other row: of 148) the beam
    has not yet come by, and the sprite begins or ends one row early.
    """
    seen: Counter[str] = Counter()
    for _ram, picture, where in frames(PONG, FRAMES, seed=1):
        found = corners(is_colour(picture[34:194], (236, 236, 236)))
        if not where.ball_present[0]:
            assert found is None
            seen["absent"] += 1
            continue
        x, y = int(where.ball_x_screen[0]), int(where.ball_y_screen[0])
        expected = (x, max(y, 34), x + 2, min(y + 4, 194))
        if found is None:
            assert x >= 126, f"nothing drawn at {x} {y}"
            assert min(y + 3, 194) <= 34, f"nothing drawn at {x} {y}"
            seen["raced"] += 1  # the one row below the wall is gone
            continue
        left, top, right, bottom = found[0], found[1] + 34, found[2], found[3] + 34
        assert (left, right) == (x, x + 2)
        if (left, top, right, bottom) == expected:
            seen["exact" if bottom - top == 4 else "clipped"] += 1
            continue
        assert x >= (126 if y % 2 else 148), f"no reason at {x} {y}: {found}"
        assert top in (expected[1], max(y - 1, 34))
        assert bottom in (expected[3], min(y + 3, 194))
        seen["raced"] += 1
    assert seen["exact"] > 0.85 * (FRAMES - seen["absent"])
    assert seen["raced"] < 0.1 * FRAMES
    assert min(seen["clipped"], seen["absent"]) > 5
    assert sum(seen.values()) == FRAMES
    print(dict(seen))


def test_breakout_ball_against_pixels() -> None:
    """Every pixel as predicted; what cannot be compared is counted by its reason.

    Clipped: at the side walls (columns 8–151) and below row 194. Among bricks (rows 57–92) the
    ball takes the colour of the row, and in the paddle's rows (189–192) it has the paddle's: there
    its pixels must be lit, with whatever. In a gap between them the sprite's last row is left
    out.
    """
    seen: Counter[str] = Counter()
    window = np.zeros((210, 160), bool)
    window[32:195, 8:152] = True
    shared = window.copy()
    shared[:57] = shared[93:189] = shared[193:] = False
    for _ram, picture, where in frames(BREAKOUT, FRAMES, seed=1):
        expected = np.zeros((210, 160), bool)
        if where.ball_present[0]:
            x, y = int(where.ball_x_screen[0]), int(where.ball_y_screen[0])
            whole = sprite(BREAKOUT, x, y)
            expected = whole & window
            clipped = expected.sum() < 8
            hidden = (expected & shared).any()
            seen["clipped" if clipped else "shared rows" if hidden else "exact"] += 1
        else:
            seen["absent"] += 1
        alone = window & ~shared
        lit = is_colour(picture, (200, 72, 72))
        assert (lit[alone] == expected[alone]).all(), np.argwhere(lit & alone)[:8]
        black = ~picture.any(axis=-1) & expected & shared
        if black.any():
            assert 57 <= y + 3 < 93
            assert (np.nonzero(black)[0] == y + 3).all()
            seen["last row left out"] += 1
    assert seen["exact"] > 0.8 * FRAMES
    assert min(seen["clipped"], seen["shared rows"], seen["absent"]) > 5
    assert 0 < seen["last row left out"] < 0.02 * FRAMES
    print(dict(seen))


def test_bowling_ball_against_pixels() -> None:
    """Every pixel of the clear alley as predicted; near bowler and pins, lit or explained.

    Carried: while the bowler walks (byte 13 below 5) the ball is drawn where it was a frame ago.
    Behind the bowler, coming back: he covers it. Among the pins (right of column 116): some of its
    rows are left out.
    """
    seen: Counter[str] = Counter()
    alley = np.zeros((210, 160), bool)
    alley[104:172, 46:120] = True
    before = (0, 0)
    for ram, picture, where in frames(BOWLING, FRAMES, seed=1):
        assert where.ball_present[0]
        here = int(where.ball_x_screen[0]), int(where.ball_y_screen[0])
        expected, lit = sprite(BOWLING, *here), is_colour(picture, (45, 50, 184))
        assert (lit[alley] == expected[alley]).all()
        if lit[expected].all():
            seen["exact"] += 1
        elif ram[13] < 5:
            assert lit[sprite(BOWLING, *before)].sum() >= 22  # he may cover some of the 32
            seen["carried"] += 1
        elif ram[13] == 6 and here[0] < 46:
            seen["behind the bowler"] += 1
        else:
            assert here[0] >= 116
            assert (~lit[expected]).sum() <= 8
            seen["among the pins"] += 1
        before = here
    assert seen["exact"] > 0.9 * FRAMES
    assert min(seen["carried"], seen["behind the bowler"], seen["among the pins"]) > 0
    print(dict(seen))


@pytest.mark.parametrize("game", EMULATED, ids=lambda game: game.name)
def test_paddles_against_pixels(game: Game) -> None:
    """Both within a pixel wherever the whole paddle is drawn; most of the time it is.

    Bowling's bowler walks in strides that RAM knows some frames before the screen; counted.
    """
    facts, whole = facts_of(game), Counter[str]()
    box = facts.playfield
    for ram, picture, where in frames(game, 1_600, seed=2):
        places = {"player": (facts.player, where.player_x_screen, where.player_y_screen)}
        if facts.opponent is not None:
            places["opponent"] = (
                facts.opponent,
                where.opponent_x_screen,
                where.opponent_y_screen,
            )
        for who, (paddle, x, y) in places.items():
            band = slice(int(paddle.y), int(paddle.y) + 4) if isinstance(paddle.y, int) else None
            rows = band or slice(box.top, box.bottom)
            found = corners(is_colour(picture[rows, box.left : box.right], paddle.colour))
            now = float(x[0]), float(y[0])
            if found is None or found[3] - found[1] != paddle.height:
                continue
            if game is BREAKOUT and found[2] - found[0] != paddle.width:
                continue  # narrow after the upper wall, wide where the ball touches it
            whole[who] += 1
            drawn = found[0] + box.left, found[1] + rows.start
            if max(abs(drawn[0] - now[0]), abs(drawn[1] - now[1])) > 1:
                assert game is BOWLING
                assert ram[13] < 5
                whole["walking"] += 1
    assert all(whole[who] > 500 for who in places), whole
    assert whole["walking"] < 0.02 * whole["player"]


def test_bricks_against_pixels() -> None:
    """The number of bricks is the number of 8 × 6 cells that are lit."""
    counts = set()
    for _ram, picture, where in frames(BREAKOUT, 3_000, seed=3):
        left = int(where.bricks_left[0])
        if left in counts:
            continue
        # One pixel of each brick is enough, and the ball covers at most a few.
        cells = picture[60:93:6, 8:152:8].any(axis=-1)
        assert abs(int(cells.sum()) - left) <= 1
        counts.add(left)
    assert max(counts) == 108
    assert len(counts) > 4


@pytest.mark.parametrize("game", [PONG, BREAKOUT], ids=lambda game: game.name)
def test_velocity_is_what_the_ball_does(game: Game) -> None:
    """Where it flies undisturbed, four frames move it by four velocities, to the pixel."""
    rams = np.stack([ram for ram, _ in played(game, 2_000, seed=4)])
    where = read(game, rams)
    speeds = np.stack([where.ball_velocity_x_screen, where.ball_velocity_y_screen], axis=1)
    places = np.stack([where.ball_x_screen, where.ball_y_screen], axis=1)
    calm = (speeds[4:] == speeds[:-4]).all(axis=1) & (speeds[4:] == speeds[2:-2]).all(axis=1)
    moved = np.abs(places[4:] - places[:-4] - 4 * speeds[4:])[calm]
    assert calm.sum() > 800
    assert (moved < 1).mean() > 0.98  # the rest: bounced twice in between, or waited for a serve
    assert len(np.unique(speeds[4:][calm], axis=0)) >= 4


def test_usual_lead_of_the_opponent() -> None:
    """Where Pong's opponent keeps itself when it follows the ball: the median, to a pixel."""
    where = read(PONG, np.stack([ram for ram, _ in played(PONG, 4_000, seed=5)]))
    lead = (where.opponent_y_screen - where.ball_y_screen)[where.ball_present]
    opponent = facts_of(PONG).opponent
    assert opponent is not None
    assert abs(np.median(lead) - opponent.usual_lead) <= 1


def test_hand_computed() -> None:
    """Two RAM states of Pong and one of Breakout, worked out on paper."""
    ram = np.zeros((2, 128), np.uint8)
    ram[0, [49, 54, 56, 58, 50, 51]] = 89, 114, 254, 255, 75, 113
    pong = read(PONG, ram)
    assert pong.ball_present.tolist() == [True, False]
    assert (pong.ball_x_screen[0], pong.ball_y_screen[0]) == (40, 100)
    assert (pong.ball_x_84[0], pong.ball_y_84[0]) == (21, 40)
    assert (pong.ball_velocity_x_screen[0], pong.ball_velocity_y_screen[0]) == (1, -2)
    assert (pong.player_x_screen[0], pong.player_y_screen[0]) == (140, 100)
    assert (pong.opponent_x_screen[0], pong.opponent_y_screen[0]) == (16, 60)
    assert np.isnan(pong.ball_x_screen[1])
    assert pong.bricks_left.tolist() == [-1, -1]

    ram = np.zeros((1, 128), np.uint8)
    ram[0, :36] = 255
    ram[0, [99, 101, 105, 106, 103, 104]] = 129, 91, 254, 128, 1, 128
    breakout = read(BREAKOUT, ram)
    assert (breakout.ball_x_screen[0], breakout.ball_y_screen[0]) == (80, 100)
    assert breakout.ball_velocity_x_screen[0] == 1.5  # −(−2 + 128/256)
    assert breakout.ball_velocity_y_screen[0] == 1.5
    assert breakout.bricks_left[0] == (36 * 8 - 24) // 2


def test_catch_answers_the_same() -> None:
    state = CatchState(np.array([21]), np.array([30]), np.array([-2]), np.array([40]))
    where = read(CATCH, state)
    rows, columns = np.nonzero(draw(state)[0, :78])
    assert isinstance(where, Positions)
    assert where.ball_present.all()
    assert where.ball_x_84[0] == pytest.approx(columns.min())
    assert where.ball_y_84[0] == pytest.approx(rows.min())
    assert where.ball_x_screen[0] == pytest.approx(40)
    assert where.ball_y_screen[0] == pytest.approx(75)
    assert where.player_x_screen[0] == pytest.approx(40 * 160 / 84)
    assert np.isnan(where.opponent_x_screen[0])


def test_lead_is_zero_when_centred() -> None:
    ram = np.zeros((1, 128), np.uint8)
    ram[0, [49, 54, 51]] = 100, 114, 107  # ball rows 100–103, paddle rows 94–109
    assert lead_screen(PONG, read(PONG, ram))[0] == 0


def test_a_wrong_byte_would_be_noticed() -> None:
    """The comparison can fail: with a ball one pixel or one frame away, hardly any frame agrees."""
    agree, agree_late, late = 0, 0, None
    for _ram, picture, where in frames(PONG, 800, seed=1):
        x = where.ball_x_screen[0]
        found = corners(is_colour(picture[34:194], (236, 236, 236)))
        if found is not None:
            agree += found[0] == x + 1
            agree_late += found[0] == late
        late = x
    assert agree == 0
    assert agree_late < 10
