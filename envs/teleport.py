"""The ball put anywhere, rendered by the emulator itself, all else as it was.

From a saved moment of play: the sixteen raw frames behind a network input are played again with
the same actions, and before each of them the ball's place and velocity are written to RAM so that
the eight visible ones show one straight flight that ends at the chosen place. The emulator draws
every pixel.

Left alone, an opponent that chases the ball would give its place away. Two arms:

    held     the opponent does what it did in the saved play, wherever the ball is
    along    it keeps its usual distance to the teleported ball
    (free    nothing is written to it; for shams)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from ale_py import ALEState
from jaxtyping import Int64, UInt8

from envs.emulator import FLIGHT_FRAMES, VISIBLE, Emulator, Frames, stack
from envs.facts import Box, Facts
from envs.flights import Flight, Moment, chase_frames, straight_flight
from envs.games import FRAME_SKIP, SCREEN_HEIGHT, SCREEN_WIDTH
from envs.positions import facts_of

if __name__ == "__main__":  # `python -m envs.teleport`: run the real module, not a second copy
    from commandline import run
    from envs.teleport_image import main

    run(main)

Arm = Literal["held", "along", "free"]
ARMS: tuple[Arm, ...] = get_args(Arm)

Write = tuple[int, int]
"""An address and the byte that goes there before every raw frame."""


class Collided(Exception):  # noqa: N818  (an outcome of an experiment, to be counted)
    """The ball or a paddle was not where it was put: something was in the way."""


class NoRoom(Collided):
    """The flight would leave the part of the playfield that is clear."""


@dataclass(frozen=True)
class Shown:
    """What the emulator showed and held when a flight was played.

    Attributes:
        frames: The eight visible raw frames, grey, oldest first.
        ram: After each of the sixteen raw frames.
        state: The emulator after the last; play can go on from there.
    """

    frames: Frames
    ram: UInt8[np.ndarray, "16 128"]
    state: ALEState | None


@dataclass(frozen=True)
class Group:
    """One moment × one velocity × many places; all of them, or none.

    Attributes:
        observations: Network inputs.
        places_screen: Where the ball is in the last raw frame, x and y of its corner.
        velocity_screen: The same for all, pixels a raw frame.
        ram: After the last raw frame.
        without_ball: Inputs with the ball painted over, and nothing else; those asked for.
        states: The emulator after the last raw frame; empty unless asked for.
    """

    observations: UInt8[np.ndarray, "n 4 84 84"]
    places_screen: Int64[np.ndarray, "n 2"]
    velocity_screen: tuple[float, float]
    ram: UInt8[np.ndarray, "n 128"]
    without_ball: UInt8[np.ndarray, "m 4 84 84"]
    states: tuple[ALEState, ...]


class Teleporter:
    """Puts the ball elsewhere in one saved moment.

    Args:
        emulator: Of the moment's game; its state is overwritten.
        moment: The scene.
    """

    def __init__(self, emulator: Emulator, moment: Moment) -> None:
        self.emulator = emulator
        self.moment = moment
        self.facts = facts_of(emulator.game)
        self._chased = chase_frames(emulator, moment)

    def flight(self, velocity: tuple[float, float] | None) -> Flight:
        """Record a straight flight of that velocity, to be moved about."""
        flight = straight_flight(self.emulator, self.moment, velocity)
        if not flight.is_straight(self.facts):
            raise Collided(f"a ball with velocity {velocity} does not fly straight here")
        return flight

    def show(
        self,
        flight: Flight,
        arm: Arm,
        *,
        actions: tuple[int, ...] | None = None,
        extra: Iterable[Write] = (),
        hidden: bool = False,
        keep_state: bool = False,
    ) -> Shown:
        """Play one flight.

        Args:
            flight: Already ending where the ball is wanted.
            arm: What the opponent does.
            actions: Other actions than those of the moment, to move the player's paddle.
            extra: Bytes to write before every raw frame, as to change the score shown; points are
                not looked at then.
            hidden: Whether the ball is out of sight, where it may do what it likes.
            keep_state: Whether to save the emulator at the end.

        Raises:
            Collided: If ball or opponent end up elsewhere in any frame, or a point is made.
        """
        played = self.moment.actions if actions is None else actions
        opponent, extra = self._opponent(flight, arm), tuple(extra)
        writes = self._writes(flight, opponent, extra)
        emulator = self.emulator
        frames = np.empty((len(VISIBLE), SCREEN_HEIGHT, SCREEN_WIDTH), np.uint8)
        ram = np.empty((FLIGHT_FRAMES, 128), np.uint8)
        emulator.restore(self.moment.state)
        lives, reward, seen = emulator.lives, 0.0, 0
        set_ram, act = emulator.ale.setRAM, emulator.ale.act
        meant = [emulator.actions[action] for action in played]
        for k in range(FLIGHT_FRAMES):
            for address, value in writes[k]:
                set_ram(address, value)
            reward += abs(act(meant[k // FRAME_SKIP]))
            ram[k] = emulator.ale.getRAM()
            if k % FRAME_SKIP >= FRAME_SKIP - 2:
                frames[seen] = emulator.grey()
                seen += 1
        if (reward and not extra) or emulator.lives != lives or emulator.over():
            raise Collided("a point was made")
        if not hidden and (ram[:, list(flight.addresses)] != flight.after).any():
            raise Collided("the ball was deflected")
        paddle = self.facts.opponent
        if opponent is not None and paddle is not None:
            drawn = ram[:, paddle.moving.address]
            if not np.array_equal(drawn, opponent):
                raise Collided("the opponent was not where it was put")
        return Shown(frames, ram, emulator.save() if keep_state else None)

    def group(
        self,
        flight: Flight,
        places_screen: Int64[np.ndarray, "n 2"],
        arm: Arm,
        *,
        erase: Collection[int] = (),
        keep_states: bool = False,
        extra: Iterable[Write] = (),
        actions: tuple[int, ...] | None = None,
    ) -> Group:
        """Put the ball at every place in turn.

        Args:
            flight: From `flight`.
            places_screen: x and y of the ball's corner in the last raw frame.
            arm: What the opponent does.
            erase: Which of the places to show a second time, with the ball painted over.
            keep_states: Whether to save the emulator at the end of each flight.
            extra: As in `show`.
            actions: As in `show`.

        Raises:
            Collided: If a single place is in the way of something. Dropping that place alone would
                make the ball's place depend on the paddles.
        """
        observations, without, rams, states = [], [], [], []
        for i, (x_screen, y_screen) in enumerate(places_screen.tolist()):
            there = flight.ending_at(self.facts, x_screen, y_screen)
            if not inside(self.facts, self.facts.clear, there):
                raise NoRoom(f"the flight to {x_screen} {y_screen} leaves the clear part")
            shown = self.show(there, arm, extra=extra, actions=actions, keep_state=keep_states)
            observations.append(stack(shown.frames))
            rams.append(shown.ram[-1])
            if shown.state is not None:
                states.append(shown.state)
            if i in erase:
                without.append(stack(painted_over(self.facts, shown.frames, there)))
        return Group(
            observations=np.stack(observations),
            places_screen=places_screen,
            velocity_screen=flight.velocity_screen,
            ram=np.stack(rams),
            without_ball=np.stack(without) if without else np.zeros((0, 4, 84, 84), np.uint8),
            states=tuple(states),
        )

    def _opponent(self, flight: Flight, arm: Arm) -> UInt8[np.ndarray, " 16"] | None:
        """The byte at which the opponent is to be drawn in each frame; `None` to leave it."""
        opponent = self.facts.opponent
        if opponent is None or arm == "free":
            return None
        if arm == "held":
            return self.moment.ram[1:, opponent.moving.address]
        along = flight.path_screen[:, int(opponent.moves_vertically)] + opponent.usual_lead
        return np.array([opponent.moving.byte(int(place)) for place in along], np.uint8)

    def _writes(
        self, flight: Flight, opponent: UInt8[np.ndarray, " 16"] | None, extra: tuple[Write, ...]
    ) -> list[list[Write]]:
        """What to write before each raw frame."""
        writes = [
            [*zip(flight.addresses, row, strict=True), *extra] for row in flight.before.tolist()
        ]
        paddle = self.facts.opponent
        if opponent is None or paddle is None or paddle.write is None:
            return writes
        for k, wanted in enumerate(opponent.tolist()):
            # Between writing and drawing the game moves it by `chase` towards the ball.
            step = paddle.chase if self._chased[k] else 0
            towards = step if int(flight.after[k, 1]) > wanted - step else -step
            writes[k].append((paddle.write, (wanted - towards) % 256))
        return writes


def inside(facts: Facts, box: Box, flight: Flight) -> bool:
    """Whether the ball stays wholly in `box` as long as it can be seen."""
    ball = facts.ball
    return all(box.holds(x, y, ball.width, ball.height) for x, y in flight.path_screen[2:].tolist())


def fits(facts: Facts, flight: Flight) -> bool:
    """Whether the flight stays in the clear wherever in `facts.places` it ends."""
    box = facts.places
    corners = [(box.left, box.top), (box.right - 1, last_row(facts))]
    return all(inside(facts, facts.clear, flight.ending_at(facts, x, y)) for x, y in corners)


def last_row(facts: Facts) -> int:
    """The lowest row of `facts.places` at which the game can draw the ball's corner."""
    step = abs(facts.ball.y.scale)
    return facts.places.top + (facts.places.bottom - 1 - facts.places.top) // step * step


def painted_over(facts: Facts, frames: Frames, flight: Flight) -> Frames:
    """Paint the background over the ball, and over nothing else."""
    clean = frames.copy()
    grey = luminance(facts.background)
    for frame, (x, y) in zip(clean, flight.visible_screen.astype(int), strict=True):
        frame[y : y + facts.ball.height, x : x + facts.ball.width] = grey
    return clean


def luminance(colour: tuple[int, int, int]) -> int:
    """The grey that the emulator makes of a colour."""
    red, green, blue = colour
    return round(0.299 * red + 0.587 * green + 0.114 * blue)
