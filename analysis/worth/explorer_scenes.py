"""One scene of play with the ball at every place of a grid: what the explorer's maps are made on.

A grid for each of a few velocities. It reaches further than the places of the shared sets: as far
as the whole flight stays where nothing but the ball ever is. All grids lie on one lattice, so that
the ball need not move when the reader chooses another velocity. The emulator draws every picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from analysis.cache import CACHE, Arrays, Facts, cached, key_of, say, shaped_by
from analysis.worth.do_scenes import CATCH_SLANTS, pixel, speeds_of
from envs import catch_teleport
from envs.catch import BALL_SIZE, BRIGHT, FALL, PADDLE_Y_84
from envs.emulator import Emulator
from envs.facts import Box
from envs.flights import Flight, Velocity
from envs.games import FRAME_SKIP, INPUT_SIZE, STACK, Game, find
from envs.moments import moments
from envs.positions import X_84, Y_84, facts_of
from envs.shams import ball_erased
from envs.teleport import Collided, Teleporter

CODE = (
    "analysis/worth/explorer_scenes.py",
    "analysis/worth/do_scenes.py",
    *(
        f"envs/{name}.py"
        for name in (
            *("catch", "catch_teleport", "emulator", "flights", "games", "moments", "policies"),
            *("positions", "shams", "teleport"),
        )
    ),
)
"""What has a say in the pictures."""

WAIT = 6
"""Moments of the game that pass before a scene is taken: the paddles have left where they began."""

MARGIN = 6
"""Rows of the picture that are kept above and below the playfield, screen pixels."""

STREAM = 103
"""Keeps this scene apart from those that networks and read-outs are fitted on."""


@dataclass(frozen=True)
class ExplorerSettings:
    """What shapes an explorer's scene.

    Attributes:
        game: From `envs.games`.
        across: From place to place, pixels of the game's own places: of the screen, or of the
            network in Catch. 2 is the width of the ball in Pong.
        down: Likewise; rounded up to the rows at which the game can draw the ball.
        seed: Of the moment and the velocities.
    """

    game: str = "pong"
    across: int = 2
    down: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Scene:
    """Pictures of one moment with the ball everywhere, `n` in all: by velocity, row and column.

    Attributes:
        observations: Network inputs.
        velocity: Which of the velocities each has.
        places_screen: x and y of the ball's corner in the last raw frame, screen pixels.
        without_ball: For each velocity, the input with the ball painted over.
        velocities_screen: Screen pixels a raw frame.
        trail_screen: For each velocity, where the ball was in each of the pictures that an input
            shows, oldest first, from where it is in the last: screen pixels.
        picture: In colour, without the ball: the last raw frame around the playfield; network
            pixels in Catch.
        facts: What one has to know to draw it: `origin_screen` of the picture, `pixel` (picture
            pixels in a screen pixel), `ball` (shape and colour), `key` of all that shaped it.
        game: From `envs.games`.
    """

    observations: UInt8[np.ndarray, "n 4 84 84"]
    velocity: Int64[np.ndarray, " n"]
    places_screen: Float64[np.ndarray, "n 2"]
    without_ball: UInt8[np.ndarray, "v 4 84 84"]
    velocities_screen: Float64[np.ndarray, "v 2"]
    trail_screen: Float64[np.ndarray, "v t 2"]
    picture: UInt8[np.ndarray, "h w 3"]
    facts: Facts
    game: str


def explorer_scene(
    settings: ExplorerSettings,
    *,
    folder: Path = CACHE,
    tell: Callable[[str], None] = say,
) -> Scene:
    """Load or build the scene of a game.

    Args:
        settings: What shapes it.
        folder: Where sets are kept.
        tell: Is told when a damaged one is built again.

    Raises:
        BadInput: If there is no such game.
    """
    game = find(settings.game)

    def build() -> tuple[Arrays, Facts]:
        return _drawn(settings) if game.facts is None else _emulated(settings, game)

    shape = {**shaped_by(settings, CODE), "game": repr(game)}
    arrays, facts = cached(f"explorer-{settings.game}", shape, build, folder, tell)
    return Scene(game=settings.game, **arrays, facts={**facts, "key": key_of(shape)})


def lattice(
    low: tuple[int, int], high: tuple[int, int], origin: tuple[int, int], step: tuple[int, int]
) -> Int64[np.ndarray, "n 2"]:
    """Return the places from `low` to `high`, both allowed, that lie whole steps from `origin`.

    Row by row, pixels.
    """
    x, y = (
        np.arange(least + (start - least) % every, most + 1, every)
        for least, most, start, every in zip(low, high, origin, step, strict=True)
    )
    across, down = np.meshgrid(x, y)
    places: Int64[np.ndarray, "n 2"] = np.stack([across.ravel(), down.ravel()], axis=1)
    return places


def reach(box: Box, width: int, height: int, path: Float64[np.ndarray, "k 2"]) -> list[list[int]]:
    """Return the least and the greatest place at which a flight may end to stay in a box.

    Args:
        box: Pixels.
        width: Of the ball.
        height: Of the ball.
        path: Where the ball is in each frame, from where it ends.
    """
    first, last = path.min(axis=0), path.max(axis=0)
    low = np.ceil([box.left - first[0], box.top - first[1]])
    high = np.floor([box.right - width - last[0], box.bottom - height - last[1]])
    return [[int(v) for v in low], [int(v) for v in high]]


def _emulated(settings: ExplorerSettings, game: Game) -> tuple[Arrays, Facts]:
    """Take the first scene in which nothing is in the way of any place."""
    first, playing = np.random.SeedSequence((settings.seed, STREAM)).spawn(2)
    facts, emulator = facts_of(game), Emulator(game, seed=0)
    speeds: list[Velocity | None] = [None]
    if facts.ball.x.velocity is not None:
        speeds = [*speeds_of(game, np.random.default_rng(first))]
    rng = np.random.default_rng(playing)
    while True:
        for moment in islice(moments(game, rng), WAIT, None):
            try:
                return _everywhere(settings, Teleporter(emulator, moment), speeds)
            except Collided:
                continue


def _everywhere(
    settings: ExplorerSettings, there: Teleporter, speeds: list[Velocity | None]
) -> tuple[Arrays, Facts]:
    facts = there.facts
    ball, box = facts.ball, facts.places
    scale = abs(ball.y.scale)
    step = (settings.across, -(-settings.down // scale) * scale)
    parts, flights = [], [there.flight(speed) for speed in speeds]
    for flight in flights:
        path = flight.path_screen[2:] - flight.path_screen[-1]
        low, high = reach(facts.clear, ball.width, ball.height, path)
        places = lattice((low[0], low[1]), (high[0], high[1]), (box.left, box.top), step)
        parts.append(there.group(flight, places, "held", erase={0}))
    ball_erased(there, flights[0].ending_at(facts, box.left, box.top), "held")
    top = max(0, facts.playfield.top - MARGIN)
    picture = there.emulator.colour()[top : facts.playfield.bottom + MARGIN]
    arrays = {
        "observations": np.concatenate([part.observations for part in parts]),
        "velocity": np.repeat(np.arange(len(parts)), [len(p.observations) for p in parts]),
        "places_screen": np.concatenate([p.places_screen for p in parts]).astype(np.float64),
        "without_ball": np.concatenate([part.without_ball for part in parts]),
        "velocities_screen": np.array([part.velocity_screen for part in parts]),
        "trail_screen": np.stack([_trail(flight) for flight in flights]),
        "picture": picture,
    }
    return arrays, {
        "origin_screen": [0, top],
        "pixel": [1.0, 1.0],
        "ball": {"shape": list(ball.shape), "colour": list(ball.colour)},
    }


def _trail(flight: Flight) -> Float64[np.ndarray, "8 2"]:
    trail: Float64[np.ndarray, "8 2"] = flight.visible_screen - flight.path_screen[-1]
    return trail


def _drawn(settings: ExplorerSettings) -> tuple[Arrays, Facts]:
    """The same for Catch, where nothing is ever in the way above the paddle."""
    playing = np.random.SeedSequence((settings.seed, STREAM)).spawn(2)[1]
    moment = next(islice(catch_teleport.moments(np.random.default_rng(playing)), WAIT, None))
    origin = catch_teleport.PLACES_84
    ago = np.arange(STACK - 1, -1, -1)
    found: dict[str, list[Any]] = {name: [] for name in ("shown", "velocity", "places", "trail")}
    without = []
    for number, slant in enumerate(CATCH_SLANTS):
        path = np.stack([-slant * ago, -FALL * ago], axis=1).astype(np.float64)
        low, high = reach(Box(0, 0, INPUT_SIZE, PADDLE_Y_84), BALL_SIZE, BALL_SIZE, path)
        places = lattice(
            (low[0], low[1]),
            (high[0], high[1]),
            (origin.left, origin.top),
            (settings.across, settings.down),
        )
        shown = [catch_teleport.teleported(moment, slant, (x, y)) for x, y in places.tolist()]
        found["shown"] += [observation for observation, _ in shown]
        found["velocity"] += [number] * len(places)
        found["places"].append(places)
        found["trail"].append(path)
        without.append(catch_teleport.without_ball(*shown[0]))
    one = pixel(find("catch"))
    speeds = np.array([(slant, FALL) for slant in CATCH_SLANTS], np.float64)
    arrays = {
        "observations": np.stack(found["shown"]),
        "velocity": np.array(found["velocity"]),
        "places_screen": np.concatenate(found["places"]) / one,
        "without_ball": np.stack(without),
        "velocities_screen": speeds / one / FRAME_SKIP,
        "trail_screen": np.stack(found["trail"]) / one,
        "picture": np.repeat(without[0][-1][:, :, None], 3, axis=2),
    }
    return arrays, {
        "origin_screen": [0, 0],
        "pixel": [X_84, Y_84],
        "ball": {"shape": ["#" * BALL_SIZE] * BALL_SIZE, "colour": [BRIGHT] * 3},
    }
