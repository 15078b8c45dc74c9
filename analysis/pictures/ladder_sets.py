"""Building ladders, or loading them: every scene shows the ball at every rung, or it is dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from analysis.cache import CACHE, cached, say, shaped_by
from analysis.pictures.ladders import Ladders, drawn_places, grid, rungs_of
from analysis.pictures.processes import Arrays, Counts, Job, gather, joined
from envs import catch_teleport
from envs.catch import FALL
from envs.emulator import Emulator
from envs.flights import Velocity
from envs.games import FRAME_SKIP, find
from envs.moments import moments, velocities, velocity_fits
from envs.positions import X_84, Y_84
from envs.teleport import Collided, NoRoom, Teleporter

CODE = (
    "envs/*.py",
    "analysis/pictures/ladders.py",
    "analysis/pictures/ladder_sets.py",
    "analysis/pictures/processes.py",
)
"""What has a say in the pictures: change it, and the sets are built anew."""

STREAM = 104
"""Beside the seed, so that no game of these was played for the teleport set: networks are trained
on that one's scenes, and what they tell is asked of others."""

Made = tuple[Arrays, Counts]
"""What one game played gives."""


@dataclass(frozen=True)
class LadderSettings:
    """What shapes a set of ladders.

    Attributes:
        game: From `envs.games`.
        episodes: Games played to find scenes.
        moments: Scenes kept of each, at most: five of thirty games are 150 scenes, 7,200 inputs.
        seed: Of everything.
    """

    game: str = "pong"
    episodes: int = 30
    moments: int = 5
    seed: int = 0


def ladder_set(
    settings: LadderSettings,
    *,
    workers: int | None = None,
    folder: Path = CACHE,
    tell: Callable[[str], None] = say,
) -> Ladders:
    """Load or build the ladders of a game.

    Args:
        settings: What shapes them.
        workers: Processes; as many as there are cores unless told. The set does not depend on it.
        folder: Where sets are kept.
        tell: Is told when a damaged set is built again.
    """
    game = find(settings.game)

    def build() -> tuple[Arrays, dict[str, Any]]:
        chance = np.random.SeedSequence((settings.seed, STREAM))
        first, *seeds = chance.spawn(settings.episodes + 1)
        if game.facts is None:
            arrays, counts = gather(partial(_catch_episode, settings), seeds, workers)
        else:
            seen = velocities(game, np.random.default_rng(first))
            fitting = [v for v in seen if velocity_fits(game.facts, v)]
            arrays, counts = gather(partial(_episode, settings, fitting), seeds, workers)
        del arrays["moment"]
        kept = counts["moments_kept"] / max(counts["moments_tried"], 1)
        return arrays, {"counts": dict(sorted(counts.items())), "kept_share": kept}

    name = f"ladders-{settings.game}"
    arrays, facts = cached(name, shaped_by(settings, CODE), build, folder, tell)
    return Ladders(game=settings.game, **arrays, rungs=rungs_of(game), facts=facts)


def _episode(settings: LadderSettings, fitting: list[Velocity | None], job: Job) -> Made:
    """Play one game and teleport the ball along all ladders in some of its moments."""
    number, seed = job
    playing, choosing = (np.random.default_rng(child) for child in seed.spawn(2))
    game = find(settings.game)
    emulator, counts = Emulator(game, seed=0), Counter[str]()
    (box, step, _), found = grid(game), rungs_of(game)
    parts: list[Arrays] = []
    for moment in moments(game, playing, episode=number):
        counts["moments_tried"] += 1
        velocity = fitting[int(choosing.integers(len(fitting)))]
        places_screen = drawn_places(found, box, step, choosing)
        try:
            teleporter = Teleporter(emulator, moment)
            group = teleporter.group(teleporter.flight(velocity), places_screen, "held", erase=[0])
        except Collided as why:
            counts["moments_without_room" if isinstance(why, NoRoom) else f"dropped: {why}"] += 1
            continue
        parts.append(
            {
                "observations": group.observations[None],
                "without_ball": group.without_ball,
                "velocity_screen": np.array([group.velocity_screen]),
                "places": places_screen[None],
            }
        )
        if len(parts) == settings.moments:
            break
    counts["moments_kept"] = len(parts)
    return joined(parts, number), counts


def _catch_episode(settings: LadderSettings, job: Job) -> Made:
    number, seed = job
    playing, choosing = (np.random.default_rng(child) for child in seed.spawn(2))
    (box, step, _), found = grid(find("catch")), rungs_of(find("catch"))
    parts: list[Arrays] = []
    for moment in catch_teleport.moments(playing, number):
        slant = int(choosing.choice(catch_teleport.SLANTS))
        places_84 = drawn_places(found, box, step, choosing)
        shown = [catch_teleport.teleported(moment, slant, (x, y)) for x, y in places_84.tolist()]
        velocity_84 = np.array([[slant, FALL]]) / FRAME_SKIP
        parts.append(
            {
                "observations": np.stack([observation for observation, _ in shown])[None],
                "without_ball": catch_teleport.without_ball(*shown[0])[None],
                "velocity_screen": velocity_84 / (X_84, Y_84),
                "places": places_84[None],
            }
        )
        if len(parts) == settings.moments:
            break
    return joined(parts, number), Counter(moments_tried=len(parts), moments_kept=len(parts))
