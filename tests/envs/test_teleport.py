"""The ball elsewhere, all else as it was: bit for bit, place by place, arm by arm."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode

from commandline import BadInput
from envs.emulator import VISIBLE, Emulator, from_bytes, shrink, stack, to_bytes
from envs.flights import Flight, Moment, own_flight, record
from envs.games import BOWLING, BREAKOUT, GAMES, PONG, Game
from envs.moments import moments, velocities, velocity_fits
from envs.positions import facts_of, read
from envs.shams import (
    ball_erased,
    digits_changed,
    own_place,
    paddle_moved,
    paste,
    pasted,
    screen_shifted,
    velocity_reversed,
)
from envs.teleport import Arm, Collided, Shown, Teleporter, fits, last_row, luminance, painted_over
from envs.teleport_image import main

EMULATED = [game for game in GAMES.values() if game.facts is not None]
VELOCITY: dict[str, tuple[float, float] | None] = {
    "pong": (1.0, -2.0),
    "breakout": (-1.5, 1.0),
    "bowling": None,
}
by_name = pytest.mark.parametrize("game", EMULATED, ids=lambda game: game.name)


def some_moments(game: Game, number: int, seed: int = 0) -> list[Moment]:
    found: list[Moment] = []
    for child in np.random.SeedSequence(seed).spawn(50):
        for moment in moments(game, np.random.default_rng(child)):
            found.append(moment)
            if len(found) == number:
                return found
    raise AssertionError("too few moments")


@pytest.fixture(scope="module", params=EMULATED, ids=lambda game: game.name)
def scene(request: pytest.FixtureRequest) -> tuple[Game, Teleporter, Flight]:
    """A game, a teleporter in one of its moments, and a flight that fits."""
    game = request.param
    emulator = Emulator(game, seed=0)
    for moment in some_moments(game, 30):
        teleporter = Teleporter(emulator, moment)
        try:
            flight = teleporter.flight(VELOCITY[game.name])
        except Collided:
            continue
        if fits(teleporter.facts, flight):
            return game, teleporter, flight
    raise AssertionError("no moment in which the flight fits")


def some_places(game: Game, number: int = 12) -> list[tuple[int, int]]:
    """Corners of the places first, then some within."""
    facts, rng = facts_of(game), np.random.default_rng(3)
    box, step = facts.places, abs(facts.ball.y.scale)
    right, low = box.right - 1, last_row(facts)
    corners = [(box.left, box.top), (right, box.top), (box.left, low), (right, low)]
    rows = (low - box.top) // step + 1
    return corners + [
        (int(rng.integers(box.left, box.right)), box.top + step * int(rng.integers(rows)))
        for _ in range(number - 4)
    ]


@by_name
def test_frames_are_those_of_the_vector_environment(game: Game) -> None:
    """The same actions, side by side: every observation bit for bit, every reward."""
    vector = AtariVectorEnv(
        game.rom,
        1,
        num_threads=1,
        repeat_action_probability=0.0,
        autoreset_mode=AutoresetMode.SAME_STEP,
        noop_max=0,
        episodic_life=False,
        reward_clipping=False,
        use_fire_reset=False,
    )
    observation, _ = vector.reset(seed=np.array([5]))
    emulator, rng = Emulator(game, seed=5), np.random.default_rng(0)
    assert (observation[0, -1] == shrink(emulator.grey())).all()
    for _ in range(250):
        action = int(rng.integers(len(game.actions)))
        observation, reward, terminated, truncated, _ = vector.step(np.array([action]))
        pair, total = [], 0.0
        for _ in range(4):
            total += emulator.act(action)
            pair = [*pair[-1:], emulator.grey()]
        if terminated[0] or truncated[0]:
            break
        assert (observation[0, -1] == shrink(np.maximum(*pair))).all()
        assert reward[0] == total


def test_the_order_of_the_steps_matters() -> None:
    """Resizing before the maximum gives other frames: the golden comparison can fail."""
    frames = np.zeros((8, 210, 160), np.uint8)
    frames[0::2, 100:104, 40:42] = 236
    frames[1::2, 102:106, 42:44] = 236
    wrong = np.maximum(shrink(frames[0]), shrink(frames[1]))
    assert (stack(frames)[0] != wrong).any()
    assert (stack(frames)[0] == shrink(np.maximum(frames[0], frames[1]))).all()


@by_name
def test_own_place_is_the_original(game: Game) -> None:
    """The sham teleport: frames and all 128 bytes, in twelve moments of play."""
    emulator = Emulator(game, seed=0)
    for moment in some_moments(game, 12, seed=1):
        emulator.restore(moment.state)
        original = []
        for k in range(16):
            emulator.act(moment.actions[k // 4])
            if k in VISIBLE:
                original.append(emulator.grey())
        shown = own_place(Teleporter(emulator, moment))
        assert (stack(shown.frames) == stack(np.stack(original))).all()
        assert (shown.frames == np.stack(original)).all()
        assert (shown.ram == moment.ram[1:]).all()


def test_ball_is_where_it_was_put(scene: tuple[Game, Teleporter, Flight]) -> None:
    """By RAM, and by pixels in each of the eight raw frames: one straight flight."""
    game, teleporter, flight = scene
    grey = luminance(teleporter.facts.ball.colour)
    for x, y in some_places(game):
        there = flight.ending_at(teleporter.facts, x, y)
        shown = teleporter.show(there, "held")
        assert read(game, shown.ram[-1:]).ball_x_screen[0] == x
        assert read(game, shown.ram[-1:]).ball_y_screen[0] == y
        erased = ball_erased(teleporter, there, "held").frames
        for frame, without, place in zip(shown.frames, erased, there.visible_screen, strict=True):
            rows, columns = np.nonzero(frame != without)
            assert (frame[rows, columns] == grey).all()
            assert columns.min() == place[0]
            assert abs(rows.min() - place[1]) <= 1  # Pong: the beam, right of column 126
        assert (columns.min(), rows.min()) == (x, y)  # the last frame is the label: exact
        speed = np.array(flight.velocity_screen)
        ago = 15 - np.array(VISIBLE)
        line = np.array([x, y]) - ago[:, None] * speed
        step = (1, abs(teleporter.facts.ball.y.scale))
        assert (np.abs(there.visible_screen - line) <= step).all()


def test_hand_computed_flight() -> None:
    """Pong, (40, 100) at (2, −1): thirteen frames earlier it was at (14, 113)."""
    emulator = Emulator(PONG, seed=0)
    teleporter = Teleporter(emulator, some_moments(PONG, 1)[0])
    flight = teleporter.flight((2.0, -1.0)).ending_at(teleporter.facts, 40, 100)
    assert flight.visible_screen.astype(int).tolist() == [
        [14, 113],
        [16, 112],
        [22, 109],
        [24, 108],
        [30, 105],
        [32, 104],
        [38, 101],
        [40, 100],
    ]
    by_name = dict(zip(flight.addresses, flight.before[3].tolist(), strict=True))
    assert by_name == {49: 14 + 49, 54: 113 + 14, 58: 254, 56: 255}


def test_all_else_stays(scene: tuple[Game, Teleporter, Flight]) -> None:
    """Held: no pixel depends on the ball's place but the ball's own."""
    game, teleporter, flight = scene
    clean = []
    for x, y in some_places(game):
        there = flight.ending_at(teleporter.facts, x, y)
        shown = teleporter.show(there, "held")
        clean.append(painted_over(teleporter.facts, shown.frames, there))
        assert (clean[-1] == ball_erased(teleporter, there, "held").frames).all()
    assert all((frames == clean[0]).all() for frames in clean)


@pytest.mark.parametrize("arm", ["held", "along", "free"])
def test_opponent_arms(arm: Arm) -> None:
    """Held: its own path. Along: its usual distance, frame by frame. Free: gives the ball away."""
    emulator, facts = Emulator(PONG, seed=0), facts_of(PONG)
    moment = some_moments(PONG, 3)[2]
    teleporter = Teleporter(emulator, moment)
    flight = teleporter.flight((1.0, 1.0))
    ends = {}
    for y in (64, 100, 160):
        there = flight.ending_at(facts, 80, y)
        shown = teleporter.show(there, arm)
        where = read(PONG, shown.ram)
        ends[y] = where.opponent_y_screen[-1]
        own = read(PONG, moment.ram[1:])
        assert (where.player_y_screen == own.player_y_screen).all()
        if arm == "held":
            assert (where.opponent_y_screen == own.opponent_y_screen).all()
        if arm == "along":
            assert (where.opponent_y_screen == there.path_screen[:, 1] - 1).all()
            drawn = np.flatnonzero((shown.frames[-1][34:194, 16:20] == 147).all(axis=1))
            assert len(drawn) == 0 or abs(drawn[0] + 34 - (y - 1)) <= 1
    assert (len(set(ends.values())) == 1) == (arm == "held")


def test_one_collision_drops_the_whole_group() -> None:
    """A place behind the opponent, which stands in the way: nothing is returned."""
    emulator, facts = Emulator(PONG, seed=0), facts_of(PONG)
    refused = 0
    for moment in some_moments(PONG, 6, seed=2):
        teleporter = Teleporter(emulator, moment)
        flight = teleporter.flight((-2.0, 0.0))
        y = int(read(PONG, moment.ram[-1:]).opponent_y_screen[0]) + 6
        if not 40 < y < 180:
            continue
        with pytest.raises(Collided):
            teleporter.show(flight.ending_at(facts, 8, y), "held")
        with pytest.raises(Collided, match="leaves the clear part"):
            teleporter.group(flight, np.array([[80, 100], [8, y]]), "held")
        refused += 1
    assert refused > 1


def test_velocities_come_from_play() -> None:
    """Seen in play, in proportion; those too fast to fit are known before any place is drawn."""
    seen = velocities(PONG, np.random.default_rng(0))
    assert {(1.0, 1.0), (-1.0, 2.0)} <= set(seen)
    assert all(v is not None and abs(v[0]) <= 4 and abs(v[1]) <= 4 for v in seen)
    assert velocity_fits(facts_of(PONG), (1.0, -2.0))
    assert not velocity_fits(facts_of(PONG), (2.0, 0.0))  # 40 − 26 lies left of column 20
    assert not velocity_fits(facts_of(PONG), (1.0, 3.0))
    assert velocities(BOWLING, np.random.default_rng(0)) == [None]


def test_play_goes_on_from_the_end(scene: tuple[Game, Teleporter, Flight]) -> None:
    """The state saved at the end holds ball and velocity, also as bytes."""
    game, teleporter, flight = scene
    x, y = some_places(game)[5]
    there = flight.ending_at(teleporter.facts, x, y)
    shown = teleporter.show(there, "held", keep_state=True)
    assert shown.state is not None
    emulator = Emulator(game, seed=9)
    emulator.restore(from_bytes(to_bytes(shown.state)))
    assert (emulator.ram() == shown.ram[-1]).all()
    emulator.act(0)
    after = read(game, emulator.ram()[None])
    speed = np.array(flight.velocity_screen)
    moved = np.array([after.ball_x_screen[0], after.ball_y_screen[0]]) - (x, y)
    assert (np.abs(moved - speed) <= (1, abs(teleporter.facts.ball.y.scale))).all()


def test_shams(scene: tuple[Game, Teleporter, Flight]) -> None:
    """Each does the one thing it says."""
    game, teleporter, flight = scene
    x, y = (facts_of(game).places.left + 10, facts_of(game).places.top + 20)
    there = flight.ending_at(teleporter.facts, x, y)
    shown: Shown = teleporter.show(there, "held")

    # Pasted: the same pixels as through RAM, without the emulator drawing them.
    assert (pasted(teleporter, there, "held") == shown.frames).all()

    # Digits: only rows above the playfield change, and some do.
    other = digits_changed(teleporter, there, "held").frames
    rows = np.nonzero(other != shown.frames)[1]
    assert len(rows)
    assert rows.max() < 60

    # Reversed: the same last place, another path.
    if game is not BOWLING:
        back = velocity_reversed(teleporter, there, "held")
        ends = read(game, back.ram[-1:])
        assert (ends.ball_x_screen[0], ends.ball_y_screen[0]) == (x, y)
        assert ends.ball_velocity_x_screen[0] == -flight.velocity_screen[0]
        assert (stack(back.frames)[0] != stack(shown.frames)[0]).any()

    # Paddles: the player elsewhere, the ball's pixels untouched.
    if game is not BOWLING:
        less, more = (paddle_moved(teleporter, there, "held", more=m) for m in (False, True))
        axis = facts_of(game).player.moving.address
        assert int(more.ram[-1, axis]) - int(less.ram[-1, axis]) > 8
        ball = (slice(None), slice(y - 16, y + 16), slice(x - 8, x + 8))
        assert (less.frames[ball] == more.frames[ball]).all()
        assert (less.frames != more.frames).any()
    else:
        with pytest.raises(ValueError, match="does not move"):
            paddle_moved(teleporter, there, "held", more=True)
        with pytest.raises(ValueError, match="no velocity"):
            velocity_reversed(teleporter, there, "held")


def test_shifted_screen() -> None:
    observation = np.random.default_rng(0).integers(256, size=(4, 84, 84), dtype=np.uint8)
    shifted = screen_shifted(observation, 3, -2)
    assert (shifted[:, :-2, 3:] == observation[:, 2:, :-3]).all()
    assert (shifted[:, :-2, 0] == observation[:, 2:, 0]).all()
    assert (screen_shifted(observation, 0, 0) == observation).all()


def test_paste_on_nothing() -> None:
    """Bowling's round ball, dot by dot."""
    emulator = Emulator(BOWLING, seed=0)
    flight = own_flight(facts_of(BOWLING), some_moments(BOWLING, 1)[0])
    there = flight.ending_at(facts_of(BOWLING), 80, 131)
    frames = paste(facts_of(BOWLING), np.zeros((8, 210, 160), np.uint8), there)
    assert (frames[-1] > 0).sum() == 32
    assert frames[-1][131, 80] == 0
    assert frames[-1][131, 81] == luminance((45, 50, 184)) == frames[-1][133, 80]
    assert emulator.game is BOWLING


def test_luminance_is_the_emulators() -> None:
    for game in EMULATED:
        facts, emulator = facts_of(game), Emulator(game, seed=0)
        rng, met = np.random.default_rng(0), set()
        for _ in range(60):
            emulator.step(int(rng.integers(len(game.actions))))
            grey, colour = emulator.grey(), emulator.colour()
            for wanted in (facts.background, facts.ball.colour, facts.player.colour):
                there = (colour == np.array(wanted, np.uint8)).all(axis=-1)
                if there.any():
                    met.add(wanted)
                    assert (grey[there] == luminance(wanted)).all()
        assert len(met) >= 2


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="expected 4 actions, got 3"):
        record(Emulator(PONG, seed=0), (0, 0, 0))
    flight = own_flight(facts_of(BOWLING), some_moments(BOWLING, 1)[0])
    with pytest.raises(ValueError, match="cannot draw a ball at 80 132"):
        flight.ending_at(facts_of(BOWLING), 80, 132)
    teleporter = Teleporter(Emulator(PONG, seed=0), some_moments(PONG, 1)[0])
    with pytest.raises(ValueError, match=r"whole pixels a frame, got 1\.5"):
        teleporter.flight((1.5, 0.0))


def test_same_seed_same_moments() -> None:
    """And another seed gives others."""
    rams = [np.stack([m.ram for m in some_moments(BREAKOUT, 3, seed=s)]) for s in (4, 4, 5)]
    assert (rams[0] == rams[1]).all()
    assert (rams[0] != rams[2]).any()


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "pong.png"
    words = "--game pong --ball 40 100 --velocity 2 -1 --seed 0 --json --out"
    assert main([*words.split(), str(out)]) == 0
    says = json.loads(capsys.readouterr().out)
    place = {"ball_x_screen": 40, "ball_y_screen": 100}
    assert says["ram"] == place
    assert says["pixels"] == place
    picture = cv2.imread(str(out))
    assert picture.shape[1] > 4 * 84 * 4
    assert main(["--game", "bowling", "--out", str(out)]) == 0
    assert "by RAM" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--ball 400 100", "--ball: expected x from 0 to 158 and y from 34 to 190 .*got 400 100"),
        ("--ball 40 20", "--ball: expected .* got 40 20"),
        ("--ball 40 100 --velocity 5 0", "--ball: .* with velocity 5 0: .*outside"),
        ("--ball 40 100 --velocity .5 0", r"--velocity: expected whole pixels a frame, got 0\.5"),
        ("--game catch", "--game: expected one of pong, breakout, bowling; got 'catch'"),
        ("--opponent asleep", "--opponent: expected one of held, along, free"),
        ("--seed -1", "--seed: expected a whole number of at least 0"),
    ],
)
def test_wrong_words(words: str, message: str, tmp_path: Path) -> None:
    out = tmp_path / "x.png"
    with pytest.raises(BadInput, match=message):
        main([*words.split(), "--out", str(out)])
    assert not out.exists()


def test_wrong_place_as_a_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "envs.teleport", "--ball", "400", "100"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "x.png")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "from 0 to 158" in done.stderr
