"""The shared sets: balanced, free of leaks, the same however they are built, and checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis import datasets
from analysis.cache import key_of, shaped_by
from analysis.datasets import main, play_set, teleport_set
from analysis.pictures import confound
from analysis.pictures.building import teleport_episodes
from analysis.pictures.frames import Frames, PlaySettings, TeleportSettings
from analysis.pictures.leak import LIMIT, Leak, measure, predicted_r2, refuse
from analysis.pictures.places import balanced_places, outer
from commandline import BadInput
from envs.emulator import Emulator, from_bytes
from envs.facts import Box
from envs.games import PONG, find
from envs.positions import read

SMALL = TeleportSettings("pong", episodes=6, moments=4, places=25)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sets")


@pytest.fixture(scope="module")
def held(folder: Path) -> Frames:
    return teleport_set(SMALL, workers=1, folder=folder)


@pytest.fixture(scope="module")
def along(folder: Path) -> Frames:
    return teleport_set(replace(SMALL, arm="along"), workers=1, folder=folder)


@pytest.fixture(scope="module")
def played(folder: Path) -> Frames:
    return play_set(PlaySettings("pong", episodes=6, inputs=100), workers=1, folder=folder)


def test_balanced_over_blocks(held: Frames) -> None:
    """Every moment shows the ball once in each of the 25 blocks; labels are what RAM says."""
    facts = PONG.facts
    assert facts is not None
    assert len(held) == len(np.unique(held.moment)) * 25
    for moment in np.unique(held.moment):
        assert sorted(held.block[held.moment == moment]) == list(range(25))
    column = (held.ball_x_screen - facts.places.left) // 16
    row = (held.ball_y_screen - facts.places.top) // 20
    assert (held.column_row == np.stack([column, row], axis=1)).all()
    assert (held.block == row * 5 + column).all()
    assert (read(PONG, held.ram).ball_x_screen == held.ball_x_screen).all()
    assert (held.ball_x_84 == held.ball_x_screen * 0.525).all()
    assert held.observations.shape == (len(held), 4, 84, 84)


def test_counts_are_kept(held: Frames) -> None:
    counts = held.facts["counts"]
    assert counts["moments_kept"] == len(np.unique(held.moment))
    dropped = sum(n for name, n in counts.items() if name.startswith(("dropped", "moments_with")))
    assert counts["moments_tried"] == counts["moments_kept"] + dropped
    assert held.facts["kept_share"] > 0.9
    assert 0.7 < held.facts["velocities_fitting_share"] < 1


def test_splits(held: Frames) -> None:
    episodes, blocks = held.episode_fold(), held.block_fold()
    for episode in np.unique(held.episode):
        assert len(np.unique(episodes[held.episode == episode])) == 1
    assert set(episodes) == set(blocks) == set(range(5))
    of_block = {int(b): int(f) for b, f in zip(held.block, blocks, strict=True)}
    assert sorted(of_block.values()) == sorted([*range(5)] * 5)
    for b in range(25):
        for neighbour in ([b + 1] if b % 5 < 4 else []) + ([b + 5] if b < 20 else []):
            assert of_block[b] != of_block[neighbour]
    assert 0.15 < held.outer.mean() < 0.35


def test_no_leak_and_a_planted_one(held: Frames, along: Frames) -> None:
    """Held: nothing but the ball knows. Along: the opponent knows y, as it should."""
    assert max(held.facts["leak"].values()) <= LIMIT
    assert along.facts["leak"]["paddles_to_y"] > 0.95
    assert along.facts["leak"]["pixels_to_y"] > 0.5
    assert along.facts["leak"]["pixels_to_x"] <= LIMIT

    rng = np.random.default_rng(0)
    ball = rng.uniform(0, 84, size=(300, 2))
    episode, paddles = np.repeat(np.arange(10), 30), rng.uniform(size=(300, 2))
    clean = rng.integers(0, 9, size=(300, 4, 84, 84), dtype=np.uint8)
    refuse(measure(clean, paddles, ball, episode))
    planted = clean.copy()
    planted[:, 3, 5, 5:12] = (60 + 2 * ball[:, :1]).astype(np.uint8)
    with pytest.raises(Leak, match=r"R² 0\.[5-9].*pixels to x.*expected 0\.02 at most"):
        refuse(measure(planted, paddles, ball, episode))
    with pytest.raises(Leak, match="paddles to y"):
        refuse(measure(clean, paddles + ball[:, 1:] / 84, ball, episode))


def test_a_leaking_set_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Through the front door: nothing is written."""

    def leaking(settings: TeleportSettings, workers: int | None) -> tuple[dict, dict]:
        arrays, facts = teleport_episodes(settings, workers)
        rows = arrays["erased_index"]
        arrays["without_ball"][:, :, 0, :40] = arrays["ball_x_screen"][rows, None, None]
        return arrays, facts

    monkeypatch.setattr(datasets, "teleport_episodes", leaking)
    settings = TeleportSettings("pong", episodes=5, moments=1, places=25)
    with pytest.raises(Leak, match="pixels to x"):
        teleport_set(settings, workers=1, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_r2_by_hand() -> None:
    """A line is found, noise is not, and a rule that holds in one episode only is not either."""
    rng = np.random.default_rng(1)
    features, episode = rng.normal(size=(200, 3)), np.repeat(np.arange(10), 20)
    line = features @ np.array([[1.0], [2.0], [-1.0]])
    assert predicted_r2(features, line, episode)[0] > 0.99
    assert predicted_r2(features, rng.normal(size=(200, 1)), episode)[0] < LIMIT
    own = np.eye(10)[episode]
    assert predicted_r2(own, rng.normal(size=10)[episode][:, None], episode)[0] < LIMIT
    with pytest.raises(ValueError, match="at least 5 episodes, got 2"):
        predicted_r2(features, line, episode % 2)


def test_confound_in_numbers(held: Frames, along: Frames, played: Frames) -> None:
    """In play y follows the paddles; teleported, opponent held, nothing follows anything."""
    sets = [("play", played), ("held", held), ("along", along)]
    found = confound.table(sets).set_index(["set", "ball", "with"])["r"]
    assert found["play", "ball y", "opponent's paddle"] > 0.5
    assert found["play", "ball y", "player's paddle"] > 0.2
    assert found["held"].abs().max() < 0.06
    assert found["along", "ball y", "opponent's paddle"] > 0.99
    assert abs(found["along", "ball x", "opponent's paddle"]) < 0.06
    text = confound.markdown(confound.table(sets))
    assert "| pong | ball y | opponent's paddle | +" in text


def test_correlation_by_hand() -> None:
    a = np.array([1.0, 2, 3, np.nan])
    assert confound.correlation(a, np.array([2.0, 4, 6, 0])) == pytest.approx(1)
    assert confound.correlation(a, np.array([1.0, 0, 1, 5])) == pytest.approx(0)
    assert confound.correlation(a, np.ones(4)) is None


def test_figure(held: Frames, played: Frames, tmp_path: Path) -> None:
    sets = [("ordinary play", played), ("teleported, opponent held", held)]
    confound.figure(confound.table(sets), tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"


def test_workers_have_no_say() -> None:
    """One process and two: every array bit for bit. Another seed: others."""
    settings = TeleportSettings("pong", episodes=5, moments=1, places=25)
    one, _ = teleport_episodes(settings, workers=1)
    two, _ = teleport_episodes(settings, workers=2)
    assert one.keys() == two.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, two[name], err_msg=name, strict=True)
    other, _ = teleport_episodes(replace(settings, seed=1), workers=1)
    assert (other["ball_x_screen"] != one["ball_x_screen"]).any()


def test_states_play_on(tmp_path: Path) -> None:
    settings = TeleportSettings("pong", episodes=5, moments=1, places=25, states=True)
    frames = teleport_set(settings, workers=1, folder=tmp_path)
    emulator = Emulator(PONG, seed=1)
    for i in (0, 40):
        emulator.restore(from_bytes(frames.states[i]))
        assert (emulator.ram() == frames.ram[i]).all()


@pytest.mark.parametrize("name", ["breakout", "catch", "bowling"])
def test_other_games(name: str, tmp_path: Path) -> None:
    """The same questions, the same answers; the leak test lets them pass."""
    settings = TeleportSettings(name, episodes=5, moments=3, places=20)
    frames = teleport_set(settings, workers=1, folder=tmp_path)
    assert max(frames.facts["leak"].values()) <= LIMIT
    per_moment = [np.bincount(frames.block[frames.moment == m]) for m in set(frames.moment)]
    assert all(len(set(counts)) == 1 for counts in per_moment)
    if name != "catch":
        seen = read(find(name), frames.ram)
        assert (seen.ball_y_screen == frames.ball_y_screen).all()
    else:
        for i in (0, 7):
            x, y = round(frames.ball_x_84[i]), round(frames.ball_y_84[i])
            newest = frames.observations[i, 3, :78]
            assert np.argwhere(newest)[0].tolist() == [y, x]
            older = frames.observations[i, 2, :78]
            assert np.argwhere(older)[0][0] == y - 3
    play = play_set(PlaySettings(name, episodes=2, inputs=10), workers=1, folder=tmp_path)
    assert len(play) > 0
    assert np.isfinite(play.ball_x_84).all()


def test_places_by_hand() -> None:
    box = Box(10, 20, 42, 60)
    places, cells = balanced_places(box, (16, 20), (1, 2), 8, np.random.default_rng(0))
    assert len(places) == 8
    assert cells.tolist() == [[c, r] for r in (0, 1) for c in (0, 1) for _ in (0, 1)]
    assert ((places - (10, 20)) // (16, 20) == cells).all()
    assert (places[:, 1] % 2 == 0).all()
    every = np.argwhere(np.ones((100, 100), bool))
    assert outer(Box(0, 0, 100, 100), every).mean() == pytest.approx(0.25, abs=0.02)


def test_cache_is_checked(tmp_path: Path) -> None:
    """Loaded the second time; damaged, it is built again and that is said; never in silence."""
    settings, told = PlaySettings("catch", episodes=2, inputs=5), []
    first = play_set(settings, workers=1, folder=tmp_path, tell=told.append)
    archive, card = next(tmp_path.glob("*.npz")), next(tmp_path.glob("*.json"))
    written = archive.stat().st_mtime_ns
    again = play_set(settings, workers=1, folder=tmp_path, tell=told.append)
    assert (again.observations == first.observations).all()
    assert archive.stat().st_mtime_ns == written
    assert told == []

    whole = archive.read_bytes()
    half = whole[: len(whole) // 2]
    flipped = whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]
    for damage in (half, flipped, b""):
        archive.write_bytes(damage)
        repaired = play_set(settings, workers=1, folder=tmp_path, tell=told.append)
        assert (repaired.observations == first.observations).all()
        assert "damaged (its checksum does not agree); building it again" in told[-1]
    archive.unlink()
    play_set(settings, workers=1, folder=tmp_path, tell=told.append)
    card.write_text("{}")
    play_set(settings, workers=1, folder=tmp_path, tell=told.append)
    assert len(told) == 5
    json.loads(card.read_text())


def test_key_changes_with_what_shapes_the_set() -> None:
    code = ("envs/*.py",)
    keys = {
        key_of(shaped_by(settings, code))
        for settings in (SMALL, replace(SMALL, seed=1), replace(SMALL, arm="along"), PlaySettings())
    }
    assert len(keys) == 4
    assert key_of(shaped_by(SMALL, code)) in keys
    assert key_of(shaped_by(SMALL, ("envs/games.py",))) not in keys
    shape = shaped_by(SMALL, code)
    assert key_of({**shape, "versions": {**shape["versions"], "ale-py": "0"}}) not in keys


def test_wrong_words() -> None:
    with pytest.raises(BadInput, match=r"--game: expected one of pong.*got 'pnog'"):
        main(["--game", "pnog"])
    with pytest.raises(BadInput, match="--figure: expected a folder that exists"):
        main(["--figure", "nowhere/x.png"])
    with pytest.raises(ValueError, match="expected the arm held or along, got 'free'"):
        teleport_episodes(replace(SMALL, arm="free"), workers=1)
