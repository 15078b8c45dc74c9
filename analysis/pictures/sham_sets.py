"""The shams of `envs.shams` in scenes of play: pictures that differ in one thing only, or in none.

In each scene the ball is teleported to one place, with the opponent held. Around that picture
stand the shams, each with the picture that it is compared with:

    sham                 compared with      what differs
    own place            ordinary play      nothing: the ball is written where it is anyway
    pasted               teleported         nothing: painted on pixels instead of written to RAM
    ball erased          teleported         the ball is gone, put out of sight through RAM
    ball moved           teleported         the ball, by one cell of a stride-8 map to a side
    velocity reversed    teleported         the flight; it ends at the same place
    paddle moved         teleported         the player's paddle, to the side with more room
    digits changed       teleported         the score that is shown
    screen shifted       teleported         everything, by one cell of a stride-8 map

Which of them a game allows is a matter of its RAM; a scene in which one of those collides is
dropped whole. Catch has no emulator, hence no shams.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from analysis.cache import CACHE, cached, say, shaped_by
from analysis.pictures.processes import Arrays, Counts, Job, gather
from envs import shams
from envs.emulator import FLIGHT_FRAMES, VISIBLE, Emulator, Frames, Stack, stack
from envs.facts import Box
from envs.flights import Flight, Moment, Velocity
from envs.games import FRAME_SKIP, Game, find
from envs.moments import moments, velocities, velocity_fits
from envs.positions import X_84, facts_of
from envs.teleport import Collided, Shown, Teleporter, painted_over

CODE = (
    "envs/*.py",
    "analysis/pictures/processes.py",
    "analysis/pictures/sham_sets.py",
)
"""What has a say in the pictures: change it, and the sets are built anew."""

CELL_84 = 8
"""Side of a cell of a stride-8 map, network pixels: how far the screen is shifted."""

CELL_SCREEN = round(CELL_84 / X_84)
"""The same across, screen pixels: how far the ball is moved."""

STREAM = 105
"""Beside the seed, so that no game of these was played for the teleport set."""

COMPARED_WITH = {"own place": "ordinary play"}
"""Of each sham; with `teleported` unless named here."""


@dataclass(frozen=True)
class ShamSettings:
    """What shapes a set of shams.

    Attributes:
        game: With an emulator.
        episodes: Games played to find scenes: one is kept of each.
        seed: Of everything.
    """

    game: str = "pong"
    episodes: int = 30
    seed: int = 0


@dataclass(frozen=True)
class Shams:
    """Network inputs: `s` scenes, each in `k` versions.

    Attributes:
        game: Which game.
        versions: What stands where along the second axis.
        observations: `uint8 (s, k, 4, 84, 84)`.
        episode: Which game played a scene is from.
        facts: What was counted while building.
    """

    game: str
    versions: tuple[str, ...]
    observations: UInt8[np.ndarray, "s k 4 84 84"]
    episode: Int64[np.ndarray, " s"]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def pairs(self) -> dict[str, tuple[int, int]]:
        """Return, for each sham, which versions are before and after it."""
        at = self.versions.index
        return {
            sham: (at(COMPARED_WITH.get(sham, "teleported")), at(sham))
            for sham in self.versions
            if sham not in ("teleported", "ordinary play", "painted over")
        }


def sham_set(
    settings: ShamSettings,
    *,
    workers: int | None = None,
    folder: Path = CACHE,
    tell: Callable[[str], None] = say,
) -> Shams:
    """Load or build the shams of a game.

    Args:
        settings: What shapes them.
        workers: Processes; as many as there are cores unless told. The set does not depend on it.
        folder: Where sets are kept.
        tell: Is told when a damaged set is built again.

    Raises:
        ValueError: If the game has no emulator.
    """
    game = find(settings.game)
    if game.facts is None:
        raise ValueError(f"expected a game with an emulator, got {game.name!r}")
    facts = game.facts

    def build() -> tuple[Arrays, dict[str, Any]]:
        chance = np.random.SeedSequence((settings.seed, STREAM))
        first, *seeds = chance.spawn(settings.episodes + 1)
        seen = velocities(game, np.random.default_rng(first))
        fitting = [v for v in seen if velocity_fits(facts, v) and velocity_fits(facts, _back(v))]
        arrays, counts = gather(partial(_episode, game, fitting), seeds, workers)
        return arrays, {"counts": dict(sorted(counts.items()))}

    name = f"shams-{settings.game}"
    arrays, known = cached(name, shaped_by(settings, CODE), build, folder, tell)
    return Shams(game=game.name, versions=versions(game), **arrays, facts=known)


def versions(game: Game) -> tuple[str, ...]:
    """Return what is shown of each scene of a game, in order."""
    facts = facts_of(game)
    found = ["teleported", "ordinary play", "painted over", "own place", "pasted", "ball erased"]
    found += ["ball moved"]
    if facts.ball.x.velocity is not None:
        found.append("velocity reversed")
    if facts.player.less is not None:
        found.append("paddle moved")
    return (*found, "digits changed", "screen shifted")


def _back(velocity: Velocity | None) -> Velocity | None:
    """Return the opposite velocity."""
    return None if velocity is None else (-velocity[0], -velocity[1])


def _episode(game: Game, fitting: list[Velocity | None], job: Job) -> tuple[Arrays, Counts]:
    """Play one game until a moment in which everything can be shown."""
    number, seed = job
    playing, choosing = (np.random.default_rng(child) for child in seed.spawn(2))
    emulator, counts = Emulator(game, seed=0), Counter[str]()
    for moment in moments(game, playing, episode=number):
        counts["scenes_tried"] += 1
        velocity = fitting[int(choosing.integers(len(fitting)))]
        place = _place(game, choosing)
        try:
            teleporter = Teleporter(emulator, moment)
            flight = teleporter.flight(velocity)
            shown = _shown(teleporter, flight, place)
        except Collided as why:
            counts[f"dropped: {type(why).__name__}"] += 1
            continue
        counts["scenes_kept"] += 1
        return {"observations": shown[None], "episode": np.full(1, number)}, counts
    return {"episode": np.zeros(0, np.int64)}, counts


def _place(game: Game, rng: np.random.Generator) -> tuple[int, int]:
    """Draw a place that the ball can be drawn at, with room for a cell to its right."""
    facts = facts_of(game)
    box: Box = facts.places
    step = abs(facts.ball.y.scale)
    x_screen = box.left + int(rng.integers(box.right - box.left - CELL_SCREEN))
    y_screen = box.top + step * int(rng.integers((box.bottom - box.top) // step))
    return x_screen, y_screen


def _shown(
    teleporter: Teleporter, flight: Flight, place: tuple[int, int]
) -> UInt8[np.ndarray, "k 4 84 84"]:
    """Return one scene in all versions."""
    facts, game = teleporter.facts, teleporter.emulator.game
    x_screen, y_screen = place
    there = flight.ending_at(facts, x_screen, y_screen)
    beside = flight.ending_at(facts, x_screen + CELL_SCREEN, y_screen)
    shown_there = teleporter.show(there, "held")
    base = shown_there.frames
    made: dict[str, Callable[[], Frames]] = {
        "ordinary play": lambda: ordinary(teleporter.emulator, teleporter.moment),
        "painted over": lambda: painted_over(facts, base, there),
        "own place": lambda: shams.own_place(teleporter).frames,
        "pasted": lambda: shams.pasted(teleporter, there, "held"),
        "ball erased": lambda: shams.ball_erased(teleporter, there, "held").frames,
        "ball moved": lambda: teleporter.show(beside, "held").frames,
        "velocity reversed": lambda: shams.velocity_reversed(teleporter, there, "held").frames,
        "paddle moved": lambda: _paddle_moved(teleporter, there, shown_there),
        "digits changed": lambda: shams.digits_changed(teleporter, there, "held").frames,
    }
    first = stack(base)
    shown: dict[str, Stack] = {
        "teleported": first,
        "screen shifted": shams.screen_shifted(first, CELL_84, 0),
    }
    for version in versions(game):
        if version not in shown:
            shown[version] = stack(made[version]())
    found: UInt8[np.ndarray, "k 4 84 84"] = np.stack([shown[v] for v in versions(game)])
    return found


def _paddle_moved(teleporter: Teleporter, flight: Flight, base: Shown) -> Frames:
    """Move the paddle the way in which it has more room: at an end it would stay where it is."""
    address = teleporter.facts.player.moving.address
    both = [shams.paddle_moved(teleporter, flight, "held", more=more) for more in (False, True)]
    there = int(base.ram[-1, address])
    return max(both, key=lambda shown: abs(int(shown.ram[-1, address]) - there)).frames


def ordinary(emulator: Emulator, moment: Moment) -> Frames:
    """Play a moment again, without writing anything; the eight visible raw frames."""
    emulator.restore(moment.state)
    frames = []
    for k in range(FLIGHT_FRAMES):
        emulator.act(moment.actions[k // FRAME_SKIP])
        if k in VISIBLE:
            frames.append(emulator.grey().copy())
    found: Frames = np.stack(frames)
    return found
