"""Drawn pictures on Pong's empty field: what is there, and where, known exactly and chosen freely.

Shapes are those of `envs.scenes`, drawn on the 160 × 210 screen and brought to the network by the
emulator's own steps. They are measured in *network* pixels, as the cells are that pools make of the
picture: one of 8 is 15 × 20 screen pixels large and square only behind the resizing. Nothing moves,
so the four frames of an input are one picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from analysis.networks import Observations
from envs.emulator import shrink
from envs.games import PONG, SCREEN_HEIGHT, SCREEN_WIDTH, STACK
from envs.positions import X_84, Y_84
from envs.scenes import ORIENTATIONS, SHAPES
from envs.teleport import luminance

Pixels = Float64[np.ndarray, " n"]

WALLS_SCREEN = ((24, 34), (194, 210))
"""Rows of Pong's two walls, first and first behind; the playfield lies between."""

WALL = 236
"""Luminance of the walls and the ball."""

assert PONG.facts is not None
BACKGROUND = luminance(PONG.facts.background)

BALL_CONTRAST = WALL - BACKGROUND
"""What the ball is brighter than the field: 149."""

MIDDLE_84 = 42.0
"""Half way across the picture."""


@dataclass(frozen=True)
class Marks:
    """What is drawn, one entry a thing.

    Attributes:
        picture: In which picture; from 0 on.
        shape: Index into `envs.scenes.SHAPES`.
        orientation: 0 to 7, as there.
        x_84: Centre, network pixels.
        y_84: Likewise, down.
        side_84: Side of the square it fills, network pixels.
        contrast: Added to the background's luminance.
    """

    picture: Int64[np.ndarray, " n"]
    shape: Int64[np.ndarray, " n"]
    orientation: Int64[np.ndarray, " n"]
    x_84: Pixels
    y_84: Pixels
    side_84: Pixels
    contrast: Int64[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.picture)


def shape_number(name: str) -> int:
    """Return the index of a shape.

    Raises:
        ValueError: If there is none of that name.
    """
    if name not in SHAPES:
        raise ValueError(f"expected a shape among {', '.join(SHAPES)}, got {name!r}")
    return list(SHAPES).index(name)


def stencil(shape: int, orientation: int, side_84: float) -> Bool[np.ndarray, "h w"]:
    """Draw one shape on the screen's pixels, as wide and high as it takes to be square at 84 × 84.

    Args:
        shape: Index into `envs.scenes.SHAPES`.
        orientation: 0 to 7; a bar has eight of 22.5°, the others of 45°.
        side_84: Network pixels.
    """
    width, height = size_screen(side_84)
    u, v = np.meshgrid(
        (np.arange(width) + 0.5) / width * 2 - 1, (np.arange(height) + 0.5) / height * 2 - 1
    )
    name = list(SHAPES)[shape]
    turn = (math.pi if name == "bar" else 2 * math.pi) / ORIENTATIONS * orientation
    cos, sin = math.cos(turn), math.sin(turn)
    return SHAPES[name](cos * u + sin * v, cos * v - sin * u)


def size_screen(side_84: float) -> tuple[int, int]:
    """Return the width and height on the screen of what is square in the network's input."""
    return round(side_84 / X_84), round(side_84 / Y_84)


def field() -> UInt8[np.ndarray, "210 160"]:
    """Return Pong's field with nothing on it but the walls, as luminance."""
    empty = np.full((SCREEN_HEIGHT, SCREEN_WIDTH), BACKGROUND, np.uint8)
    for first, behind in WALLS_SCREEN:
        empty[first:behind] = WALL
    return empty


def centres_x_84(side_84: float) -> Float64[np.ndarray, " k"]:
    """Return every x at which the centre of a thing can be: those at which all of it is seen."""
    width, _ = size_screen(side_84)
    return (np.arange(SCREEN_WIDTH - width + 1) + width / 2) * X_84


def centres_y_84(side_84: float) -> Float64[np.ndarray, " k"]:
    """Return every y at which the centre of a thing can be: between the walls."""
    _, height = size_screen(side_84)
    top, bottom = WALLS_SCREEN[0][1], WALLS_SCREEN[1][0]
    return (np.arange(top, bottom - height + 1) + height / 2) * Y_84


def pictures(marks: Marks, count: int) -> Observations:
    """Draw network inputs; later marks cover earlier ones.

    Args:
        marks: With centres from `centres_x_84` and `centres_y_84`.
        count: Pictures; one without a mark is an empty field.

    Raises:
        ValueError: If a mark does not lie wholly in the field.
    """
    stencils: dict[tuple[int, int, float], Bool[np.ndarray, "h w"]] = {}
    screens: dict[int, UInt8[np.ndarray, "210 160"]] = {}
    for i in range(len(marks)):
        kind = (int(marks.shape[i]), int(marks.orientation[i]), float(marks.side_84[i]))
        if kind not in stencils:
            stencils[kind] = stencil(*kind)
        lit = stencils[kind]
        height, width = lit.shape
        left = round(marks.x_84[i] / X_84 - width / 2)
        top = round(marks.y_84[i] / Y_84 - height / 2)
        inside = WALLS_SCREEN[0][1] <= top and top + height <= WALLS_SCREEN[1][0]
        if not (inside and left >= 0 and left + width <= SCREEN_WIDTH):
            raise ValueError(
                f"expected things inside the field, got one of {width} × {height} screen pixels "
                f"at ({left}, {top})"
            )
        screen = screens.setdefault(int(marks.picture[i]), field())
        screen[top : top + height, left : left + width][lit] = BACKGROUND + int(marks.contrast[i])
    shrunk = np.repeat(shrink(field())[None], count, axis=0)
    for number, screen in screens.items():
        shrunk[number] = shrink(screen)
    return np.repeat(shrunk[:, None], STACK, axis=1)
