"""The games, as frozen data. Adding a game is one entry here.

Screen coordinates (`*_screen`) are pixels of the emulator's 160 × 210 picture, origin at the top
left, of the sprite's top-left corner. RAM coordinates (`*_ram`) are the raw bytes. Addresses were
found by search over the 128 bytes of the console's RAM and proved against rendered pixels in
`tests/envs/test_positions.py`, which runs over every game that has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from commandline import choose
from envs.facts import Axis, Ball, Box, Bricks, Facts, Paddle

SCREEN_WIDTH, SCREEN_HEIGHT = 160, 210
"""Size of the emulator's picture, in screen pixels."""

INPUT_SIZE = 84
"""Side of the square picture the network sees, in network pixels (Mnih et al. 2015)."""

FRAME_SKIP = 4
"""Emulator frames in an agent step (Mnih et al. 2015)."""

STACK = 4
"""Observations stacked in a network input (Mnih et al. 2015)."""


@dataclass(frozen=True)
class Game:
    """One game.

    Attributes:
        name: What users type.
        title: What people read.
        rom: ALE's name of the cartridge; `None` for a game of our own.
        actions: Meanings of the actions, in order.
        lives: Lives at the start; 0 where the game counts none.
        needs_fire: Whether play stands still until FIRE is pressed.
        score_range: Least and greatest possible raw score of a whole game.
        random_score: Mean raw score of the uniform random policy, as published.
        reference_score: The score that counts as 1 when scores are normalised; `None` where no
            fixed one makes sense.
        facts: Where things are in RAM and on the screen; `None` for a game of our own.
    """

    name: str
    title: str
    rom: str | None
    actions: tuple[str, ...]
    lives: int
    needs_fire: bool
    score_range: tuple[float, float]
    random_score: float
    reference_score: float | None
    facts: Facts | None = None


PONG = Game(
    name="pong",
    title="Pong",
    rom="pong",
    actions=("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"),
    lives=0,
    needs_fire=False,
    score_range=(-21, 21),
    random_score=-20.7,  # Mnih et al. 2015, extended data table 2
    reference_score=21,
    facts=Facts(
        ball=Ball(
            x=Axis(49, -49, velocity=58, velocity_sign=-1),
            y=Axis(54, -14, velocity=56),
            shape=("##",) * 4,
            colour=(236, 236, 236),
            absent_y_ram=0,
            hidden_ram=(100, 4),
        ),
        # 51 and 50 mirror what is drawn; 60 and 21 are what the game computes with.
        player=Paddle(
            140, Axis(51, -13), 4, 16, (92, 186, 92), write=60, less="RIGHT", more="LEFT"
        ),
        opponent=Paddle(16, Axis(50, -15), 4, 16, (213, 130, 74), write=21, chase=2, usual_lead=-1),
        bricks=None,
        playfield=Box(0, 34, 160, 194),
        clear=Box(20, 34, 140, 194),
        places=Box(40, 64, 120, 164),  # 5 × 5 blocks of 16 × 20; speeds up to (1, 2) fit
        background=(144, 72, 17),
        digits_ram=((13, 7), (14, 5)),
    ),
)

BREAKOUT = Game(
    name="breakout",
    title="Breakout",
    rom="breakout",
    actions=("NOOP", "FIRE", "RIGHT", "LEFT"),
    lives=5,
    needs_fire=True,
    score_range=(0, 864),
    random_score=1.7,  # Mnih et al. 2015, extended data table 2
    reference_score=None,  # nature's tuning seeds at the same budget
    facts=Facts(
        ball=Ball(
            x=Axis(99, -49, fraction=100, velocity=105, velocity_fraction=106, velocity_sign=-1),
            y=Axis(101, 9, fraction=102, velocity=103, velocity_fraction=104),
            shape=("##",) * 4,
            colour=(200, 72, 72),
            absent_y_ram=0,
            hidden_ram=(51, 100),  # behind the left wall
        ),
        player=Paddle(Axis(72, -47), 189, 16, 4, (200, 72, 72), less="LEFT", more="RIGHT"),
        opponent=None,
        bricks=Bricks(range(36), bits_a_brick=2, spare_bits=24),
        playfield=Box(8, 32, 152, 195),
        clear=Box(8, 93, 152, 189),
        places=Box(31, 107, 127, 167),  # 6 × 3 blocks of 16 × 20; speeds up to (1.5, 1) fit
        background=(0, 0, 0),
        digits_ram=((76, 0), (77, 0x57)),
    ),
)

BOWLING = Game(
    name="bowling",
    title="Bowling",
    rom="bowling",
    actions=("NOOP", "FIRE", "UP", "DOWN", "UPFIRE", "DOWNFIRE"),
    lives=0,
    needs_fire=False,
    score_range=(0, 300),
    random_score=23.2,  # measured over 60 whole games, standard error 0.8
    reference_score=None,
    facts=Facts(
        ball=Ball(
            x=Axis(30, 7),  # a pixel every other frame; no byte of RAM holds its velocity
            y=Axis(41, 163, scale=-2),
            shape=(".##.",) * 2 + ("####",) * 6 + (".##.",) * 2,
            colour=(45, 50, 184),
            absent_y_ram=None,
            hidden_ram=(53, 61),
            rolling_ram=(13, 5),  # not carried to the line, not coming back
        ),
        player=Paddle(Axis(29, 10), Axis(40, 141, scale=-2), 4, 8, (198, 89, 179)),
        opponent=None,
        bricks=None,
        playfield=Box(8, 104, 160, 172),
        clear=Box(46, 104, 120, 172),
        places=Box(60, 111, 108, 151),  # 3 × 2 blocks of 16 × 20
        background=(180, 122, 48),
        digits_ram=((33, 0x57),),
    ),
)

CATCH = Game(
    name="catch",
    title="Catch",
    rom=None,
    actions=("NOOP", "LEFT", "RIGHT"),
    lives=0,
    needs_fire=False,
    score_range=(-1, 1),
    random_score=-0.65,  # measured over 9,000 games; held to ±.05 in tests/envs/test_catch.py
    reference_score=1,
)

GAMES: Mapping[str, Game] = MappingProxyType({g.name: g for g in (PONG, BREAKOUT, CATCH, BOWLING)})
"""Every game by its name."""


def find(name: str) -> Game:
    """Return the game called `name`.

    Raises:
        BadInput: If there is none; the message lists the names and the nearest one.
    """
    return GAMES[choose("--game", name, GAMES)]
