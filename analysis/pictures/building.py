"""Building sets of frames: what is done with one game played."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Int64

from analysis.pictures.frames import PlaySettings, TeleportSettings
from analysis.pictures.places import (
    BLOCK_CATCH_84,
    BLOCK_SCREEN,
    balanced_places,
    block_labels,
    outer,
)
from analysis.pictures.processes import Arrays, Counts, Job, gather, joined
from envs import catch_teleport
from envs.emulator import Emulator, to_bytes
from envs.facts import Facts, Paddle
from envs.flights import Velocity
from envs.games import STACK, Game, find
from envs.moments import moments, velocities, velocity_fits
from envs.play import play
from envs.positions import Positions, facts_of, read
from envs.teleport import ARMS, Collided, Group, NoRoom, Teleporter

LEAK_INPUTS = 960
"""About how many inputs are made without the ball, too, for the leak test."""


def teleport_episodes(
    settings: TeleportSettings, workers: int | None = None
) -> tuple[Arrays, dict[str, Any]]:
    """Build a teleport set; see `analysis.datasets.teleport_set`."""
    game = find(settings.game)
    if settings.arm not in ARMS or settings.arm == "free":
        raise ValueError(f"expected the arm held or along, got {settings.arm!r}")
    first, *seeds = np.random.SeedSequence(settings.seed).spawn(settings.episodes + 1)
    counts: Counts = Counter()
    if game.facts is None:
        work = partial(_catch_episode, settings)
    else:
        seen = velocities(game, np.random.default_rng(first))
        fitting = [v for v in seen if velocity_fits(game.facts, v)]
        counts.update(velocities_seen=len(seen), velocities_fitting=len(fitting))
        work = partial(teleport_episode, settings, fitting)
    arrays, found = gather(work, seeds, workers)
    counts.update(found)
    arrays["moment"] = np.unique(
        np.stack([arrays["episode"], arrays["moment"]]), axis=1, return_inverse=True
    )[1].astype(np.int64)
    facts = {
        "counts": dict(sorted(counts.items())),
        "kept_share": counts["moments_kept"] / max(counts["moments_tried"], 1),
        "velocities_fitting_share": counts["velocities_fitting"] / max(counts["velocities_seen"], 1)
        if game.facts
        else 1.0,
    }
    return arrays, facts


def play_episodes(
    settings: PlaySettings, workers: int | None = None
) -> tuple[Arrays, dict[str, Any]]:
    """Build a set of ordinary play; see `analysis.datasets.play_set`."""
    seeds = np.random.SeedSequence(settings.seed).spawn(settings.episodes)
    arrays, counts = gather(partial(_play_episode, settings), seeds, workers)
    arrays["moment"] = np.arange(len(arrays["episode"]))
    return arrays, {"counts": dict(sorted(counts.items()))}


def teleport_episode(
    settings: TeleportSettings,
    fitting: list[Velocity | None],
    job: Job,
) -> tuple[Arrays, Counts]:
    """Play one game and teleport the ball in some of its moments."""
    number, seed = job
    playing, choosing = (np.random.default_rng(child) for child in seed.spawn(2))
    game = find(settings.game)
    facts, emulator, counts = facts_of(game), Emulator(game, seed=0), Counter[str]()
    step = (1, abs(facts.ball.y.scale))
    parts: list[Arrays] = []
    for moment in moments(game, playing, episode=number):
        counts["moments_tried"] += 1
        velocity = fitting[int(choosing.integers(len(fitting)))]
        places, cells = balanced_places(facts.places, BLOCK_SCREEN, step, settings.places, choosing)
        erase = _some(settings, len(places), choosing)
        try:
            teleporter = Teleporter(emulator, moment)
            group = teleporter.group(
                teleporter.flight(velocity),
                places,
                "held" if settings.arm == "held" else "along",
                erase=erase.tolist(),
                keep_states=settings.states,
            )
        except Collided as why:
            counts["moments_without_room" if isinstance(why, NoRoom) else f"dropped: {why}"] += 1
            continue
        parts.append(_emulated(game, facts, group, cells, erase, moment.score))
        if len(parts) == settings.moments:
            break
    counts["moments_kept"] = len(parts)
    return joined(parts, number), counts


def _some(
    settings: TeleportSettings, places: int, rng: np.random.Generator
) -> Int64[np.ndarray, " m"]:
    """Choose places of one moment for the leak test: few of many moments, all of few."""
    wanted = -(-LEAK_INPUTS // (settings.episodes * settings.moments))
    return np.sort(rng.choice(places, min(places, wanted), replace=False))


def _emulated(
    game: Game,
    facts: Facts,
    group: Group,
    cells: Int64[np.ndarray, "n 2"],
    erase: Int64[np.ndarray, " m"],
    score: float,
) -> Arrays:
    seen = read(game, group.ram)
    box = facts.places
    states = [to_bytes(state) for state in group.states]
    return {
        **_labels(facts.player, facts.opponent, seen),
        "observations": group.observations,
        "velocity_x_screen": np.full(len(cells), group.velocity_screen[0]),
        "velocity_y_screen": np.full(len(cells), group.velocity_screen[1]),
        "score": np.full(len(cells), score),
        **block_labels(cells, box, BLOCK_SCREEN),
        "outer": outer(box, group.places_screen),
        "ram": group.ram,
        "states": np.stack(states) if states else np.zeros((len(cells), 0), np.uint8),
        "without_ball": group.without_ball,
        "erased_index": erase,
    }


def _catch_episode(settings: TeleportSettings, job: Job) -> tuple[Arrays, Counts]:
    number, seed = job
    playing, choosing = (np.random.default_rng(child) for child in seed.spawn(2))
    game, box = find("catch"), catch_teleport.PLACES_84
    parts: list[Arrays] = []
    for moment in catch_teleport.moments(playing, number):
        slant = int(choosing.choice(catch_teleport.SLANTS))
        places, cells = balanced_places(box, BLOCK_CATCH_84, (1, 1), settings.places, choosing)
        erase = _some(settings, len(places), choosing)
        shown = [catch_teleport.teleported(moment, slant, (x, y)) for x, y in places.tolist()]
        clean = [catch_teleport.without_ball(*shown[i]) for i in erase]
        seen = read(game, catch_teleport.newest([state for _, state in shown]))
        parts.append(
            {
                **_labels(None, None, seen),
                "observations": np.stack([observation for observation, _ in shown]),
                "velocity_x_screen": seen.ball_velocity_x_screen,
                "velocity_y_screen": seen.ball_velocity_y_screen,
                "score": np.full(len(places), moment.score),
                **block_labels(cells, box, BLOCK_CATCH_84),
                "outer": outer(box, places),
                "ram": np.zeros((len(places), 128), np.uint8),
                "states": np.zeros((len(places), 0), np.uint8),
                "without_ball": np.stack(clean),
                "erased_index": erase,
            }
        )
        if len(parts) == settings.moments:
            break
    counts = Counter(moments_tried=len(parts), moments_kept=len(parts))
    return joined(parts, number), counts


def _play_episode(settings: PlaySettings, job: Job) -> tuple[Arrays, Counts]:
    """Play one game and keep every so many inputs in which there is a ball."""
    number, seed = job
    game, counts = find(settings.game), Counter[str]()
    player = game.facts.player if game.facts else None
    opponent = game.facts.opponent if game.facts else None
    parts: list[Arrays] = []
    for step in play(game, np.random.default_rng(seed)):
        if step.started < STACK or step.started % settings.every:
            continue
        counts["inputs_seen"] += 1
        if not step.positions.ball_present[0]:
            counts["inputs_without_ball"] += 1
            continue
        parts.append(
            {
                **_labels(player, opponent, step.positions),
                "observations": step.observation[None],
                "velocity_x_screen": step.positions.ball_velocity_x_screen,
                "velocity_y_screen": step.positions.ball_velocity_y_screen,
                "score": np.full(1, step.score),
                "block": np.full(1, -1),
                "column_row": np.full((1, 2), -1),
                "outer": np.zeros(1, bool),
                "ram": step.ram[None],
                "states": np.zeros((1, 0), np.uint8),
            }
        )
        if len(parts) == settings.inputs:
            break
    return joined(parts, number), counts


def _labels(player: Paddle | None, opponent: Paddle | None, seen: Positions) -> Arrays:
    """Where ball and paddles are; a paddle by the coordinate along which it moves."""
    down = player is not None and player.moves_vertically
    down_too = opponent is not None and opponent.moves_vertically
    return {
        "ball_x_screen": seen.ball_x_screen,
        "ball_y_screen": seen.ball_y_screen,
        "ball_x_84": seen.ball_x_84,
        "ball_y_84": seen.ball_y_84,
        "player_screen": seen.player_y_screen if down else seen.player_x_screen,
        "opponent_screen": seen.opponent_y_screen if down_too else seen.opponent_x_screen,
        "bricks_left": seen.bricks_left,
    }
