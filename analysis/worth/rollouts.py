"""Playing on from a saved state until the next point: what the state is worth.

The player is a script that follows the ball by what the RAM says, and errs in a share of its
decisions; never an agent of the study. One rollout gives one draw of the *potential reward* G.

    state ──► decide (four frames each, every frame sticky) ──► first reward, or a lost life ──► G
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from ale_py import ALEState
from jaxtyping import UInt8

from commandline import BadInput
from envs.emulator import Emulator, from_bytes
from envs.games import FRAME_SKIP, Game
from envs.policies import SLACK
from envs.positions import facts_of

Policy = Literal["tracker", "random"]
"""Who plays on: the tracker, or uniformly random actions as a second reference."""

POLICIES: tuple[Policy, ...] = get_args(Policy)

EPSILON = 0.2
"""Share of the tracker's decisions that are uniformly random."""

STICKY = 0.25
"""Probability that a raw frame repeats the action before it (Machado et al. 2018)."""

LIMIT = 400
"""Agent steps after which nothing has been decided, and G is 0."""

Follow = Callable[[UInt8[np.ndarray, " 128"]], int]


@dataclass(frozen=True)
class Outcome:
    """How one rollout ended.

    Attributes:
        reward: The draw of G: the sign of the next point; 0 for a lost life and if undecided.
        steps: Agent steps played.
        decided: Whether it ended by itself.
    """

    reward: int
    steps: int
    decided: bool


def can_be_played_on(game: Game) -> bool:
    """Whether the game has saved states and a paddle that follows the ball."""
    return game.facts is not None and game.facts.player.less is not None


def follower(game: Game) -> Follow:
    """Return `envs.policies.track` on plain numbers: some twenty times as fast, action by action.

    Raises:
        BadInput: If the player does not move along with the ball, or there is no RAM to read.
    """
    if not can_be_played_on(game):
        raise BadInput(f"expected a game whose paddle follows the ball, got {game.name!r}")
    facts = facts_of(game)
    ball, player, field = facts.ball, facts.player, facts.playfield
    assert player.less is not None
    assert player.more is not None
    stay, serve, less, more = (
        game.actions.index(name) for name in ("NOOP", "FIRE", player.less, player.more)
    )
    down, paddle = player.moves_vertically, player.moving
    centre = ((ball.height - player.height) if down else (ball.width - player.width)) / 2
    if max(abs(axis.scale) for axis in (ball.x, ball.y, paddle)) != 1:
        raise BadInput(f"expected a unit of RAM to be a pixel, got {game.name!r}")

    def follow(ram: UInt8[np.ndarray, " 128"]) -> int:
        x_ram, y_ram = int(ram[ball.x.address]), int(ram[ball.y.address])
        x_screen, y_screen = x_ram + ball.x.offset, y_ram + ball.y.offset
        seen = (
            field.left - ball.width < x_screen < field.right
            and field.top - ball.height < y_screen < field.bottom
        )
        if not seen or y_ram == ball.absent_y_ram:
            return serve
        at_screen = int(ram[paddle.address]) + paddle.offset
        lead = (y_screen if down else x_screen) - at_screen + centre
        if abs(lead) <= SLACK:
            return stay
        return less if lead < 0 else more

    return follow


def play_on(
    emulator: Emulator, state: ALEState, follow: Follow, epsilon: float, rng: np.random.Generator
) -> Outcome:
    """Play on until something is won or lost.

    Stickiness is drawn here, from the rollout's own generator, and the emulator has none: a saved
    state holds no generator of the emulator's, so two rollouts from one state would otherwise
    depend on what was played in between. Before the first frame nothing was pressed.

    Args:
        emulator: Of the state's game, without stickiness of its own.
        state: Where to begin.
        follow: From `follower`.
        epsilon: Share of random decisions; 1 for the random policy.
        rng: The only source of chance.
    """
    erring = (rng.random(LIMIT) < epsilon).tolist()
    random_action = rng.integers(len(emulator.actions), size=LIMIT).tolist()
    sticking = (rng.random((LIMIT, FRAME_SKIP)) < STICKY).tolist()
    emulator.restore(state)
    lives, pressed = emulator.lives, emulator.game.actions.index("NOOP")
    for step in range(LIMIT):
        action = random_action[step] if erring[step] else follow(emulator.ram())
        for sticks in sticking[step]:
            pressed = pressed if sticks else action
            reward = emulator.act(pressed)
            if reward or emulator.lives < lives or emulator.over():
                return Outcome(int(np.sign(reward)), step + 1, True)
    return Outcome(0, LIMIT, False)


def rollouts(
    game: Game,
    policy: str,
    states: UInt8[np.ndarray, "m s"],
    chance: np.random.SeedSequence,
) -> dict[str, np.ndarray]:
    """Play on once from each state, each time with a generator of its own.

    Args:
        game: One that can be played on.
        policy: `tracker` or `random`.
        states: As `envs.emulator.to_bytes` writes them; repeated where more draws are wanted.
        chance: Gives each rollout its seed.

    Returns:
        `reward`, `steps` and `decided` of each, as in `Outcome`.

    Raises:
        ValueError: If there is no such policy.
    """
    if policy not in POLICIES:
        raise ValueError(f"expected a policy among {', '.join(POLICIES)}, got {policy!r}")
    epsilon = EPSILON if policy == "tracker" else 1.0
    emulator, follow = Emulator(game, seed=0), follower(game)
    ended = [
        play_on(emulator, from_bytes(state), follow, epsilon, np.random.default_rng(seed))
        for state, seed in zip(states, chance.spawn(len(states)), strict=True)
    ]
    return {
        "reward": np.array([e.reward for e in ended], np.int8),
        "steps": np.array([e.steps for e in ended], np.int16),
        "decided": np.array([e.decided for e in ended], bool),
    }
