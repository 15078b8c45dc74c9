"""What a do-map is made of: the ball put everywhere in one scene, and play going on from there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from analysis.networks import Observations
from analysis.pictures.processes import Arrays, Counts, Job, gather
from analysis.worth.lockstep import catch_bytes, consoles, play_on_together
from analysis.worth.rollouts import EPSILON, Outcome, rollouts
from envs import catch_teleport
from envs.catch import BALL_SIZE, FALL, PADDLE_WIDTH
from envs.emulator import Emulator, to_bytes
from envs.flights import Velocity
from envs.games import FRAME_SKIP, Game, find
from envs.moments import moments, velocities, velocity_fits
from envs.policies import SLACK
from envs.positions import X_84, Y_84, Positions
from envs.teleport import Arm, Collided, Group, Teleporter

WAIT = 20
"""Moments of a game, at most, that pass before a scene is taken; drawn uniformly."""

COARSE = 2
"""Every so many columns and rows belong to the coarse grid, whose states are kept."""

TOGETHER_CATCH = 400
"""Games of Catch played on at a time."""

CATCH_SLANTS = (-2, -1, 1, 2)
"""Velocities in Catch, network pixels an agent step; the ball always falls."""


@dataclass(frozen=True)
class DoSettings:
    """What shapes a do-map under the reference policy.

    Attributes:
        game: Whose player can follow the ball.
        arm: What the opponent does until the ball is there: held or along.
        columns: Places across.
        rows: Places down.
        scenes: Moments of ordinary play, each of a game of its own.
        rollouts: From each place, velocity and scene.
        policy: Who plays on, from `analysis.worth.rollouts`: `tracker` or `random`.
        seed: Of everything.
    """

    game: str = "pong"
    arm: str = "held"
    columns: int = 20
    rows: int = 20
    scenes: int = 10
    rollouts: int = 1
    policy: str = "tracker"
    seed: int = 0


def build_map(settings: DoSettings, workers: int | None = None) -> tuple[Arrays, dict[str, Any]]:
    """Build a do-map; see `analysis.worth.do_maps.do_map`."""
    game = find(settings.game)
    first, *seeds = np.random.SeedSequence(settings.seed).spawn(settings.scenes + 1)
    speeds = speeds_of(game, np.random.default_rng(first))
    one = (
        partial(catch_scene, settings)
        if game.facts is None
        else partial(atari_scene, settings, speeds)
    )
    arrays, counts = gather(one, seeds, workers)
    del arrays["episode"]
    arrays["places_screen"] = grid(game, settings.columns, settings.rows) / pixel(game)
    arrays["velocities_screen"] = np.array(speeds, np.float64)
    arrays["coarse"] = coarse(settings)
    return arrays, {"counts": dict(sorted(counts.items()))}


def grid(game: Game, columns: int, rows: int) -> Int64[np.ndarray, "p 2"]:
    """Return the places, row by row, evenly over the game's rectangle of places.

    Screen pixels; for Catch network pixels.
    """
    box = catch_teleport.PLACES_84 if game.facts is None else game.facts.places
    x, y = (
        low + ((np.arange(count) + 0.5) * (high - low) / count).astype(np.int64)
        for low, high, count in ((box.left, box.right, columns), (box.top, box.bottom, rows))
    )
    across, down = np.meshgrid(x, y)
    return np.stack([across.ravel(), down.ravel()], axis=1)


def pixel(game: Game) -> Float64[np.ndarray, " 2"]:
    """Pixels of the game's own places in a screen pixel."""
    return np.array([X_84, Y_84]) if game.facts is None else np.ones(2)


def coarse(settings: DoSettings) -> Int64[np.ndarray, " q"]:
    """Return which places belong to the coarse grid."""
    row, column = np.divmod(np.arange(settings.rows * settings.columns), settings.columns)
    return np.flatnonzero((row % COARSE == 0) & (column % COARSE == 0))


def speeds_of(game: Game, rng: np.random.Generator) -> list[Velocity]:
    """One velocity for each diagonal direction, drawn from those seen in play that fit.

    In Catch, where the ball always falls, one for each slant.
    """
    if game.facts is None:
        return [(slant / X_84 / FRAME_SKIP, FALL / Y_84 / FRAME_SKIP) for slant in CATCH_SLANTS]
    seen = [v for v in velocities(game, rng) if v is not None and velocity_fits(game.facts, v)]
    chosen: list[Velocity] = []
    for sign_x in (-1, 1):
        for sign_y in (-1, 1):
            these = [v for v in seen if v[0] * sign_x > 0 and v[1] * sign_y > 0]
            if not these:
                raise ValueError(f"{game.name}: no ball was seen to fly {sign_x}, {sign_y}")
            chosen.append(these[int(rng.integers(len(these)))])
    return chosen


def atari_scene(
    settings: DoSettings, speeds: Sequence[Velocity], job: Job
) -> tuple[Arrays, Counts]:
    """Take one scene in which no place and no velocity is in the way of anything."""
    number, seed = job
    *children, rolling = seed.spawn(3)
    playing, choosing = (np.random.default_rng(child) for child in children)
    game, counts = find(settings.game), Counter[str]()
    emulator = Emulator(game, seed=0)
    places = grid(game, settings.columns, settings.rows)
    groups: list[Group] = []
    while not groups:
        wait = int(choosing.integers(WAIT + 1))
        for moment in islice(moments(game, playing, episode=number), wait, None):
            counts["scenes_tried"] += 1
            try:
                there = Teleporter(emulator, moment)
                arm: Arm = "held" if settings.arm == "held" else "along"
                groups = [
                    there.group(there.flight(speed), places, arm, keep_states=True)
                    for speed in speeds
                ]
                break
            except Collided as why:
                counts[f"dropped: {type(why).__name__}"] += 1
    states = np.stack([[to_bytes(state) for state in group.states] for group in groups])
    each = np.repeat(states.reshape(-1, states.shape[-1]), settings.rollouts, axis=0)
    played = rollouts(game, settings.policy, each, rolling)
    shape = (1, len(speeds), len(places), settings.rollouts)
    return {
        "episode": np.full(1, number),
        "observations": np.stack([group.observations for group in groups])[None],
        "states": states[None, :, coarse(settings)],
        **{name: array.reshape(shape) for name, array in played.items()},
    }, counts


def catch_scene(settings: DoSettings, job: Job) -> tuple[Arrays, Counts]:
    """The same for Catch, where nothing is ever in the way, and no action is ever repeated."""
    number, seed = job
    playing, choosing, rolling = (np.random.default_rng(child) for child in seed.spawn(3))
    game, places = find("catch"), grid(find("catch"), settings.columns, settings.rows)
    wait = int(choosing.integers(WAIT + 1))
    moment = next(islice(catch_teleport.moments(playing, number), wait, None))
    shown = [
        catch_teleport.teleported(moment, slant, (x, y))
        for slant in CATCH_SLANTS
        for x, y in places.tolist()
    ]
    observations = np.stack([stack for stack, _ in shown])
    states = catch_bytes(catch_teleport.newest([state for _, state in shown]))

    epsilon = EPSILON if settings.policy == "tracker" else 1.0

    def choose(observations: Observations, seen: Positions) -> Int64[np.ndarray, " m"]:
        lead = (seen.ball_x_screen - seen.player_x_screen) * X_84 + (BALL_SIZE - PADDLE_WIDTH) / 2
        follow = np.where(np.abs(lead) <= SLACK, 0, np.where(lead < 0, 1, 2))
        errs = rolling.random(len(lead)) < epsilon
        return np.where(errs, rolling.integers(len(game.actions), size=len(lead)), follow)

    ended = play_on_together(
        consoles(game, TOGETHER_CATCH),
        np.repeat(states, settings.rollouts, axis=0),
        np.repeat(observations, settings.rollouts, axis=0),
        choose,
        rolling,
        sticky=0.0,
    )
    size = (1, len(CATCH_SLANTS), len(places))
    kept = states.reshape(*size, states.shape[1])[:, :, coarse(settings)]
    return {
        "episode": np.full(1, number),
        "observations": observations.reshape(*size, *observations.shape[1:]),
        "states": kept,
        **arrays_of(ended, (*size, settings.rollouts)),
    }, Counter(scenes_tried=1)


def arrays_of(ended: Sequence[Outcome], shape: tuple[int, ...]) -> Arrays:
    """Put rollouts into the arrays of a map."""
    return {
        "reward": np.array([e.reward for e in ended], np.int8).reshape(shape),
        "steps": np.array([e.steps for e in ended], np.int16).reshape(shape),
        "decided": np.array([e.decided for e in ended]).reshape(shape),
    }
