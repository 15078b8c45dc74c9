"""Plain consoles stepped together, for a policy that sees pictures and a reader who wants the RAM.

ALE's vector environment neither gives the RAM nor takes a saved state. These consoles do both, and
show the same pictures, bit for bit. Idle frames and stickiness are drawn by whoever plays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from analysis.networks import OUTPUTS, Network, Observations, responses
from analysis.scores import Policy
from analysis.worth.rollouts import LIMIT, STICKY, Outcome
from envs.catch import CatchState, CatchVecEnv, draw
from envs.emulator import Emulator, from_bytes, shrink
from envs.games import FRAME_SKIP, INPUT_SIZE, STACK, Game
from envs.positions import Positions, read

Who = Int64[np.ndarray, " m"]
"""Numbers of the consoles that are meant."""


@dataclass(frozen=True)
class Happened:
    """One agent step; one entry for each console that was stepped.

    Attributes:
        rewards: Raw.
        lost: Whether a life was lost.
        over: Whether the game ended.
    """

    rewards: Float64[np.ndarray, " m"]
    lost: Bool[np.ndarray, " m"]
    over: Bool[np.ndarray, " m"]


@runtime_checkable
class Consoles(Protocol):
    """Consoles of one game.

    Attributes:
        game: What is played.
        stacks: What each shows, as a network input.
    """

    game: Game
    stacks: Observations

    def begin(self, number: int, rng: np.random.Generator, noop_max: int) -> int:
        """Begin a game; return how many idle frames, 0 to `noop_max`, it began with."""
        ...

    def resume(
        self, number: int, state: UInt8[np.ndarray, " size"], stack: UInt8[np.ndarray, "4 84 84"]
    ) -> None:
        """Go on from a saved state that shows this."""
        ...

    def step(
        self, who: Who, actions: Int64[np.ndarray, " m"], repeated: Bool[np.ndarray, "m 4"]
    ) -> Happened:
        """Play one agent step on the named ones.

        Args:
            who: Numbers, each once.
            actions: What is chosen.
            repeated: In which frames the last action is played again instead.
        """
        ...

    def positions(self, who: Who) -> Positions:
        """Say where everything is, on the named ones."""
        ...


def consoles(game: Game, count: int) -> Consoles:
    """Return that many consoles of a game."""
    return CatchConsoles(game, count) if game.rom is None else AtariConsoles(game, count)


class AtariConsoles:
    """See `Consoles`; states are from `envs.emulator.to_bytes`."""

    def __init__(self, game: Game, count: int) -> None:
        self.game = game
        self.stacks = np.zeros((count, STACK, INPUT_SIZE, INPUT_SIZE), np.uint8)
        self._emulators = [Emulator(game, seed=0) for _ in range(count)]
        self._held = [0] * count

    def begin(self, number: int, rng: np.random.Generator, noop_max: int) -> int:
        """Begin a game; return how many idle frames it began with."""
        emulator = self._emulators[number]
        emulator.reset()
        idle = int(rng.integers(noop_max + 1))
        for _ in range(idle):
            emulator.act(0)
        self.stacks[number] = 0
        self.stacks[number, -1] = shrink(emulator.grey())
        self._held[number] = 0
        return idle

    def resume(
        self, number: int, state: UInt8[np.ndarray, " size"], stack: UInt8[np.ndarray, "4 84 84"]
    ) -> None:
        """Go on from a saved state; nothing was pressed before."""
        self._emulators[number].restore(from_bytes(state))
        self.stacks[number] = stack
        self._held[number] = 0

    def step(
        self, who: Who, actions: Int64[np.ndarray, " m"], repeated: Bool[np.ndarray, "m 4"]
    ) -> Happened:
        """Play one agent step on the named ones; see `Consoles.step`."""
        rewards, lost, over = np.zeros(len(who)), np.zeros(len(who), bool), np.zeros(len(who), bool)
        for k, (i, action) in enumerate(zip(who.tolist(), actions.tolist(), strict=True)):
            emulator = self._emulators[i]
            lives, before = emulator.lives, None
            for frame, again in enumerate(repeated[k].tolist()):
                if not again:
                    self._held[i] = action
                rewards[k] += emulator.act(self._held[i])
                if emulator.over():
                    over[k] = True
                    break
                if frame == FRAME_SKIP - 2:
                    before = emulator.grey()
            lost[k] = emulator.lives != lives
            now = emulator.grey()
            self.stacks[i, :-1] = self.stacks[i, 1:].copy()
            self.stacks[i, -1] = shrink(now if before is None else np.maximum(before, now))
        return Happened(rewards, lost, over)

    def positions(self, who: Who) -> Positions:
        """Say where everything is, on the named ones."""
        return read(self.game, np.stack([self._emulators[i].ram() for i in who.tolist()]))


class CatchConsoles:
    """See `Consoles`; states are from `catch_bytes`. Nothing is ever repeated."""

    def __init__(self, game: Game, count: int) -> None:
        self.game = game
        self.stacks = np.zeros((count, STACK, INPUT_SIZE, INPUT_SIZE), np.uint8)
        self._env = CatchVecEnv(game, count, seed=0)
        self._env.reset()

    def begin(self, number: int, rng: np.random.Generator, noop_max: int) -> int:
        """Begin a game; there are no idle frames."""
        game = CatchVecEnv(self.game, 1, seed=0)
        self.stacks[number] = game.reset([int(rng.integers(2**31))])[0]
        self._put(number, game.state)
        return 0

    def resume(
        self, number: int, state: UInt8[np.ndarray, " size"], stack: UInt8[np.ndarray, "4 84 84"]
    ) -> None:
        """Go on from a saved state."""
        held = state.view(np.int64)[:, None]
        self._put(number, CatchState(held[0], held[1], held[2], held[3]))
        self.stacks[number] = stack

    def step(
        self, who: Who, actions: Int64[np.ndarray, " m"], repeated: Bool[np.ndarray, "m 4"]
    ) -> Happened:
        """Play one agent step on the named ones; see `Consoles.step`."""
        # All are stepped; those not named are at rest, and nobody looks at them again.
        everyone = np.zeros(len(self.stacks), np.int64)
        everyone[who] = actions
        self._env.step_async(everyone)
        _, rewards, dones, _ = self._env.step_wait()
        self.stacks[who, :-1] = self.stacks[who, 1:]
        self.stacks[who, -1] = draw(self._env.state)[who]
        return Happened(rewards[who].astype(np.float64), np.zeros(len(who), bool), dones[who])

    def positions(self, who: Who) -> Positions:
        """Say where everything is, on the named ones."""
        state = self._env.state
        return read(
            self.game,
            CatchState(
                state.ball_x_84[who],
                state.ball_y_84[who],
                state.velocity_x_84[who],
                state.paddle_x_84[who],
            ),
        )

    def _put(self, number: int, state: CatchState) -> None:
        held = self._env.state
        held.ball_x_84[number] = state.ball_x_84[0]
        held.ball_y_84[number] = state.ball_y_84[0]
        held.velocity_x_84[number] = state.velocity_x_84[0]
        held.paddle_x_84[number] = state.paddle_x_84[0]


def catch_bytes(state: CatchState) -> UInt8[np.ndarray, "n size"]:
    """Write states of Catch as rows of bytes."""
    columns = (state.ball_x_84, state.ball_y_84, state.velocity_x_84, state.paddle_x_84)
    return np.stack(columns, axis=1).astype(np.int64).view(np.uint8)


Choose = Callable[[Observations, Positions], Int64[np.ndarray, " m"]]
"""What to do on each console, from what it shows and from where everything is."""


def play_on_together(
    on: Consoles,
    states: UInt8[np.ndarray, "n size"],
    observations: Observations,
    choose: Choose,
    rng: np.random.Generator,
    *,
    limit: int = LIMIT,
    sticky: float = STICKY,
) -> list[Outcome]:
    """Play from each state until the next point or lost life, many at a time.

    As `analysis.worth.rollouts.play_on`, for a policy that sees pictures; whoever is done makes
    room for the next.

    Args:
        on: As many consoles as are to be stepped together.
        states: As they take them.
        observations: What each state shows.
        choose: The policy.
        rng: Of the stickiness.
        limit: Agent steps.
        sticky: Probability of a repeated action, each frame.
    """
    waiting = iter(range(len(states)))
    playing = np.full(len(on.stacks), -1)
    steps = np.zeros(len(on.stacks), np.int64)
    ended: dict[int, Outcome] = {}

    def next_in(number: int) -> None:
        playing[number], steps[number] = next(waiting, -1), 0
        if playing[number] >= 0:
            on.resume(number, states[playing[number]], observations[playing[number]])

    for number in range(len(playing)):
        next_in(number)
    while len(who := np.flatnonzero(playing >= 0)):
        actions = choose(on.stacks[who], on.positions(who))
        happened = on.step(who, actions, rng.random((len(who), FRAME_SKIP)) < sticky)
        steps[who] += 1
        decided = (happened.rewards != 0) | happened.lost | happened.over
        for k in np.flatnonzero(decided | (steps[who] >= limit)):
            number = int(who[k])
            ended[int(playing[number])] = Outcome(
                int(np.sign(happened.rewards[k])), int(steps[number]), bool(decided[k])
            )
            next_in(number)
    return [ended[i] for i in range(len(states))]


def greedy(network: Network) -> Policy:
    """Return the policy that takes the action of the greatest output, but a share at random."""

    def act(
        observations: UInt8[np.ndarray, "n 4 84 84"], epsilon: float, rng: np.random.Generator
    ) -> np.ndarray:
        values = responses(network, observations, (OUTPUTS,))[OUTPUTS]
        n, outputs = values.shape
        explores, actions = rng.random(n) < epsilon, rng.integers(outputs, size=n)
        return np.where(explores, actions, values.argmax(axis=1))

    return act
