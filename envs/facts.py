"""What a console's 128 bytes of RAM say about a picture: the types of the entries in `envs.games`.

Screen coordinates are pixels of the emulator's 160 × 210 picture, origin at the top left, and a
thing's place is its sprite's top-left corner. RAM coordinates are raw bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]
"""Red, green, blue as the emulator draws them, in [0, 255]."""


@dataclass(frozen=True)
class Box:
    """A rectangle of screen pixels; `right` and `bottom` lie just outside."""

    left: int
    top: int
    right: int
    bottom: int

    def holds(self, x_screen: float, y_screen: float, width: int = 1, height: int = 1) -> bool:
        """Say whether a sprite of that size, its corner there, lies wholly inside."""
        return (
            self.left <= x_screen
            and self.top <= y_screen
            and x_screen + width <= self.right
            and y_screen + height <= self.bottom
        )


@dataclass(frozen=True)
class Axis:
    """One coordinate of a thing: `screen = scale · RAM + offset`.

    Attributes:
        address: The byte that holds it.
        offset: Screen pixels.
        scale: Screen pixels a unit of RAM.
        fraction: The byte that holds 1/256ths of a unit, if the game keeps any.
        velocity: The signed byte that is added every frame, if the game keeps one.
        velocity_fraction: Its 1/256ths.
        velocity_sign: 1, or −1 where the game subtracts what it keeps.
    """

    address: int
    offset: int
    scale: int = 1
    fraction: int | None = None
    velocity: int | None = None
    velocity_fraction: int | None = None
    velocity_sign: int = 1

    def byte(self, place_screen: int) -> int:
        """The byte to write for a place on the screen."""
        return (place_screen - self.offset) // self.scale % 256


@dataclass(frozen=True)
class Ball:
    """The ball.

    Attributes:
        x: Its left edge.
        y: Its upper edge.
        shape: The sprite, row by row; `#` is lit.
        colour: Of the lit pixels.
        absent_y_ram: The value of the y byte that says there is no ball; `None` where there always
            is one.
        hidden_ram: Bytes (x, y) with which the ball is out of sight and the game plays on.
        rolling_ram: The byte (address, value) that says the ball is under way; `None` where that
            is all it can be.
    """

    x: Axis
    y: Axis
    shape: tuple[str, ...]
    colour: Colour
    absent_y_ram: int | None
    hidden_ram: tuple[int, int]
    rolling_ram: tuple[int, int] | None = None

    @property
    def width(self) -> int:
        """Screen pixels."""
        return len(self.shape[0])

    @property
    def height(self) -> int:
        """Screen pixels."""
        return len(self.shape)


@dataclass(frozen=True)
class Paddle:
    """What hits or throws the ball.

    Attributes:
        x: Its left edge: an axis, or the screen pixel at which it stands for ever.
        y: Its upper edge, likewise.
        width: Screen pixels.
        height: Screen pixels.
        colour: Of all its pixels.
        write: The byte to write before a frame so that the frame shows the paddle there; `None`
            where the game overrules what is written.
        chase: Units of RAM by which the game moves it towards the ball between that writing and
            the drawing.
        usual_lead: Screen pixels from the ball's edge to the paddle's, when it follows the ball.
        less: The action that makes the moving coordinate smaller; `None` for the opponent.
        more: The action that makes it greater.
    """

    x: Axis | int
    y: Axis | int
    width: int
    height: int
    colour: Colour
    write: int | None = None
    chase: int = 0
    usual_lead: int = 0
    less: str | None = None
    more: str | None = None

    @property
    def moving(self) -> Axis:
        """The axis along which it moves (the y axis, where both do)."""
        axis = self.y if isinstance(self.y, Axis) else self.x
        assert isinstance(axis, Axis), "a paddle moves along at least one axis"
        return axis

    @property
    def moves_vertically(self) -> bool:
        """Whether that axis is y."""
        return isinstance(self.y, Axis)


@dataclass(frozen=True)
class Bricks:
    """A wall of bricks kept as bits.

    Attributes:
        addresses: The bytes.
        bits_a_brick: Bits that go out with a brick.
        spare_bits: Bits that are always set and belong to no brick.
    """

    addresses: range
    bits_a_brick: int
    spare_bits: int


@dataclass(frozen=True)
class Facts:
    """Where everything is in a game's RAM and on its screen.

    Attributes:
        ball: The ball.
        player: The agent's paddle.
        opponent: The other paddle, if there is one.
        bricks: The wall, if there is one.
        playfield: Where ball pixels can be seen.
        clear: The part of the playfield that nothing but the ball ever enters.
        places: Where teleported balls end; every flight to there stays in `clear`.
        background: Colour of `clear`.
        digits_ram: Bytes (address, value) that change the score shown.
    """

    ball: Ball
    player: Paddle
    opponent: Paddle | None
    bricks: Bricks | None
    playfield: Box
    clear: Box
    places: Box
    background: Colour
    digits_ram: tuple[tuple[int, int], ...]
