"""Whether a network's value follows the do-map: what it expects beside what the place is worth.

V is the greatest output of the network at the very inputs from which play went on; for an agent,
max Q. It is averaged over the scenes of the map, as G is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64

from analysis.networks import OUTPUTS, Network, responses
from analysis.readings import Measured
from analysis.worth.do_maps import DoMap, own_map

WORTH = 0.5
"""Two places differ in worth if their G differs by more than this."""

BLIND = 0.1
"""A network is blind to that if its V differs by no more than this many standard deviations."""

SURE = 1.96
"""Standard errors by which a difference in worth has to be beyond `WORTH`."""

RELIABLE = 0.2
"""Below this reliability a map is too noisy to say what share of its signal is explained."""

LUCK = 4.0
"""There have to be so many times as many pairs that surely differ as by luck."""

Record = dict[str, Any]


def value_maps(network: Network, of: DoMap, rng: np.random.Generator) -> Measured:
    """Compare a network's value with a do-map.

    Two levels. *velocity*: a cell is a place and a velocity, and pairs of places have the same
    velocity. *place*: velocities are averaged as scenes are. At each of them

    - `spearman`: rank correlation of V and G over the cells; `spearman_shuffled` with the places
      of V shuffled (a control); `spearman_halves`, that of G in two halves of the scenes: what the
      noise leaves to be found.
    - `pearson`; `r2`, its square: the share of the variance of G that an affine function of V
      explains; `reliability`, the share of that variance that is not the noise of rollouts (a lower
      bound, as scenes count as noise); `r2_explainable`, r2 over reliability; NaN below .2.
    - `value_blind`: of the pairs of places that surely differ in worth, the share whose V differs
      by at most .1 standard deviations. *Surely*: |ΔG| is beyond .5 by 1.96 standard errors, after
      Agresti and Caffo (2000, The American Statistician 54(4)): each cell is given one more rollout
      of the best and one of the worst outcome, so that ten equal ones are not taken for certainty.
      Without that, noise would make pairs of equal worth look different, and a network that knows
      better would be called blind. *Standard deviation*: of V over all inputs, so that a network
      that minds only the scene is blind. `pairs` says how many they are, `pairs_shuffled` how many
      there would be if rollouts were dealt out to the places by chance (of all pairs some look
      sure by luck); NaN unless there are four times as many.
    - `value_blind_unsure` and `pairs_unsure`: the same for all pairs with a measured |ΔG| > .5.

    Args:
        network: Any with an output for each action, or one output.
        of: Under whatever policy.
        rng: Of the shuffled control.

    Returns:
        Both maps (`worth`, `expected`) and the comparisons, one number a line; no verdict hangs on
        them.
    """
    value = values(network, of)
    records = [*_maps(of, value.mean(axis=0)), *compare(value, of, rng)]
    table = pd.DataFrame(records, columns=COLUMNS)
    table.insert(0, "policy", of.policy)
    table.insert(0, "arm", of.arm)
    return Measured(table)


def own_value_maps(network: Network, base: DoMap, rng: np.random.Generator) -> Measured:
    """Compare a network's value with what follows if it plays on itself, on the coarse grid.

    Args:
        network: With an output for each action.
        base: Where scenes, places and velocities come from.
        rng: Of the rollouts; see `analysis.worth.do_maps.own_map`.
    """
    return value_maps(network, own_map(network, base, rng), rng)


COLUMNS = (
    "quantity",
    "level",
    "velocity_x_screen",
    "velocity_y_screen",
    "ball_x_screen",
    "ball_y_screen",
    "value",
)


def values(network: Network, of: DoMap) -> Float64[np.ndarray, "s v p"]:
    """Return V, the network's greatest output, at every input of a map."""
    flat = of.observations.reshape(-1, *of.observations.shape[3:])
    greatest = responses(network, flat, (OUTPUTS,))[OUTPUTS].max(axis=1)
    value: Float64[np.ndarray, "s v p"] = greatest.astype(np.float64).reshape(
        of.observations.shape[:3]
    )
    return value


def compare(
    value: Float64[np.ndarray, "s v p"], of: DoMap, rng: np.random.Generator
) -> list[Record]:
    """Compare any value with a map; see `value_maps` for what comes back.

    Args:
        value: By scene, velocity and place; the scenes need not be all of the map's.
        of: The map.
        rng: Of the shuffled control.
    """
    spread = float(value.std())
    low, high = _range(of.game)
    shuffled = rng.permutation(value.shape[2])
    records: list[Record] = [
        {"quantity": "value_sd", "level": "input", "value": spread},
        {"quantity": "undecided_share", "level": "input", "value": 1 - of.decided.mean()},
    ]
    for level in ("velocity", "place"):
        expected = value.mean(axis=0)
        rewards = np.moveaxis(of.reward.astype(np.float64), (0, 3), (2, 3))  # (v, p, s, r)
        if level == "place":
            expected = expected.mean(axis=0, keepdims=True)
            rewards = np.moveaxis(rewards, 0, 1)[None]  # (1, p, v, s, r)
        halves = [rewards[..., k::2, :].reshape(*expected.shape, -1) for k in (0, 1)]
        rewards = rewards.reshape(*expected.shape, -1)
        found = {
            **_agreement(expected, rewards),
            "spearman_shuffled": spearman(expected[:, shuffled], rewards.mean(axis=2)),
            "spearman_halves": spearman(*(half.mean(axis=2) for half in halves))
            if halves[1].size
            else np.nan,
        }
        dealt = rng.permuted(rewards.reshape(len(rewards), -1), axis=1).reshape(rewards.shape)
        sure, lucky = (_surely_apart(given, low, high) for given in (rewards, dealt))
        unsure, blind = ~same(rewards.mean(axis=2), WORTH), same(expected, BLIND * spread)
        found |= {
            "pairs": float(sure.sum()),
            "pairs_shuffled": float(lucky.sum()),
            "pairs_unsure": float(unsure.sum()),
            "value_blind": blind[sure].mean() if sure.sum() > LUCK * lucky.sum() else np.nan,
            "value_blind_unsure": blind[unsure].mean() if unsure.any() else np.nan,
        }
        records += [{"quantity": k, "level": level, "value": v} for k, v in found.items()]
    return records


def spearman(a: Float64[np.ndarray, "*cells"], b: Float64[np.ndarray, "*cells"]) -> float:
    """Return the rank correlation, ties sharing their mean rank; NaN if one does not vary."""
    return pearson(*(pd.Series(c.ravel()).rank().to_numpy(np.float64) for c in (a, b)))


def pearson(a: Float64[np.ndarray, "*cells"], b: Float64[np.ndarray, "*cells"]) -> float:
    """Return the correlation; NaN if one does not vary."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def same(level: Float64[np.ndarray, "v p"], within: float) -> Bool[np.ndarray, "v pairs"]:
    """Say of each two cells of a velocity whether they differ by no more than that."""
    first, second = np.triu_indices(level.shape[1], 1)
    return np.asarray(np.abs(level[:, first] - level[:, second]) <= within)


def _agreement(
    expected: Float64[np.ndarray, "v p"], rewards: Float64[np.ndarray, "v p n"]
) -> dict[str, float]:
    worth = rewards.mean(axis=2)
    r, n = pearson(expected, worth), rewards.shape[2]
    noise = rewards.var(axis=2, ddof=1).mean() / n if n > 1 else np.nan
    varies = worth.var(ddof=1)
    reliability = 1 - noise / varies if varies > 0 else np.nan
    return {
        "spearman": spearman(expected, worth),
        "pearson": r,
        "r2": r**2,
        "reliability": float(reliability),
        "r2_explainable": float(r**2 / reliability) if reliability > RELIABLE else np.nan,
    }


def _surely_apart(
    rewards: Float64[np.ndarray, "v p n"], low: float, high: float
) -> Bool[np.ndarray, "v pairs"]:
    """Say of each two cells whether their worth surely differs by more than `WORTH`."""
    n = rewards.shape[2] + 2
    mean = (rewards.sum(axis=2) + low + high) / n
    square = (np.square(rewards).sum(axis=2) + low**2 + high**2) / n
    error2 = (square - mean**2) / n
    first, second = np.triu_indices(mean.shape[1], 1)
    apart = np.abs(mean[:, first] - mean[:, second])
    return np.asarray(apart - SURE * np.sqrt(error2[:, first] + error2[:, second]) > WORTH)


def _range(game: str) -> tuple[float, float]:
    """Return the least and the greatest G: in Breakout nothing is ever lost but a life."""
    return (0.0, 1.0) if game == "breakout" else (-1.0, 1.0)


def _maps(of: DoMap, expected: Float64[np.ndarray, "v p"]) -> list[Record]:
    records: list[Record] = []
    for quantity, map_ in (("worth", of.worth), ("expected", expected)):
        for (vx, vy), row in zip(of.velocities_screen, map_, strict=True):
            for (x, y), cell in zip(of.places_screen, row, strict=True):
                records.append(
                    {
                        "quantity": quantity,
                        "level": "velocity",
                        "velocity_x_screen": vx,
                        "velocity_y_screen": vy,
                        "ball_x_screen": x,
                        "ball_y_screen": y,
                        "value": cell,
                    }
                )
    return records
