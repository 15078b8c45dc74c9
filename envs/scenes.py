"""Drawn scenes that no emulator can give: any number of things, shapes, directions and fields.

Drawn on 160 × 210 screen pixels and brought to the network by the same steps as the emulator's
pictures. What is drawn is known exactly: nothing else is there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from envs.emulator import FLIGHT_FRAMES, VISIBLE, Stack, stack
from envs.facts import Box, Colour
from envs.games import SCREEN_HEIGHT, SCREEN_WIDTH
from envs.teleport import luminance

ORIENTATIONS = 8
"""Directions in which a thing can point, 45° apart; a bar has eight of 22.5°."""

MOST_THINGS = 4

Grid = Float64[np.ndarray, "s s"]
Mask = Bool[np.ndarray, "s s"]

# Each shape on a grid of u (right) and v (down) in [−1, 1], pointing right.
SHAPES: Mapping[str, Callable[[Grid, Grid], Mask]] = MappingProxyType(
    {
        "square": lambda u, v: np.maximum(abs(u), abs(v)) <= 0.71,
        "disc": lambda u, v: u**2 + v**2 <= 1,
        "ring": lambda u, v: (u**2 + v**2 <= 1) & (u**2 + v**2 > 0.25),
        "bar": lambda u, v: (abs(v) <= 0.2) & (abs(u) <= 1),
        "cross": lambda u, v: (np.minimum(abs(u), abs(v)) <= 0.25) & (u**2 + v**2 <= 1),
        "arrow": lambda u, v: (abs(v) <= (1 - u) / 2) & (u >= -0.7),
        "ell": lambda u, v: (
            ((abs(v - 0.45) <= 0.25) & (abs(u) <= 0.7))
            | ((abs(u + 0.45) <= 0.25) & (abs(v) <= 0.7))
        ),
    }
)


@dataclass(frozen=True)
class Thing:
    """Something on the screen.

    Attributes:
        x_screen: Left edge of its square, screen pixels.
        y_screen: Upper edge.
        shape: From `SHAPES`.
        size: Side of the square, screen pixels.
        orientation: 0 to 7, clockwise from right.
        colour: Red, green, blue; what the network sees of it is its luminance.
    """

    x_screen: int
    y_screen: int
    shape: str = "square"
    size: int = 8
    orientation: int = 0
    colour: Colour = (236, 236, 236)


@dataclass(frozen=True)
class Field:
    """What things are drawn on.

    Attributes:
        background: Colour of all that is empty.
        border: Width of a frame along the edges, screen pixels; things stay inside it.
        border_colour: Of that frame.
        wraps: Whether what leaves on one side comes in on the other.
        landmarks: Things that are always there.
    """

    background: Colour = (0, 0, 0)
    border: int = 0
    border_colour: Colour = (142, 142, 142)
    wraps: bool = False
    landmarks: tuple[Thing, ...] = ()

    @property
    def room(self) -> Box:
        """Where things may be."""
        b = 0 if self.wraps else self.border
        return Box(b, b, SCREEN_WIDTH - b, SCREEN_HEIGHT - b)


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "blank": Field(),
        "padded": Field(border=16),
        "circular": Field(wraps=True),
        "landmark": Field(
            landmarks=(
                Thing(12, 12, "cross", 16, colour=(142, 142, 142)),
                Thing(128, 20, "ring", 20, colour=(142, 142, 142)),
                Thing(20, 180, "arrow", 16, 2, colour=(142, 142, 142)),
            )
        ),
    }
)
"""Blank: the only marks are the picture's edges. Padded: a visible frame. Circular: no edges at
all. Landmark: fixed marks by which to tell places apart."""


def mask(shape: str, size: int, orientation: int = 0) -> Mask:
    """Draw one shape as `(size, size)` booleans."""
    if shape not in SHAPES:
        raise ValueError(f"expected a shape among {', '.join(SHAPES)}, got {shape!r}")
    if not 0 <= orientation < ORIENTATIONS:
        raise ValueError(f"expected an orientation from 0 to 7, got {orientation}")
    # Pixel centres, so that a shape of even size is symmetric.
    across = (np.arange(size) + 0.5) / size * 2 - 1
    u, v = np.meshgrid(across, across)
    turn = math.pi / ORIENTATIONS if shape == "bar" else 2 * math.pi / ORIENTATIONS
    cos, sin = math.cos(orientation * turn), math.sin(orientation * turn)
    return SHAPES[shape](cos * u + sin * v, cos * v - sin * u)


def draw(field: Field, things: Sequence[Thing]) -> UInt8[np.ndarray, "210 160"]:
    """Draw one grey frame; later things cover earlier ones, landmarks lie lowest."""
    frame = np.full((SCREEN_HEIGHT, SCREEN_WIDTH), luminance(field.background), np.uint8)
    if field.border:
        inner = frame[field.border : -field.border, field.border : -field.border].copy()
        frame[:] = luminance(field.border_colour)
        frame[field.border : -field.border, field.border : -field.border] = inner
    for thing in (*field.landmarks, *things):
        down, across = np.nonzero(mask(thing.shape, thing.size, thing.orientation))
        rows, columns = down + thing.y_screen, across + thing.x_screen
        if field.wraps:
            rows, columns = rows % SCREEN_HEIGHT, columns % SCREEN_WIDTH
        else:
            room = field.room
            seen = (rows >= room.top) & (rows < room.bottom)
            seen &= (columns >= room.left) & (columns < room.right)
            rows, columns = rows[seen], columns[seen]
        frame[rows, columns] = luminance(thing.colour)
    return frame


def observe(
    field: Field, things: Sequence[Thing], velocity_screen: tuple[float, float] = (0.0, 0.0)
) -> Stack:
    """Draw a network input that ends with the things at their places.

    Args:
        field: What they are drawn on.
        things: Where they are in the last raw frame.
        velocity_screen: Screen pixels a raw frame, the same for all of them.
    """
    frames = []
    for k in VISIBLE:
        ago = FLIGHT_FRAMES - 1 - k
        dx, dy = (round(speed * ago) for speed in velocity_screen)
        then = [replace(t, x_screen=t.x_screen - dx, y_screen=t.y_screen - dy) for t in things]
        frames.append(draw(field, then))
    return stack(np.stack(frames))


def scatter(
    field: Field, things: Sequence[Thing], rng: np.random.Generator, *, gap: int = 4
) -> tuple[Thing, ...]:
    """Put things at random places, clear of each other and of the landmarks.

    Args:
        field: Where they go.
        things: Up to four; their places are ignored.
        rng: The only source of chance.
        gap: Least distance between two squares, screen pixels.

    Raises:
        ValueError: If there are more than four, or no room is found.
    """
    if len(things) > MOST_THINGS:
        raise ValueError(f"expected up to {MOST_THINGS} things, got {len(things)}")
    room = field.room
    for _ in range(1_000):
        put: list[Thing] = []
        for thing in things:
            slack = 0 if field.wraps else thing.size - 1
            x = int(rng.integers(room.left, room.right - slack))
            y = int(rng.integers(room.top, room.bottom - slack))
            put.append(replace(thing, x_screen=x, y_screen=y))
        every = [*field.landmarks, *put]
        pairs = [(a, b) for i, a in enumerate(every) for b in every[:i]]
        if all(_apart(field, a, b) >= gap for a, b in pairs):
            return tuple(put)
    raise ValueError(f"no room found for {len(things)} things, {gap} pixels apart")


def _apart(field: Field, a: Thing, b: Thing) -> int:
    """Pixels between two squares, the larger of across and down; negative where they overlap."""
    return max(
        _gap(a.x_screen, a.size, b.x_screen, b.size, SCREEN_WIDTH if field.wraps else 0),
        _gap(a.y_screen, a.size, b.y_screen, b.size, SCREEN_HEIGHT if field.wraps else 0),
    )


def _gap(a: int, a_size: int, b: int, b_size: int, period: int) -> int:
    """Pixels between two stretches of a line, or of a circle of that length."""
    if not period:
        return max(b - a - a_size, a - b - b_size)
    return min((b - a) % period - a_size, (a - b) % period - b_size)
