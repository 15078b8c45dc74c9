"""Playing on from a saved state until the next point: what a state is worth under a policy.

Stickiness is drawn here and not by the emulator. So a rollout is a function of state, policy and
generator alone, whatever was played on the same emulator before: ALE's saved states hold neither
its generator nor the action that it may repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from envs.emulator import Emulator, from_bytes
from envs.games import FRAME_SKIP, Game, find
from envs.policies import SLACK, Choose, lead_screen
from envs.positions import facts_of, read_ram

EPSILON = 0.2
"""Share of uniformly random decisions of the reference policy."""

STICKY = 0.25
"""Probability that the console repeats the last action, each frame (Machado et al. 2018)."""

LIMIT = 400
"""Agent steps (27 s of play) after which nothing has been decided."""


@dataclass(frozen=True)
class Rollout:
    """How it went on.

    Attributes:
        reward: Sign of the next point; for a lost life, and if nothing was decided, 0.
        steps: Agent steps up to there, at least 1.
        decided: Whether there was a point or a lost life within the limit.
    """

    reward: float
    steps: int
    decided: bool


def play_on(
    emulator: Emulator,
    state: UInt8[np.ndarray, " size"],
    choose: Choose,
    rng: np.random.Generator,
    *,
    limit: int = LIMIT,
    sticky: float = STICKY,
) -> Rollout:
    """Play from a saved state until the next point or lost life.

    The first frame always plays what was chosen: what was pressed before the state is not known.

    Args:
        emulator: Of the state's game, itself not sticky; its state is overwritten.
        state: From `envs.emulator.to_bytes`.
        choose: From RAM to the index of an action.
        rng: Of the stickiness.
        limit: Agent steps.
        sticky: Probability of a repeated action, each frame, in [0, 1].
    """
    emulator.restore(from_bytes(state))
    lives, held = emulator.lives, -1
    for step in range(1, limit + 1):
        action = choose(emulator.ram())
        for repeated in (rng.random(FRAME_SKIP) < sticky).tolist():
            if held < 0 or not repeated:
                held = action
            if reward := emulator.act(held):
                return Rollout(float(np.sign(reward)), step, True)
        if emulator.lives != lives or emulator.over():
            return Rollout(0.0, step, True)
    return Rollout(0.0, limit, False)


def tracker(game: Game, epsilon: float, rng: np.random.Generator) -> Choose:
    """Return the scripted tracker of `envs.policies.track`, erring in a share of its decisions.

    It chooses as `track` does, from tables, since a rollout asks it some hundred times.

    Args:
        game: Whose player moves along with the ball.
        epsilon: Share of uniformly random decisions; 1 is the random policy.
        rng: Of those decisions.

    Raises:
        ValueError: If the game's player cannot follow the ball.
    """
    tables = _tables(game.name)
    facts, actions = facts_of(game), len(game.actions)
    x_address, y_address = facts.ball.x.address, facts.ball.y.address
    ball_address = y_address if facts.player.moves_vertically else x_address
    player_address = facts.player.moving.address

    def choose(ram: UInt8[np.ndarray, " 128"]) -> int:
        if rng.random() < epsilon:
            return int(rng.integers(actions))
        if not tables.present[ram[x_address], ram[y_address]]:
            return tables.serve
        return int(tables.follow[ram[ball_address], ram[player_address]])

    return choose


@dataclass(frozen=True)
class _Tables:
    """What the tracker does, by the bytes it looks at.

    Attributes:
        present: Whether there is a ball, by its x and y byte.
        follow: Index of an action, by the byte of the ball along the paddle's way and that of the
            paddle; anything where no ball can be.
        serve: Index of the action without a ball.
    """

    present: Bool[np.ndarray, "256 256"]
    follow: Int64[np.ndarray, "256 256"]
    serve: int


@lru_cache
def _tables(name: str) -> _Tables:
    game = find(name)
    facts = facts_of(game)
    ball, player, field = facts.ball, facts.player, facts.playfield
    if player.less is None or player.more is None:
        raise ValueError(f"expected a game whose player follows the ball, got {name!r}")
    first, second = (byte.ravel() for byte in np.indices((256, 256)))
    ram = np.zeros((256 * 256, 128), np.uint8)
    ram[:, ball.x.address], ram[:, ball.y.address] = first, second
    present = read_ram(facts, ram).ball_present.reshape(256, 256)
    along, across = (ball.y, ball.x) if player.moves_vertically else (ball.x, ball.y)
    middle = (field.left + field.right, field.top + field.bottom)[not player.moves_vertically] // 2
    ram[:, across.address] = across.byte(middle)
    ram[:, along.address], ram[:, player.moving.address] = first, second
    lead = lead_screen(game, read_ram(facts, ram))
    less, more = (game.actions.index(action) for action in (player.less, player.more))
    follow = np.where(lead < 0, less, more)
    follow[np.abs(lead) <= SLACK] = game.actions.index("NOOP")
    return _Tables(present, follow.reshape(256, 256), game.actions.index("FIRE"))
