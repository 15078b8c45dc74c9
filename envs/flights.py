"""Saved moments of play, and flights of the ball as bytes of RAM.

A network input shows eight raw frames out of sixteen. A flight says, for each of the sixteen,
which bytes describe the ball before the frame is played and which must describe it afterwards. It
is recorded once, in the middle of the playfield, while the emulator moves the ball by itself; to
end it elsewhere only the two place bytes are shifted. Fractions of a pixel and velocities that
change from frame to frame are thereby the game's own.

    raw frame    0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
    visible            ×  ×        ×  ×        ×  ×        ×  ×
    ball         start ───┤  flies by itself ─────────────────► p
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from ale_py import ALEState
from jaxtyping import Bool, Float64, UInt8

from envs.emulator import FLIGHT_FRAMES, VISIBLE, Emulator
from envs.facts import Axis, Facts
from envs.games import FRAME_SKIP, STACK
from envs.positions import facts_of, read_ram, screen

FLOWN = FLIGHT_FRAMES - 1 - VISIBLE[0]
"""Raw frames that the ball moves while it can be seen: 13."""

Velocity = tuple[float, float]
"""Screen pixels a raw frame, (x, y), in 1/256ths."""


@dataclass(frozen=True)
class Moment:
    """Four agent steps of ordinary play: the scene into which balls are teleported.

    Attributes:
        state: The emulator before the first of the sixteen raw frames.
        actions: What was played, one for each agent step.
        ram: `uint8 (17, 128)`: before the first frame, then after each.
        episode: Which game played it comes from.
        score: Raw score of that game up to here.
        rewarded: Whether anything was won or lost, or the game ended, in those frames.
    """

    state: ALEState
    actions: tuple[int, ...]
    ram: UInt8[np.ndarray, "17 128"]
    episode: int = 0
    score: float = 0.0
    rewarded: bool = False


def record(
    emulator: Emulator, actions: tuple[int, ...], *, episode: int = 0, score: float = 0.0
) -> Moment:
    """Play four agent steps from where the emulator is, and keep what is needed to do it again."""
    if len(actions) != STACK:
        raise ValueError(f"expected {STACK} actions, got {len(actions)}")
    state, lives = emulator.save(), emulator.lives
    ram = [emulator.ram()]
    reward, ended = 0.0, False
    for k in range(FLIGHT_FRAMES):
        reward += abs(emulator.act(actions[k // FRAME_SKIP]))
        ended |= emulator.over()
        ram.append(emulator.ram())
    rewarded = reward != 0 or ended or emulator.lives != lives
    return Moment(state, actions, np.stack(ram), episode, score, rewarded)


@dataclass(frozen=True)
class Flight:
    """What the ball's bytes are, for each of sixteen raw frames.

    Attributes:
        addresses: The bytes that describe the ball; the x byte first, then the y byte.
        before: `uint8 (16, addresses)`: to be written before the frame.
        after: `uint8 (16, addresses)`: what the frame must leave behind.
        path_screen: `(16, 2)`: where the ball is drawn, x and y of its corner.
        velocity_screen: Pixels a raw frame: what was asked for, else the mean of the visible path.
    """

    addresses: tuple[int, ...]
    before: UInt8[np.ndarray, "16 a"]
    after: UInt8[np.ndarray, "16 a"]
    path_screen: Float64[np.ndarray, "16 2"]
    velocity_screen: Velocity

    @property
    def visible_screen(self) -> Float64[np.ndarray, "8 2"]:
        """Where the ball is drawn in the frames that can be seen."""
        return self.path_screen[list(VISIBLE)]

    def ending_at(self, facts: Facts, x_screen: int, y_screen: int) -> Flight:
        """Move the whole flight so that its last raw frame shows the ball there.

        Raises:
            ValueError: If the game cannot draw the ball exactly there (Bowling: every other row).
        """
        shift = np.array([x_screen, y_screen]) - self.path_screen[-1]
        scale = np.array([facts.ball.x.scale, facts.ball.y.scale])
        if (shift % np.abs(scale)).any():
            raise ValueError(f"the game cannot draw a ball at {x_screen} {y_screen}")
        units = (shift // scale).astype(np.int64)
        before, after = self.before.astype(np.int64), self.after.astype(np.int64)
        before[:, :2] += units
        after[:, :2] += units
        return replace(
            self,
            before=(before % 256).astype(np.uint8),
            after=(after % 256).astype(np.uint8),
            path_screen=self.path_screen + shift,
        )

    def out_of_sight(self, facts: Facts) -> Flight:
        """The same flight for everything but the eye: the ball's bytes keep it hidden.

        `path_screen` stays, so that whatever goes along with the ball still does.
        """
        hidden = np.array(facts.ball.hidden_ram, np.uint8)
        before, after = self.before.copy(), self.after.copy()
        before[:, :2] = hidden
        after[:, :2] = hidden + (self.after - self.before)[:, :2]
        return replace(self, before=before, after=after)

    def is_straight(self, facts: Facts) -> bool:
        """Whether it keeps to a line, to the pixel, or to the step in which the game can draw."""
        seen = self.path_screen[VISIBLE[0] :]
        line = np.linspace(seen[0], seen[-1], len(seen))
        scale = np.abs([facts.ball.x.scale, facts.ball.y.scale])
        return bool((np.abs(seen - line) <= scale).all())


def ball_addresses(facts: Facts) -> tuple[int, ...]:
    """The bytes that describe the ball: place first, then fractions and velocities."""
    x, y = facts.ball.x, facts.ball.y
    rest = [
        address
        for axis in (x, y)
        for address in (axis.fraction, axis.velocity, axis.velocity_fraction)
        if address is not None
    ]
    return (x.address, y.address, *rest)


def velocity_bytes(axis: Axis, speed_screen: float) -> list[tuple[int, int]]:
    """The bytes (address, value) that make the ball move so, with its fraction of a pixel at 0."""
    written = [] if axis.fraction is None else [(axis.fraction, 0)]
    if axis.velocity is None:
        return written
    units = round(speed_screen * axis.velocity_sign / axis.scale * 256)
    whole, fraction = divmod(units, 256)
    if axis.velocity_fraction is not None:
        written.append((axis.velocity_fraction, fraction))
    elif fraction:
        raise ValueError(f"expected whole pixels a frame, got {speed_screen}")
    return [*written, (axis.velocity, whole % 256)]


def own_flight(facts: Facts, moment: Moment) -> Flight:
    """What the ball did in the moment itself, straight or not."""
    addresses = ball_addresses(facts)
    held = moment.ram[:, list(addresses)]
    path = _path(facts, moment.ram[1:])
    return Flight(addresses, held[:-1], held[1:], path, _mean_velocity(path))


def straight_flight(emulator: Emulator, moment: Moment, velocity: Velocity | None) -> Flight:
    """Record how the emulator moves a ball of that velocity in the moment's sixteen frames.

    Args:
        emulator: Of the moment's game; it is left at the end of the flight.
        moment: Where the other bytes come from.
        velocity: In screen pixels a raw frame; `None` leaves the velocity as it is (and is all
            that can be asked for where no byte holds it).
    """
    facts = facts_of(emulator.game)
    addresses, places = ball_addresses(facts), facts.places
    ball = facts.ball
    start = [
        (ball.x.address, ball.x.byte((places.left + places.right) // 2)),
        (ball.y.address, ball.y.byte((places.top + places.bottom) // 2)),
    ]
    if velocity is not None:
        for axis, speed in zip((ball.x, ball.y), velocity, strict=True):
            start += velocity_bytes(axis, speed)
    emulator.restore(moment.state)
    ram = np.zeros((FLIGHT_FRAMES + 1, 128), np.uint8)
    before = np.zeros((FLIGHT_FRAMES, len(addresses)), np.uint8)
    for k in range(FLIGHT_FRAMES):
        if k <= VISIBLE[0]:  # it waits at the start until it can be seen
            for address, value in start:
                emulator.write(address, value)
        before[k] = emulator.ram()[list(addresses)]
        emulator.act(moment.actions[k // FRAME_SKIP])
        ram[k + 1] = emulator.ram()
    after = ram[1:, list(addresses)]
    path = _path(facts, ram[1:])
    return Flight(addresses, before, after, path, velocity or _mean_velocity(path))


def chase_frames(emulator: Emulator, moment: Moment) -> Bool[np.ndarray, " 16"]:
    """Find out in which raw frames of the moment the game lets the opponent chase the ball.

    Which they are depends on the game's clock alone, so a ball far from the opponent shows them
    all.
    """
    facts = facts_of(emulator.game)
    opponent = facts.opponent
    moved = np.zeros(FLIGHT_FRAMES, bool)
    if opponent is None or opponent.write is None or not opponent.chase:
        return moved
    ball = own_flight(facts, moment)
    emulator.restore(moment.state)
    for k in range(FLIGHT_FRAMES):
        for address, value in zip(ball.addresses, ball.before[k], strict=True):
            emulator.write(address, int(value))
        far = (int(ball.after[k, 1]) + 64) % 256
        emulator.write(opponent.write, far)
        emulator.act(moment.actions[k // FRAME_SKIP])
        moved[k] = emulator.ram()[opponent.moving.address] != far
    return moved


def is_live(facts: Facts, moment: Moment) -> bool:
    """Whether the ball was in play all the time and nothing was won or lost."""
    present = read_ram(facts, moment.ram).ball_present
    if facts.ball.rolling_ram is not None:
        address, value = facts.ball.rolling_ram
        present = present & (moment.ram[:, address] == value)
    return not moment.rewarded and bool(present.all())


def _mean_velocity(path_screen: Float64[np.ndarray, "16 2"]) -> Velocity:
    x, y = (path_screen[-1] - path_screen[VISIBLE[0]]) / FLOWN
    return float(x), float(y)


def _path(facts: Facts, ram: UInt8[np.ndarray, "k 128"]) -> Float64[np.ndarray, "k 2"]:
    return np.stack([screen(facts.ball.x, ram), screen(facts.ball.y, ram)], axis=1)
