"""Shares of variance on simulated games whose shares are known: no bias, and honest errors."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.worth.variance_shares import Components, components, jackknife

COLUMNS = 5
"""Blocks across and down."""


def simulated(
    rng: np.random.Generator,
    episode: float,
    scene: float,
    place: float,
    both: float,
    episodes: int = 16,
    moments: int = 2,
) -> tuple[np.ndarray, np.ndarray]:
    """Rewards whose variance has four planted parts, given as standard deviations; noise .7."""
    blocks = COLUMNS**2
    corner = np.stack(np.divmod(np.arange(blocks), COLUMNS))[..., None]
    y, x = (corner + rng.random((2, blocks, 2))) / COLUMNS  # two places in each block
    which = np.repeat(np.arange(episodes), moments)
    phase = rng.random((len(which), 1, 1)) * 2 * np.pi
    worth = (
        episode * rng.normal(size=episodes)[which, None, None]
        + scene * rng.normal(size=(len(which), 1, 1))
        + place * np.sqrt(2) * np.cos(2 * np.pi * x)
        + both * np.sqrt(2) * np.cos(2 * np.pi * y + phase)
    )
    return worth[..., None] + 0.7 * rng.normal(size=(*worth.shape, 2)), which


def mean_components(parts: tuple[float, ...], **design: int) -> np.ndarray:
    """Components over 225 studies: mean, and its standard error."""
    rng = np.random.default_rng(0)
    found = [components(*simulated(rng, *parts, **design)) for _ in range(225)]
    table = np.array([(c.within, c.between, c.first, c.noise) for c in found])
    return np.stack([table.mean(axis=0), table.std(axis=0) / 15])


@pytest.mark.parametrize(
    "parts",
    [(0.1, 0.2, 0.25, 0.2), (0.3, 0.0, 0.0, 0.0), (0.0, 0.0, 0.3, 0.0), (0.0, 0.3, 0.0, 0.3)],
)
def test_unbiased(parts: tuple[float, ...]) -> None:
    episode, scene, place, both = np.square(parts)
    mean, error = mean_components(parts)
    truth = np.array([place + both, episode + scene, place, 0.49])
    assert (np.abs(mean - truth) <= 4 * error + 1e-4).all()


def test_the_corrections_are_needed() -> None:
    """Plain variances of means would say .02 and more of a variance that is nothing."""
    rng = np.random.default_rng(0)
    rewards, which = simulated(rng, 0, 0, 0.3, 0, episodes=200)
    worth = rewards.mean(axis=3)
    assert worth.var(axis=(1, 2)).mean() > 0.09 + 0.2
    assert np.square(worth.mean(axis=(1, 2))).mean() > 0.004
    found = components(rewards, which)
    assert found.within == pytest.approx(0.09, abs=0.015)
    assert found.between == pytest.approx(0, abs=0.002)


def test_shares_and_their_errors_over_ten_seeds() -> None:
    """The t interval of ten seeds holds the truth as often as it should; bias under .01."""
    rng, truth = np.random.default_rng(2), 0.1025 / 0.1525
    shares = np.array(
        [components(*simulated(rng, 0.1, 0.2, 0.25, 0.2)).total_share for _ in range(1_000)]
    ).reshape(100, 10)
    assert abs(shares.mean() - truth) < 0.012
    reach = 2.262 * shares.std(axis=1, ddof=1) / np.sqrt(10)
    assert (np.abs(shares.mean(axis=1) - truth) <= reach).mean() >= 0.9
    assert 0.03 < reach.mean() < 0.07


def test_jackknife_agrees_with_the_spread_of_studies() -> None:
    rng = np.random.default_rng(3)
    found = [jackknife(*simulated(rng, 0.1, 0.2, 0.25, 0.2)) for _ in range(40)]
    shares, errors = (np.array(column) for column in zip(*found, strict=True))
    assert (np.abs(errors.mean(axis=0) / shares.std(axis=0) - 1) < 0.3).all()


def test_every_episode_counts_the_same() -> None:
    """Ten copies of one episode's scenes change nothing about what episodes say."""
    rng = np.random.default_rng(4)
    rewards, which = simulated(rng, 0.2, 0.0, 0.2, 0.2, episodes=6, moments=1)
    often = np.concatenate([which, np.zeros(9, np.int64)])
    again = np.concatenate([rewards, np.repeat(rewards[:1], 9, axis=0)])
    once, more = components(rewards, which), components(again, often)
    assert more.within == pytest.approx(once.within)
    assert more.between == pytest.approx(once.between)
    assert more.first == pytest.approx(once.first)


def test_by_hand_and_refused() -> None:
    found = Components(within=0.3, between=0.1, first=0.2, noise=1.0)
    assert (found.total_share, found.first_order_share) == pytest.approx((0.75, 0.5))
    with pytest.raises(ValueError, match="expected a state that matters"):
        _ = Components(0.1, -0.2, 0.0, 1.0).total_share
    with pytest.raises(ValueError, match="got 1 and 2"):
        components(np.zeros((3, 4, 2, 2)), np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="got 3 and 1"):
        components(np.zeros((3, 4, 2, 1)), np.arange(3))
