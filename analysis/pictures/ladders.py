"""Ladders: the ball moved by exactly δ, all else the same, scene after scene.

A ladder is a base place and the places 1, 2, 4, … 64 screen pixels to its right, or below it. In
every scene the same flight of the ball ends at every place of every ladder, with the opponent held;
beside them stands the same picture without the ball. So any two places of a ladder differ in where
the ball is and in nothing else, and over scenes everything else varies: paddles, score, velocity.

Ladders are fixed beforehand by the game's rectangle of places alone, three for each axis, centred
in it along that axis. Two are *fixed*: they lie in the same place in every scene, half a cell of a
stride-8 map apart so that δ is not measured at one phase of the stride only, at a third and at two
thirds of the rectangle across. One is *roaming*: there the ball's other coordinate is drawn anew in
every scene. Two places δ apart are found twice on each: base and base + δ, base + δ and base + 2 δ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from analysis.pictures.frames import FOLDS
from envs import catch_teleport
from envs.facts import Box
from envs.games import Game, find
from envs.positions import X_84, Y_84

Axis = Literal["x", "y"]

AXES: tuple[tuple[Axis, int, int], ...] = (("x", 0, 1), ("y", 1, 0))
"""Each axis, its place in a pair of coordinates, and the other one's."""

Kind = Literal["fixed", "roaming"]

DELTAS = tuple(2**k for k in range(7))
"""Distances to the base, in the steps in which the game can draw the ball: a screen pixel, mostly.
Where the rectangle of places is too small the last ones are left out."""

CELL_SCREEN = (16, 20)
"""Screen pixels of a cell of a stride-8 map, across and down, rounded."""

CELL_84 = (8, 8)
"""The same in network pixels, for Catch."""


@dataclass(frozen=True)
class Rung:
    """One place of a ladder; coordinates in screen pixels, for Catch in network pixels.

    Attributes:
        ladder: Which one, from 0.
        axis: Along which it leads.
        offset: Distance to its base.
        along: The ball's coordinate on that axis.
        aside: Its other coordinate; `None` on a roaming ladder, where each scene has its own.
    """

    ladder: int
    axis: Axis
    offset: int
    along: int
    aside: int | None

    @property
    def kind(self) -> Kind:
        """Whether it lies in the same place in every scene."""
        return "roaming" if self.aside is None else "fixed"


@dataclass(frozen=True)
class Ladders:
    """Network inputs: `s` scenes, each with the ball at every one of `r` rungs.

    Attributes:
        game: Which game.
        observations: `uint8 (s, r, 4, 84, 84)`.
        without_ball: `uint8 (s, 4, 84, 84)`: the ball painted over, the same for all rungs.
        episode: Which game played a scene is from: the unit by which to split.
        velocity_screen: Of the ball in each scene, screen pixels a raw frame.
        places: Of the ball's corner, x and y; in the unit of `rungs`.
        rungs: What stands where along the second axis of `observations`.
        facts: What was counted while building.
    """

    game: str
    observations: UInt8[np.ndarray, "s r 4 84 84"]
    without_ball: UInt8[np.ndarray, "s 4 84 84"]
    episode: Int64[np.ndarray, " s"]
    velocity_screen: Float64[np.ndarray, "s 2"]
    places: Int64[np.ndarray, "s r 2"]
    rungs: tuple[Rung, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.observations)

    def content_hash(self) -> str:
        """Return eight hexadecimal digits of pictures, places and episodes."""
        digest = hashlib.sha256(self.observations.tobytes())
        for labels in (self.without_ball, self.places, self.episode):
            digest.update(labels.tobytes())
        return digest.hexdigest()[:8]

    @property
    def condition(self) -> str:
        """As the claims have it: the opponent is held, where there is one."""
        facts = find(self.game).facts
        return "held" if facts is not None and facts.opponent is not None else ""

    def delta_screen(self, axis: Axis, offset: int) -> float:
        """Return an offset in screen pixels: for Catch those that shrink to its network pixels."""
        if find(self.game).facts is not None:
            return float(offset)
        return offset / (X_84 if axis == "x" else Y_84)

    def pairs(self, axis: Axis, kind: Kind | None = None) -> dict[int, list[tuple[int, int]]]:
        """Return the pairs of rungs along an axis by their distance, from the nearest on.

        Args:
            axis: Along which they differ.
            kind: Of the ladders; both unless told.
        """
        wanted = [
            (i, rung)
            for i, rung in enumerate(self.rungs)
            if rung.axis == axis and kind in (None, rung.kind)
        ]
        offsets = sorted({rung.offset for _, rung in wanted} - {0})
        return {
            # Distances that are no rung's, as from 4 to 16, would be seen on their own.
            delta: [
                (i, j)
                for i, a in wanted
                for j, b in wanted
                if a.ladder == b.ladder and b.offset - a.offset == delta
            ]
            for delta in offsets
        }

    def by_ladder(self) -> list[list[int]]:
        """Return the rungs of each ladder, by their number; they stand next to each other."""
        ladders = dict.fromkeys(rung.ladder for rung in self.rungs)
        return [[i for i, r in enumerate(self.rungs) if r.ladder == which] for which in ladders]

    def episode_fold(self, folds: int = FOLDS) -> Int64[np.ndarray, " s"]:
        """Split by unseen scenes: whole episodes, dealt out in turn."""
        dealt: Int64[np.ndarray, " s"] = np.unique(self.episode, return_inverse=True)[1] % folds
        return dealt


def rungs(box: Box, step: tuple[int, int], cell: tuple[int, int]) -> tuple[Rung, ...]:
    """Return the places of all ladders in a rectangle.

    Args:
        box: Where the ball's corner may be.
        step: Distance between places at which it can be drawn, across and down.
        cell: Size of a cell of a stride-8 map, in the same unit.

    Raises:
        ValueError: If not even the shortest ladder fits.
    """
    low, size = _corner(box), _size(box)
    found: list[Rung] = []
    for axis, along, across in AXES:
        unit = step[along]
        apart = cell[along] // 2 // unit * unit
        reach = [unit * d for d in DELTAS if unit * d + apart < size[along]]
        if not reach:
            raise ValueError(f"expected a rectangle with room for a ladder along {axis}, got {box}")
        spare = (size[along] - 1 - reach[-1] - apart) // 2 // unit * unit
        for which, thirds in enumerate((1, 2, None)):
            base = low[along] + spare + which % 2 * apart
            aside = None
            if thirds is not None:
                aside = low[across] + size[across] * thirds // 3 // step[across] * step[across]
            ladder = 3 * along + which
            found += [Rung(ladder, axis, d, base + d, aside) for d in (0, *reach)]
    return tuple(found)


def drawn_places(
    found: Sequence[Rung], box: Box, step: tuple[int, int], rng: np.random.Generator
) -> Int64[np.ndarray, "r 2"]:
    """Return x and y of every rung in one scene; what roams is drawn once for each ladder."""
    low, size = _corner(box), _size(box)
    across_of = {axis: across for axis, _, across in AXES}
    places = np.zeros((len(found), 2), np.int64)
    drawn: dict[int, int] = {}
    for place, rung in zip(places, found, strict=True):
        across = across_of[rung.axis]
        if rung.aside is None and rung.ladder not in drawn:
            spots = -(-size[across] // step[across])
            drawn[rung.ladder] = low[across] + step[across] * int(rng.integers(spots))
        place[1 - across] = rung.along
        place[across] = drawn[rung.ladder] if rung.aside is None else rung.aside
    return places


def _corner(box: Box) -> tuple[int, int]:
    return box.left, box.top


def _size(box: Box) -> tuple[int, int]:
    return box.right - box.left, box.bottom - box.top


def grid(game: Game) -> tuple[Box, tuple[int, int], tuple[int, int]]:
    """Where a game's ball may be, in which steps it is drawn, and how large a cell is."""
    if game.facts is None:
        return catch_teleport.PLACES_84, (1, 1), CELL_84
    ball = game.facts.ball
    return game.facts.places, (abs(ball.x.scale), abs(ball.y.scale)), CELL_SCREEN


def rungs_of(game: Game) -> tuple[Rung, ...]:
    """Return the places of a game's ladders."""
    return rungs(*grid(game))
