"""Shares of variance that go to the ball's place, without the rollouts' noise and the design's.

A design crosses scenes (moments of games, each with one velocity) with places: two in each of H
blocks, the same in every scene, K rollouts of each pair of scene and place. With place and scene
independent, Var E[G | state] falls into what differs between scenes and what place changes within
them (Sobol's indices; Saltelli et al. 2010):

    total share of place        1 − Var E[G | scene] / Var E[G | state]
    first-order share of place  Var E[G | place] / Var E[G | state]

All variances are unbiased: the noise of K rollouts is taken off; means over places are corrected
for there being only two places a block, by the difference between the two; whatever is compared
between scenes comes from two different games, because scenes of one game are alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

Crossed = Float[np.ndarray, "m h 2 k"]
"""Rewards: scene, block, place in the block, rollout."""


@dataclass(frozen=True)
class Components:
    """Variances, in squared rewards; estimates may fall below 0.

    Attributes:
        within: By place within a scene: E Var(E[G | state] | scene).
        between: Between scenes: Var E[G | scene].
        first: By place alone: Var E[G | place].
        noise: Among rollouts of one state.
    """

    within: float
    between: float
    first: float
    noise: float

    @property
    def explainable(self) -> float:
        """Var E[G | state]."""
        return self.within + self.between

    @property
    def total_share(self) -> float:
        """Of Var E[G | state] what is gone where all but place is known; interactions included.

        Raises:
            ValueError: If the state makes no difference, so that there are no shares.
        """
        if self.explainable <= 0:
            raise ValueError(f"expected a state that matters, got a variance {self.explainable}")
        return self.within / self.explainable

    @property
    def first_order_share(self) -> float:
        """Of Var E[G | state] what place explains by itself."""
        return self.first / self.explainable


def components(rewards: Crossed, episode: Int64[np.ndarray, " m"]) -> Components:
    """Return the variances. Every episode counts the same, whatever its number of scenes.

    Args:
        rewards: One entry a rollout.
        episode: Which game each scene is from.

    Raises:
        ValueError: If there are fewer than two episodes, or two rollouts.
    """
    names, which, sizes = np.unique(episode, return_inverse=True, return_counts=True)
    if len(names) < 2 or rewards.shape[-1] < 2:
        raise ValueError(
            f"expected two episodes and two rollouts at least, got {len(names)} and "
            f"{rewards.shape[-1]}"
        )
    weight = 1 / sizes[which]
    worth = rewards.mean(axis=3).astype(np.float64)
    noise = rewards.var(axis=3, ddof=1).mean(axis=(1, 2))
    own = _covariances(worth, worth) - noise / rewards.shape[-1]
    dealt = np.zeros((len(names), len(worth)))
    dealt[which, np.arange(len(worth))] = weight
    by_episode = np.einsum("em,mhp->ehp", dealt, worth)
    return Components(
        within=float((weight * own).sum() / len(names)),
        between=float(_apart(_squared_differences(worth) / 2, which, weight).sum()),
        first=_mean_covariance(by_episode),
        noise=float((weight * noise).sum() / len(names)),
    )


def jackknife(
    rewards: Crossed, episode: Int64[np.ndarray, " m"]
) -> tuple[Float64[np.ndarray, " 2"], Float64[np.ndarray, " 2"]]:
    """Return total and first-order share, and the standard error of each over episodes."""
    names = np.unique(episode)
    whole = components(rewards, episode)
    shares = []
    for name in names:
        kept = episode != name
        left = components(rewards[kept], episode[kept])
        shares.append((left.total_share, left.first_order_share))
    spread = np.array(shares).var(axis=0) * (len(names) - 1)
    return np.array([whole.total_share, whole.first_order_share]), np.sqrt(spread)


def _covariances(
    a: Float64[np.ndarray, "n h 2"], b: Float64[np.ndarray, "n h 2"]
) -> Float64[np.ndarray, " n"]:
    """Return the covariance over all places of the box, not only the ones drawn.

    The places drawn spread about their own mean, which misses what that mean varies by.
    """
    off_a, off_b = (v - v.mean(axis=(1, 2), keepdims=True) for v in (a, b))
    covariance: Float64[np.ndarray, " n"] = (off_a * off_b).mean(axis=(1, 2)) + _of_mean(
        a[..., 0] - a[..., 1], b[..., 0] - b[..., 1]
    )
    return covariance


def _of_mean(
    a: Float64[np.ndarray, "n h"], b: Float64[np.ndarray, "n h"]
) -> Float64[np.ndarray, " n"]:
    """Return the covariance of two means over places, from the differences within blocks.

    A block's mean of two varies by a quarter of the mean square of their difference.
    """
    covariance: Float64[np.ndarray, " n"] = (a * b).sum(axis=1) / 4 / a.shape[1] ** 2
    return covariance


def _squared_differences(worth: Float64[np.ndarray, "m h 2"]) -> Float64[np.ndarray, "m m"]:
    """Return (μ − μ')² of each two scenes, without what their means over places vary by."""
    mean, apart = worth.mean(axis=(1, 2)), worth[..., 0] - worth[..., 1]
    square = np.square(mean[:, None] - mean[None])
    product = apart @ apart.T
    length = np.diag(product)
    correction = (length[:, None] + length[None] - 2 * product) / 4 / apart.shape[1] ** 2
    corrected: Float64[np.ndarray, "m m"] = square - correction
    return corrected


def _apart(
    pairs: Float64[np.ndarray, "m m"],
    which: Int64[np.ndarray, " m"],
    weight: Float64[np.ndarray, " m"],
) -> Float64[np.ndarray, "m m"]:
    """Weight pairs of scenes so that every pair of different episodes counts the same."""
    episodes = which.max() + 1
    different = which[:, None] != which[None]
    weighted: Float64[np.ndarray, "m m"] = (
        pairs * weight[:, None] * weight[None] * different / (episodes * (episodes - 1))
    )
    return weighted


def _mean_covariance(by_episode: Float64[np.ndarray, "e h 2"]) -> float:
    """Return the covariance over places between two different episodes, averaged over pairs."""
    episodes = len(by_episode)
    summed = by_episode.sum(axis=0, keepdims=True)
    both = _covariances(summed, summed)[0] - _covariances(by_episode, by_episode).sum()
    return float(both / (episodes * (episodes - 1)))
