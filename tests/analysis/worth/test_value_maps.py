"""do-maps are what play makes of a place; values are compared with them as is said there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from analysis.networks import build
from analysis.worth.do_maps import DoMap, do_map, own_map
from analysis.worth.do_scenes import DoSettings
from analysis.worth.value_maps import compare, own_value_maps, spearman, value_maps, values
from commandline import BadInput

RNG = np.random.default_rng

SMALL = DoSettings("pong", columns=3, rows=3, scenes=2)
CATCH = DoSettings("catch", columns=6, rows=6, scenes=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("maps")


@pytest.fixture(scope="module")
def pong(folder: Path) -> DoMap:
    return do_map(SMALL, workers=1, folder=folder)


@pytest.fixture(scope="module")
def catch(folder: Path) -> DoMap:
    return do_map(CATCH, workers=1, folder=folder)


def numbers(of: DoMap, value: np.ndarray, level: str) -> dict[str, float]:
    found = pd.DataFrame(compare(value, of, RNG(0)))
    here = found[found["level"] == level]
    return dict(zip(here["quantity"], here["value"], strict=True))


def planted(worth: np.ndarray, n: int = 40) -> tuple[DoMap, np.ndarray]:
    """A map of known worth, (v, p) in [−1, 1], measured by as many rollouts; and that worth."""
    v, p = worth.shape
    up = RNG(1).random((n, v, p)) < (1 + worth) / 2
    return DoMap(
        game="pong",
        arm="held",
        policy="tracker",
        places_screen=np.stack([np.arange(p), np.zeros(p)], axis=1).astype(float),
        velocities_screen=np.ones((v, 2)),
        observations=np.zeros((n, v, p, 4, 84, 84), np.uint8),
        reward=np.where(up, 1, -1).astype(np.int8)[..., None],
        steps=np.ones((n, v, p, 1), np.int16),
        decided=np.ones((n, v, p, 1), bool),
        coarse=np.arange(p),
        states=np.zeros((n, v, p, 0), np.uint8),
    ), worth[None]


def test_what_is_in_a_map(pong: DoMap, folder: Path) -> None:
    assert pong.observations.shape == (2, 4, 9, 4, 84, 84)
    assert pong.reward.shape == (2, 4, 9, 1)
    assert pong.places_screen[:4].tolist() == [[53, 80], [80, 80], [106, 80], [53, 114]]
    signs = np.sign(pong.velocities_screen).tolist()
    assert signs == [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    assert (np.abs(pong.reward) == pong.decided).all()  # Pong has no lives to lose
    assert pong.coarse.tolist() == [0, 2, 6, 8]
    assert pong.states.shape[:3] == (2, 4, 4)
    again = do_map(SMALL, workers=1, folder=folder)
    assert (again.reward == pong.reward).all()
    assert again.facts == pong.facts


def test_the_ball_is_drawn_there(pong: DoMap) -> None:
    """At the place and velocity, in every scene, the newest frame differs from its neighbour's."""
    for scene in pong.observations:
        for flight in scene:
            for place, (x, y) in enumerate(pong.places_screen):
                other = (place + 4) % 9
                changed = flight[place, -1] != flight[other, -1]
                rows, columns = np.nonzero(changed)
                near = (np.abs(columns - x * 0.525) < 3) & (np.abs(rows - y * 0.4) < 4)
                assert near.any()


def test_a_tracker_is_worth_more_than_chance(catch: DoMap, pong: DoMap, folder: Path) -> None:
    for settings, tracked, margin in ((CATCH, catch, 0.4), (SMALL, pong, 0.1)):
        chance = do_map(replace(settings, policy="random"), workers=1, folder=folder)
        assert chance.policy == "random"
        assert (chance.observations == tracked.observations).all()
        assert tracked.worth.mean() > chance.worth.mean() + margin


def test_catch_is_worth_more_from_above(catch: DoMap) -> None:
    """High up there is time to get there; just above the floor there is none."""
    by_row = catch.worth.mean(axis=0).reshape(6, 6).mean(axis=1)
    assert by_row[0] > by_row[-1] + 0.4
    assert by_row[0] > 0.6


def test_breakout_counts_bricks(folder: Path) -> None:
    settings = DoSettings("breakout", columns=2, rows=2, scenes=2)
    found = do_map(settings, workers=1, folder=folder)
    assert set(np.unique(found.reward)) <= {0, 1}
    assert found.worth[[0, 2]].min() == 1  # it flies up to the wall
    assert found.worth[[1, 3]].mean() < 1


def test_bad_settings(folder: Path) -> None:
    with pytest.raises(ValueError, match="held or along, got 'free'"):
        do_map(DoSettings(arm="free"), folder=folder)
    with pytest.raises(ValueError, match=r"policy among .*, got 'mixed'"):
        do_map(DoSettings(policy="mixed"), folder=folder)
    with pytest.raises(BadInput, match="nosuch"):
        do_map(DoSettings("nosuch"), folder=folder)
    assert not list(folder.glob("*nosuch*"))


def test_a_value_that_is_the_worth() -> None:
    """Measured with noise, it still follows the map and is blind to no pair that surely differs."""
    steps = np.repeat(np.linspace(-0.9, 0.9, 4), 16)
    of, worth = planted(np.stack([steps, steps]))
    for level in ("velocity", "place"):
        found = numbers(of, worth, level)
        assert found["spearman"] > 0.9, level
        assert found["value_blind"] == 0
        assert found["pairs"] > 100
        assert 0.93 < found["r2_explainable"] < 1.07
        assert abs(found["spearman_shuffled"]) < 0.3
        assert found["spearman_halves"] > 0.9
    assert numbers(of, of.worth[None], "velocity")["spearman"] == pytest.approx(1)
    assert numbers(of, -2 * worth + 3, "velocity")["pearson"] < -0.9


def test_noise_is_not_blindness() -> None:
    """Where no place is worth more than another, measured differences hardly ever count."""
    of, worth = planted(RNG(0).choice([0.0, 1e-3], (2, 200)), n=10)
    found = numbers(of, worth, "velocity")
    assert found["pairs_unsure"] > 2_000
    assert found["pairs"] < 0.005 * 2 * 199 * 100
    assert np.isnan(found["value_blind"])  # what is left are flukes
    assert np.isnan(found["r2_explainable"])


def test_a_value_that_says_nothing() -> None:
    of, worth = planted(np.repeat([[-0.9, 0.9]], 20, axis=1))
    by_scene = np.broadcast_to(np.array([1.0, 2.0, 5.0])[:, None, None], (3, *worth.shape[1:]))
    for blind in (np.zeros_like(worth), by_scene):
        found = numbers(of, blind, "velocity")
        assert found["value_blind"] == 1
        assert found["value_blind_unsure"] == 1
        assert found["pairs"] > 300
        assert np.isnan(found["spearman"])
    nothing = numbers(planted(np.zeros((1, 4)), n=1)[0], np.zeros((1, 1, 4)), "place")
    assert nothing["pairs"] == 0
    assert np.isnan(nothing["value_blind"])
    assert np.isnan(nothing["spearman_halves"])


def test_half_blind() -> None:
    """A value that sees one of two boundaries is blind to the pairs across the other."""
    of, worth = planted(np.repeat([[-1.0, 0.0, 1.0]], 10, axis=1), n=120)
    value = np.where(worth > 0.5, 1.0, 0.0)
    found = numbers(of, value, "velocity")
    assert found["value_blind"] == pytest.approx(100 / 300, abs=0.02)


def test_spearman_is_scipys() -> None:
    a, b = RNG(0).integers(0, 6, 50).astype(float), RNG(1).normal(size=50)
    assert spearman(a, b + a) == pytest.approx(spearmanr(a, b + a).statistic)


def test_of_a_network(catch: DoMap) -> None:
    """V is the greatest output at the map's own inputs; lines say of what."""
    network = build("gap@0.5", 0, 3)
    value = values(network, catch)
    with torch.no_grad():
        one = network(torch.from_numpy(catch.observations[1, 2, 3][None])).max()
    assert value.shape == (4, 4, 36)
    assert value[1, 2, 3] == pytest.approx(float(one), abs=1e-6)
    table = value_maps(network, catch, RNG(0)).table
    expected = table[table["quantity"] == "expected"]
    assert len(expected) == len(table[table["quantity"] == "worth"]) == 4 * 36
    assert expected["value"].to_numpy() == pytest.approx(value.mean(0).ravel())
    assert not table[["arm", "policy", "quantity", "level"]].isna().any(axis=None)


def test_under_its_own_policy(catch: DoMap) -> None:
    """An output that is always greatest moves the paddle away: it loses where the tracker wins."""
    network = build("gap@0.5", 0, 3)
    with torch.no_grad():
        last = network.head[-1]
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.0, 1.0, 0.0]))
    own = own_map(network, catch, RNG(0), rollouts=2)
    assert own.policy == "own"
    assert own.reward.shape == (4, 4, 9, 2)
    assert (own.places_screen == catch.places_screen[catch.coarse]).all()
    assert own.decided.all()
    assert own.worth.mean() < catch.at_coarse().worth.mean() - 0.4
    again = own_map(network, catch, RNG(0), rollouts=2)
    assert (again.reward == own.reward).all()
    table = own_value_maps(network, catch, RNG(0)).table
    assert set(table["policy"]) == {"own"}
