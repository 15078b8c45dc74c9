"""The oracle: its geometry is the emulator's, it finds what is there and nothing that is not."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from analysis.pictures.frames import Frames
from analysis.worth.ram_features import CHASES, FAR, crossing, features, folded
from analysis.worth.ram_oracle import OracleSettings, ram_oracle
from analysis.worth.rewards import Drawn, Rewards
from analysis.worth.rollouts import follower
from envs.emulator import Emulator
from envs.games import BREAKOUT, PONG, Game
from envs.positions import facts_of, read_ram

QUICK = OracleSettings(members=2, epochs=12)


def played(game: Game, steps: int, every: int = 1) -> np.ndarray:
    """RAM after every raw frame (or so many), as a poor player sees it."""
    emulator, follow, rng = Emulator(game, seed=0), follower(game), np.random.default_rng(0)
    seen = []
    for step in range(steps):
        if step % 4 == 0:
            wild = rng.random() < 0.6
            action = int(rng.integers(len(game.actions))) if wild else follow(emulator.ram())
        emulator.act(action)
        if emulator.over():
            emulator.reset()
        if step % every == 0:
            seen.append(emulator.ram())
    return np.stack(seen)


@pytest.fixture(scope="module")
def pong_ram() -> np.ndarray:
    return played(PONG, 9_000)


def test_folding_by_hand() -> None:
    place = np.array([0.0, 9.0, 11.0, 19.0, 21.0, -3.0, 43.0])
    assert folded(place, 0, 10).tolist() == [0, 9, 9, 1, 1, 3, 3]
    assert folded(place + 34, 34, 44).tolist() == [34, 43, 43, 35, 35, 37, 37]


def test_the_ball_crosses_where_it_is_said_to(pong_ram: np.ndarray) -> None:
    """Followed in real play until it is at the player's line, if nobody hits it before."""
    facts = facts_of(PONG)
    seen = read_ram(facts, pong_ram)
    found = crossing(facts, facts.player, seen, seen.player_y_screen)
    frames, coming, there = found.frames, found.coming, found.place
    off = []
    for t in np.flatnonzero(coming)[::5]:
        then = t + int(np.ceil(frames[t]))
        if frames[t] == FAR or then >= len(pong_ram):
            continue
        way = seen.ball_velocity_x_screen[t : then + 1]
        if (way == way[0]).all() and seen.ball_present[t : then + 1].all():
            assert abs(seen.ball_x_screen[then] - (140 - 2)) <= abs(way[0])
            off.append(abs(seen.ball_y_screen[then] - there[t]))
    assert len(off) > 50
    assert np.quantile(off, 0.9) <= 6  # a bounce costs the ball a frame or two


def test_a_paddle_that_goes_after_the_ball_by_hand() -> None:
    """Ball at x 100, falling 1 and coming at 2 px a frame; the paddle's centre 60 px above it."""
    facts = facts_of(PONG)
    ram = np.zeros((1, 128), np.uint8)
    ram[0, [49, 54, 58, 56]] = 100 + 49, 80 + 14, 256 - 2, 1
    ram[0, 51] = 82 - 8 - 60 + 13
    seen = read_ram(facts, ram)
    found = crossing(facts, facts.player, seen, seen.player_y_screen)
    assert (found.lead[0], found.frames[0], found.coming[0]) == (60, 19, 1)
    assert (found.place[0], found.lead_then[0]) == (99, 79)
    assert found.left_over[:, 0].tolist() == [60, 79 - 1.5 * 19, 79 - 2 * 19, 79 - 3 * 19]
    away = crossing(facts, facts.opponent, seen, seen.player_y_screen)  # type: ignore[arg-type]
    assert (away.frames[0], away.coming[0]) == (FAR, 0)
    assert not away.left_over.any()


def test_features_are_finite_and_bytes_are_there_if_asked_for(pong_ram: np.ndarray) -> None:
    bricks = played(BREAKOUT, 400)
    for game, ram, paddles in ((PONG, pong_ram[::50], 2), (BREAKOUT, bricks[::20], 1)):
        found = features(game, ram)
        each = 7 + 2 * len(CHASES)
        assert found.shape == (len(ram), 4 + paddles * each + (game is BREAKOUT))
        assert np.isfinite(found).all()
        assert (features(game, ram, with_bytes=True)[:, -128:] == ram).all()


def planted(ram: np.ndarray, worth: np.ndarray) -> Rewards:
    """States of real play with rewards of −1 and 1 whose means are given; three parts in turn."""
    rng, n = np.random.default_rng(0), len(ram)
    nothing, zero = np.zeros(n), np.zeros(n, np.int64)
    frames = Frames(
        game="pong",
        observations=np.zeros((n, 4, 84, 84), np.uint8),
        **{
            f"{name}": nothing
            for name in Frames.__dataclass_fields__
            if name.endswith(("_screen", "_84")) or name == "score"
        },
        bricks_left=zero,
        episode=zero,
        moment=zero,
        block=zero,
        column_row=np.zeros((n, 2), np.int64),
        outer=np.zeros(n, bool),
        ram=ram,
        states=np.zeros((n, 0), np.uint8),
    )
    parts = {}
    for part, k, which in (
        ("train", 1, np.arange(n) % 3 > 0),
        ("validation", 4, np.arange(n) % 6 == 0),
        ("test", 16, np.arange(n) % 6 == 3),
    ):
        index = np.flatnonzero(which)
        coin = rng.random((len(index), k)) < (1 + worth[index, None]) / 2
        parts[part] = Drawn(index, np.where(coin, 1.0, -1.0))
    return Rewards(frames, MappingProxyType(parts), "held", {})  # type: ignore[arg-type]


def test_finds_a_planted_worth_and_nothing_in_a_shuffled_one(pong_ram: np.ndarray) -> None:
    facts = facts_of(PONG)
    ram = pong_ram[read_ram(facts, pong_ram).ball_present]
    seen = read_ram(facts, ram)
    gap = crossing(facts, facts.player, seen, seen.player_y_screen).lead_then
    worth = 0.8 * np.tanh(gap / 30)
    found = ram_oracle(planted(ram, worth), 0, QUICK)
    (reading,) = found.readings
    assert (reading.measure, reading.condition, reading.row) == (
        "reward_share",
        "held",
        "ram_oracle",
    )
    assert reading.value >= 0.9
    best = found.table[(found.table["kind"] == "best share")]["value"].item()
    assert best == reading.value
    shuffled = planted(ram, np.random.default_rng(1).permutation(worth))
    few = OracleSettings(members=1, epochs=2)
    once, again, other = (ram_oracle(shuffled, seed, few).readings for seed in (0, 0, 1))
    assert once == again != other
    (nothing,) = ram_oracle(shuffled, 0, QUICK).readings
    assert nothing.value <= 0.02
