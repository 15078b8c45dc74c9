"""do-maps: what the next point is worth if the ball is put there, E[G | do(ball = x, y)].

The ball is teleported to every place of a grid, with each of four velocities, in each of some
scenes, and play goes on by a policy until the next point. G is its sign; in Breakout it is 1 for a
brick and 0 for a lost life. Undiscounted; 0 where nothing is decided in 400 agent steps. The map
under the reference policy is a property of the game: it is built once and kept. `do` is meant as
in Pearl's *Causality* (2009): the place is set from outside, whatever play would have made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int8, Int16, Int64, UInt8

from agents.settings import EvaluationProtocol
from analysis.cache import CACHE, cached, say, shaped_by
from analysis.networks import Network, Observations
from analysis.worth.do_scenes import DoSettings, arrays_of, build_map
from analysis.worth.lockstep import consoles, greedy, play_on_together
from analysis.worth.rollouts import POLICIES
from envs.games import find
from envs.positions import Positions

CODE = (
    "envs/*.py",
    "analysis/worth/do_scenes.py",
    "analysis/worth/rollouts.py",
    "analysis/worth/lockstep.py",
)
"""What has a say in a map: change it, and maps are built anew."""

TOGETHER = 64
"""Games played on at a time by a network: one pass for all of them."""


@dataclass(frozen=True)
class DoMap:
    """Scenes (s) × velocities (v) × places (p): what the network sees, and how play went on.

    Attributes:
        game: By name.
        arm: Held or along.
        policy: Who played on: `tracker`, `random` or `own`.
        places_screen: x and y of the ball's corner in the last raw frame.
        velocities_screen: Screen pixels a raw frame.
        observations: Network inputs.
        reward: G of each rollout (r): −1, 0 or 1.
        steps: Agent steps that it took.
        decided: Whether there was a point or a lost life.
        coarse: Which places belong to the coarse grid (q).
        states: Where play can go on from there, as bytes.
        facts: What was counted while building.
    """

    game: str
    arm: str
    policy: str
    places_screen: Float64[np.ndarray, "p 2"]
    velocities_screen: Float64[np.ndarray, "v 2"]
    observations: UInt8[np.ndarray, "s v p 4 84 84"]
    reward: Int8[np.ndarray, "s v p r"]
    steps: Int16[np.ndarray, "s v p r"]
    decided: Bool[np.ndarray, "s v p r"]
    coarse: Int64[np.ndarray, " q"]
    states: UInt8[np.ndarray, "s v q size"]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def worth(self) -> Float64[np.ndarray, "v p"]:
        """E[G | do(ball = x, y)] for each velocity: the mean over scenes and rollouts."""
        mean: Float64[np.ndarray, "v p"] = self.reward.mean(axis=(0, 3))
        return mean

    def at_coarse(self) -> DoMap:
        """Return the map of the coarse places alone."""
        keep = self.coarse
        return replace(
            self,
            places_screen=self.places_screen[keep],
            observations=self.observations[:, :, keep],
            reward=self.reward[:, :, keep],
            steps=self.steps[:, :, keep],
            decided=self.decided[:, :, keep],
            coarse=np.arange(len(keep)),
        )


def do_map(
    settings: DoSettings,
    *,
    workers: int | None = None,
    folder: Path = CACHE,
    tell: Callable[[str], None] = say,
) -> DoMap:
    """Load or build the do-map of a game under the reference policy.

    Args:
        settings: What shapes it.
        workers: Processes; as many as there are cores unless told. The map does not depend on it.
        folder: Where maps are kept.
        tell: Is told when a damaged map is built again.

    Raises:
        ValueError: If the player of the game cannot follow the ball, or there is no such arm.
    """
    if settings.arm not in ("held", "along"):
        raise ValueError(f"expected the arm held or along, got {settings.arm!r}")
    if settings.policy not in POLICIES:
        raise ValueError(f"expected a policy among {POLICIES}, got {settings.policy!r}")

    name = f"do-map-{settings.game}-{settings.arm}"
    build = partial(build_map, settings, workers)
    arrays, facts = cached(name, shaped_by(settings, CODE), build, folder, tell)
    return DoMap(
        game=settings.game,
        arm=settings.arm,
        policy=settings.policy,
        **arrays,
        facts={**facts, "undecided_share": float(1 - arrays["decided"].mean())},
    )


def own_map(
    network: Network,
    base: DoMap,
    rng: np.random.Generator,
    *,
    rollouts: int = 1,
) -> DoMap:
    """Play on from the coarse grid of a map by the network's own policy instead.

    Random decisions and repeated actions are as many as when agents are scored.

    Args:
        network: Whose greatest output is the action.
        base: Where scenes, places and velocities come from.
        rng: Of random decisions and stickiness.
        rollouts: From each place, velocity and scene.
    """
    here, protocol = base.at_coarse(), EvaluationProtocol()
    shape = (*here.observations.shape[:3], rollouts)
    act = greedy(network)

    def choose(observations: Observations, seen: Positions) -> Int64[np.ndarray, " m"]:
        return act(observations, protocol.epsilon, rng)

    ended = play_on_together(
        consoles(find(base.game), TOGETHER),
        np.repeat(here.states.reshape(-1, here.states.shape[-1]), rollouts, axis=0),
        np.repeat(here.observations.reshape(-1, 4, 84, 84), rollouts, axis=0),
        choose,
        rng,
        sticky=protocol.sticky,
    )
    found = arrays_of(ended, shape)
    return replace(
        here,
        policy="own",
        reward=found["reward"],
        steps=found["steps"],
        decided=found["decided"],
        facts={"undecided_share": float(1 - found["decided"].mean())},
    )
