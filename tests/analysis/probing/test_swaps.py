"""One set of weights under several aggregators: what must come out equal, and what must not."""

from __future__ import annotations

import numpy as np
import pytest
from small_frames import frames_to_probe

from analysis.claims import CLAIMS
from analysis.networks import build
from analysis.pictures.frames import Frames
from analysis.probing.crossfit import by_mlp, by_ridge, turns
from analysis.probing.swaps import _unseen, place_after_pools, place_bits, swap


@pytest.fixture(scope="module")
def frames() -> Frames:
    return frames_to_probe()


def test_turns_judge_everything_once() -> None:
    episode = np.repeat([3, 5, 6, 8, 9, 11], 4)
    judged = []
    for parts in turns(episode):
        of = [set(episode[p]) for p in (parts.train, parts.choose, parts.judge)]
        assert sorted(e for part in of for e in part) == sorted(set(episode))
        judged += parts.judge.tolist()
    assert sorted(judged) == list(range(len(episode)))
    with pytest.raises(ValueError, match="at least 4 episodes, got 2"):
        list(turns(episode[:8]))


def test_crossfit_finds_the_planted_only() -> None:
    """The place among noise, on every example; a place that holds within an episode only, never."""
    rng = np.random.default_rng(0)
    place, episode = rng.uniform(0, 80, size=(800, 2)), np.repeat(np.arange(8), 100)
    cell = (place[:, 0] // 10 + 8 * (place[:, 1] // 10)).astype(np.int64)
    features = np.hstack([place, rng.normal(size=(800, 3))]).astype(np.float32)
    assert 1 - np.square(by_ridge(features, place, episode) - place).mean() / place.var() > 0.99
    said = by_mlp(features, place, cell, episode, rng)
    assert 1 - np.square(said.predicted - place).mean() / place.var() > 0.97
    assert 6 - said.cross_entropy_bits(cell) > 2
    own = np.eye(8, dtype=np.float32)[episode]
    rule = rng.uniform(0, 80, size=(8, 2))[episode]
    assert 1 - np.square(by_ridge(own, rule, episode) - rule).mean() / rule.var() <= 0.02


def test_only_episodes_that_nobody_was_trained_on(frames: Frames) -> None:
    some = _unseen(frames)
    assert (frames.episode_fold()[some] < 2).all()
    assert len(some) == (frames.episode_fold() < 2).sum()
    fewer = _unseen(frames, len(some) // 2)
    assert len(fewer) == pytest.approx(len(some) / 2, rel=0.1)
    assert set(fewer) < set(some)


def test_bits_of_equal_networks_are_equal(frames: Frames) -> None:
    """corner_twin computes what nature does; the mean keeps more of the place than a corner."""
    source = build("nature@0.25", 0, 2)
    rng = np.random.default_rng(0)
    made = place_bits(source, frames, rng, ("nature", "corner_twin", "twin_avg"))
    nature, corner, _ = made.readings
    assert [r.row for r in made.readings] == ["nature@0.25", "corner_twin@0.25", "twin_avg@0.25"]
    assert abs(nature.value - corner.value) < 0.1
    r2 = made.table[(made.table["metric"] == "r2") & (made.table["axis"] == "mean")]["value"]
    assert r2.iloc[0] == pytest.approx(r2.iloc[1], abs=0.05)
    assert r2.iloc[2] > r2.iloc[0] + 0.1


def test_error_behind_pools(frames: Frames) -> None:
    """No chance in it; the corner's error is nature's, layer by layer."""
    source = build("half_max@0.25", 0, 2)
    made = place_after_pools(source, frames)
    assert [(r.row, r.condition) for r in made.readings] == [
        (f"{row}@0.25", f"after={pool}")
        for row in ("half_max", "half_pick")
        for pool in ("pool1", "pool2")
    ]
    assert all(1 < r.value < 40 for r in made.readings)
    again = place_after_pools(source, frames)
    assert again.readings == made.readings
    (corner,) = place_after_pools(source, frames, ("corner_half",), ("pool1",)).readings
    nature = build("nature@0.25", 0, 2)
    (strided,) = place_after_pools(nature, frames, ("nature",), ("conv1",)).readings
    assert corner.value == pytest.approx(strided.value, rel=1e-3)


def test_swap_by_itself_changes_nothing(frames: Frames) -> None:
    nature, corner = build("nature@0.25", 0, 2), build("corner_twin@0.25", 0, 2)
    made = swap(nature, corner, frames, np.random.default_rng(0))
    assert made.readings == ()
    table = made.table[made.table["axis"] == "mean"]
    assert len(table) == 2 * 2 * 2 * 2
    linear = table[(table["head"] == "ridge") & (table["metric"] == "r2")]["value"]
    assert np.ptp(linear) < 1e-3
    half = build("half_max@0.25", 1, 2)
    four = swap(nature, half, frames, np.random.default_rng(0)).table
    linear = four[(four["head"] == "ridge") & (four["metric"] == "r2") & (four["axis"] == "mean")]
    by = linear.set_index(["weights", "aggregator"])["value"]
    assert len(set(by.round(6))) == 4
    assert by["nature@0.25", "half_max@0.25"] > by["nature@0.25", "nature@0.25"]


def test_weights_without_a_place(frames: Frames) -> None:
    with pytest.raises(ValueError, match="expected a place for every parameter"):
        place_bits(build("all_conv@0.25", 0, 2), frames, np.random.default_rng(0), ("nature",))
    with pytest.raises(ValueError, match=r"expected weights for all of gap_learned@0\.25"):
        place_bits(build("gap@0.25", 0, 2), frames, np.random.default_rng(0), ("gap_learned",))
    with pytest.raises(ValueError, match="expected layers among"):
        place_after_pools(build("nature@0.25", 0, 2), frames, ("nature",))


def test_readings_are_those_of_the_claims() -> None:
    cells = {(c.measure, c.row, c.condition) for x in CLAIMS for p in x.parts for c in p.cells}
    assert {("place_bits", "nature", ""), ("place_bits", "twin_max", "")} <= cells
    assert {
        ("place_rmse_px", row, f"after={pool}")
        for row in ("half_max", "half_pick")
        for pool in ("pool1", "pool2")
    } <= cells
