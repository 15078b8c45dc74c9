"""Potential rewards of teleported states: which, how many rollouts of each, episode by episode.

Whatever is here decides what is drawn: a change makes new sets (`analysis.worth.rewards`).
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64

from analysis.cache import cached
from analysis.pictures.building import teleport_episode
from analysis.pictures.frames import Frames, TeleportSettings
from analysis.pictures.processes import Arrays, Counts, Job, gather
from analysis.pictures.splits import Part
from analysis.worth.rollouts import rollouts
from envs.flights import Velocity
from envs.games import find
from envs.moments import velocities, velocity_fits
from envs.positions import facts_of

SCENES = {"episodes": 90, "moments": 8, "places": 30}
"""Of the teleport set: three fifths of it, 54 games × 8 moments × 25 places in Pong (36 in
Breakout), are a little more than the 10,000 states that are trained on."""

STREAM = 101
"""Keeps the rollouts' chance apart from the scenes'."""


@dataclass(frozen=True)
class RewardSettings:
    """What shapes a set of potential rewards.

    Attributes:
        game: From `envs.games`.
        arm: What the opponent does until the ball is where it should be: held or along.
        policy: Who plays on: tracker or random.
        episodes: Games played to find moments.
        moments: Moments kept of each, at most.
        places: Places in each moment, about.
        train: States to train on, one rollout each.
        validation: States to choose by.
        validation_rollouts: Of each of them.
        test: States to be judged on.
        test_rollouts: Of each of them.
        seed: Of everything.
    """

    game: str = "pong"
    arm: str = "held"
    policy: str = "tracker"
    episodes: int = SCENES["episodes"]
    moments: int = SCENES["moments"]
    places: int = SCENES["places"]
    train: int = 10_000
    validation: int = 1_000
    validation_rollouts: int = 4
    test: int = 1_000
    test_rollouts: int = 16
    seed: int = 0

    @property
    def scenes(self) -> TeleportSettings:
        """Of the teleport set that the states are from."""
        return TeleportSettings(
            self.game, self.arm, self.episodes, self.moments, self.places, self.seed
        )

    def wanted(self, part: Part) -> tuple[int, int]:
        """Return how many states of a part are taken, and how many rollouts of each."""
        return {
            "train": (self.train, 1),
            "validation": (self.validation, self.validation_rollouts),
            "test": (self.test, self.test_rollouts),
        }[part]


def states_of(
    settings: RewardSettings, among: Mapping[Part, Bool[np.ndarray, " n"]]
) -> dict[Part, Int64[np.ndarray, " m"]]:
    """Draw which states of each part are played on from.

    Args:
        settings: How many.
        among: Those there are, from `analysis.pictures.splits.chosen`: whole episodes.

    Raises:
        ValueError: If there are fewer than wanted.
    """
    rng = np.random.default_rng([settings.seed, STREAM])
    drawn: dict[Part, Int64[np.ndarray, " m"]] = {}
    parts: tuple[Part, ...] = ("train", "validation", "test")
    for part in parts:
        there, (number, _) = np.flatnonzero(among[part]), settings.wanted(part)
        if number > len(there):
            raise ValueError(f"expected {number} {part} states, got {len(there)}: more episodes")
        drawn[part] = np.sort(rng.choice(there, number, replace=False))
    return drawn


def returns(
    settings: RewardSettings,
    frames: Frames,
    times: Int64[np.ndarray, " n"],
    workers: int | None,
    shape: Mapping[str, Any],
    folder: Path,
) -> tuple[Arrays, Counts]:
    """Play on from states of a teleport set.

    Args:
        settings: Which set, and who plays.
        frames: That set. Its states are made once more, episode by episode, rather than kept.
        times: Rollouts of each state; 0 where it is left out.
        workers: Processes; as many as there are cores if `None`. It has no say in the result.
        shape: Everything that shapes the result, for the parts that are kept while it is made.
        folder: Of those parts: one an episode, so that an interrupted building goes on.

    Returns:
        One entry a rollout, in order of states: `state`, its index in the frames, and `reward`,
        `steps`, `decided` of each.

    Raises:
        ValueError: If the states made are not those of the frames.
    """
    game = find(settings.game)
    first, *seeds = np.random.SeedSequence(settings.seed).spawn(settings.episodes + 1)
    seen = velocities(game, np.random.default_rng(first))
    fitting = [v for v in seen if velocity_fits(facts_of(game), v)]
    plan = {int(e): times[frames.episode == e] for e in np.unique(frames.episode)}
    arrays, counts = gather(
        partial(_episode, settings, fitting, plan, shape, folder), seeds, workers
    )
    starts = {int(e): int(np.argmax(frames.episode == e)) for e in plan}
    arrays["state"] = arrays.pop("row") + np.array([starts[int(e)] for e in arrays["episode"]])
    ram = np.array([zlib.crc32(row.tobytes()) for row in frames.ram[arrays["state"]]])
    if (ram != arrays.pop("ram_crc32")).any():
        raise ValueError("expected the states of the frames, got others")
    return arrays, counts


def _episode(
    settings: RewardSettings,
    fitting: list[Velocity | None],
    plan: Mapping[int, Int64[np.ndarray, " n"]],
    shape: Mapping[str, Any],
    folder: Path,
    job: Job,
) -> tuple[Arrays, Counts]:
    """Play on from one episode's states, or load what an earlier attempt has left."""
    number, _ = job
    if not plan.get(number, np.zeros(0)).any():
        return {"episode": np.zeros(0, np.int64)}, Counter()

    def build() -> tuple[Arrays, dict[str, Any]]:
        scenes = replace(settings.scenes, states=True)
        made, _ = teleport_episode(scenes, fitting, job)
        rows = np.repeat(np.arange(len(plan[number])), plan[number])
        chance = np.random.SeedSequence((settings.seed, STREAM), spawn_key=(number,))
        drawn = rollouts(find(settings.game), settings.policy, made["states"][rows], chance)
        ram = [zlib.crc32(made["ram"][row].tobytes()) for row in rows]
        known = {"episode": np.full(len(rows), number), "row": rows, "ram_crc32": np.array(ram)}
        return {**known, **drawn}, {}

    arrays, _ = cached(f"episode-{number}", {**shape, "episode": number}, build, folder)
    return arrays, Counter(
        rollouts=len(arrays["row"]),
        undecided=int((~arrays["decided"]).sum()),
        agent_steps=int(arrays["steps"].sum()),
    )
