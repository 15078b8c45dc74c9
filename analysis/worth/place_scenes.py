"""What states are worth with the ball at the same places in many scenes, for `place_share`.

A seed is a draw of its own of games, moments, velocities, places and rollouts. Places are the same
in every scene of a seed, so that what place does alone can be told from what it does together with
the rest. Whatever is here decides what is drawn: a change makes new sets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from analysis.cache import CACHE, Facts, cached, say, shaped_by
from analysis.pictures.places import BLOCK_SCREEN, balanced_places
from analysis.pictures.processes import Arrays, Counts, Job, gather
from analysis.worth.rollouts import can_be_played_on, rollouts
from commandline import BadInput
from envs.emulator import Emulator, to_bytes
from envs.flights import Velocity
from envs.games import find
from envs.moments import moments, velocities, velocity_fits
from envs.positions import facts_of
from envs.teleport import Arm, Collided, Teleporter

CODE = (
    "analysis/pictures/places.py",
    "analysis/worth/place_scenes.py",
    "analysis/worth/rollouts.py",
    *(f"envs/{name}.py" for name in ("emulator", "flights", "moments", "policies", "positions")),
    "envs/teleport.py",
)
"""What has a say in the rewards, beside the game, which is in the key itself."""

STREAM = 102
"""Keeps these scenes apart from those that networks are trained on."""

EACH = 2
"""Places in a block: the fewest that show how much they differ."""


@dataclass(frozen=True)
class PlaceSettings:
    """What shapes the rollouts of one seed.

    Attributes:
        game: From `envs.games`.
        arm: What the opponent does until the ball is in place: held or along.
        policy: Who plays on: tracker or random.
        episodes: Games played to find moments. One pilot seed of 16 had a standard error of .06, of
            which ten seeds would leave an interval of ±.045; with 32 it is some ±.03.
        moments: Moments kept of each, at most.
        rollouts: Of each pair of scene and place.
        seed: Of everything.
    """

    game: str = "pong"
    arm: str = "held"
    policy: str = "tracker"
    episodes: int = 32
    moments: int = 2
    rollouts: int = 2
    seed: int = 0


@dataclass(frozen=True)
class Scenes:
    """Rewards of every scene at every place.

    Attributes:
        rewards: Scene, block, place in the block, rollout.
        episode: Which game each scene is from.
        facts: What was counted.
    """

    rewards: Float64[np.ndarray, "m h 2 k"]
    episode: Int64[np.ndarray, " m"]
    facts: Facts


def scenes(
    settings: PlaceSettings,
    *,
    workers: int | None = None,
    folder: Path = CACHE,
    tell: Callable[[str], None] = say,
) -> Scenes:
    """Load or build the rollouts of one seed.

    Args:
        settings: What shapes them.
        workers: Processes; as many as there are cores unless told.
        folder: Where sets are kept.
        tell: Is told when a damaged set is built again.

    Raises:
        BadInput: If no script can play the game on from a saved state.
    """
    game = find(settings.game)
    if not can_be_played_on(game):
        raise BadInput(f"--game: expected pong or breakout, got {settings.game!r}")

    def build() -> tuple[Arrays, Facts]:
        chance = np.random.SeedSequence((settings.seed, STREAM))
        first, *seeds = chance.spawn(settings.episodes + 1)
        rng, facts = np.random.default_rng(first), facts_of(game)
        fitting = [v for v in velocities(game, rng) if velocity_fits(facts, v)]
        box, (width, height) = facts.places, BLOCK_SCREEN
        blocks = (box.right - box.left) // width * ((box.bottom - box.top) // height)
        step = (1, abs(facts.ball.y.scale))
        places, _ = balanced_places(box, BLOCK_SCREEN, step, EACH * blocks, rng)
        arrays, counts = gather(partial(_episode, settings, fitting, places), seeds, workers)
        return arrays, _facts(counts)

    shape = {**shaped_by(settings, CODE), "game": repr(game)}
    name = f"place-{settings.game}-{settings.arm}-{settings.policy}-{settings.seed}"
    arrays, facts = cached(name, shape, build, folder, tell)
    rewards = arrays["reward"].astype(np.float64)
    return Scenes(
        rewards.reshape(len(rewards), -1, EACH, settings.rollouts), arrays["episode"], facts
    )


def _facts(counts: Mapping[str, int]) -> Facts:
    return {
        "counts": dict(sorted(counts.items())),
        "kept_share": counts["moments_kept"] / counts["moments_tried"],
        "undecided_share": counts["undecided"] / counts["rollouts"],
        "mean_agent_steps": counts["agent_steps"] / counts["rollouts"],
    }


def _episode(
    settings: PlaceSettings,
    fitting: list[Velocity | None],
    places: Int64[np.ndarray, "p 2"],
    job: Job,
) -> tuple[Arrays, Counts]:
    """Put the ball at all places in some moments of one game, and play on."""
    number, seed = job
    playing, choosing, chance = seed.spawn(3)
    game, counts = find(settings.game), Counter[str]()
    emulator, rng = Emulator(game, seed=0), np.random.default_rng(choosing)
    kept: list[np.ndarray] = []
    for moment in moments(game, np.random.default_rng(playing), episode=number):
        counts["moments_tried"] += 1
        try:
            teleporter = Teleporter(emulator, moment)
            flight = teleporter.flight(fitting[int(rng.integers(len(fitting)))])
            arm: Arm = "held" if settings.arm == "held" else "along"
            group = teleporter.group(flight, places, arm, keep_states=True)
        except Collided as why:
            counts[f"dropped: {why}"] += 1
            continue
        states = np.stack([to_bytes(state) for state in group.states])
        drawn = rollouts(
            game, settings.policy, np.repeat(states, settings.rollouts, axis=0), chance
        )
        kept.append(drawn["reward"])
        counts.update(
            rollouts=len(drawn["reward"]),
            undecided=int((~drawn["decided"]).sum()),
            agent_steps=int(drawn["steps"].sum()),
        )
        if len(kept) == settings.moments:
            break
    counts["moments_kept"] = len(kept)
    if not kept:
        return {"episode": np.zeros(0, np.int64)}, counts
    return {"episode": np.full(len(kept), number), "reward": np.stack(kept)}, counts
