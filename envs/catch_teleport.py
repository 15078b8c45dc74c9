"""Catch, teleported: the same question for the game that is drawn rather than emulated.

The paddle does what it did in the saved play; the ball flies straight to any place at any slant.
All places are network pixels: Catch has no other screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from envs.catch import BALL_SIZE, FALL, MAX_SLANT, PADDLE_WIDTH, CatchState, CatchVecEnv, draw
from envs.emulator import Stack
from envs.facts import Box
from envs.games import CATCH, STACK
from envs.policies import EPSILONS
from envs.vector import Observations

PLACES_84 = Box(10, 12, 74, 68)
"""8 × 7 blocks of 8 × 8 network pixels; every slant fits, and the paddle is never touched."""

SLANTS = tuple(range(-MAX_SLANT, MAX_SLANT + 1))
"""Horizontal speeds, network pixels an agent step; the game serves each equally often."""


@dataclass(frozen=True)
class CatchMoment:
    """Four agent steps of one fall.

    Attributes:
        state: After each step, oldest first; entries of its arrays are steps.
        observation: What was seen then.
        episode: Which run of play it comes from.
        score: Mean reward of that run up to here.
    """

    state: CatchState
    observation: Stack
    episode: int
    score: float


def play(rng: np.random.Generator) -> Iterator[tuple[CatchState, Stack, float]]:
    """Play for ever by the mixed policy; hand out state, observation and the sum of rewards."""
    env = CatchVecEnv(CATCH, 1, seed=int(rng.integers(2**31)))
    observation: Observations = env.reset()
    score = 0.0
    epsilon = float(rng.choice(EPSILONS))
    while True:
        now = env.state
        yield joined([now]), observation[0].copy(), score
        ahead = int(now.ball_x_84[0] + 1 - now.paddle_x_84[0] - PADDLE_WIDTH // 2)
        action = int(rng.integers(3))
        if rng.random() >= epsilon:
            action = 0 if abs(ahead) <= 2 else 1 if ahead < 0 else 2
        env.step_async(np.array([action]))
        seen, rewards, dones, _ = env.step_wait()
        observation = np.asarray(seen)
        score += float(rewards[0])
        if dones[0]:
            epsilon = float(rng.choice(EPSILONS))


def moments(rng: np.random.Generator, episode: int = 0) -> Iterator[CatchMoment]:
    """Hand out one moment of each fall, at a random height."""
    fall: list[tuple[CatchState, Stack, float]] = []
    for step in play(rng):
        if fall and step[0].ball_y_84[0] < fall[-1][0].ball_y_84[0]:
            end = int(rng.integers(STACK, len(fall) + 1))
            chosen = fall[end - STACK : end]
            yield CatchMoment(joined([s for s, _, _ in chosen]), chosen[-1][1], episode, step[2])
            fall = []
        fall.append(step)


def joined(states: list[CatchState]) -> CatchState:
    """Put states one after another."""
    return CatchState(
        np.concatenate([s.ball_x_84 for s in states]),
        np.concatenate([s.ball_y_84 for s in states]),
        np.concatenate([s.velocity_x_84 for s in states]),
        np.concatenate([s.paddle_x_84 for s in states]),
    )


def newest(states: list[CatchState]) -> CatchState:
    """Keep the last entry of each."""
    return CatchState(
        np.array([s.ball_x_84[-1] for s in states]),
        np.array([s.ball_y_84[-1] for s in states]),
        np.array([s.velocity_x_84[-1] for s in states]),
        np.array([s.paddle_x_84[-1] for s in states]),
    )


def teleported(
    moment: CatchMoment, velocity_x_84: int, place_84: tuple[int, int]
) -> tuple[Stack, CatchState]:
    """Let the ball end at a place.

    Args:
        moment: Where the paddle is in each step.
        velocity_x_84: Network pixels an agent step.
        place_84: x and y of the ball's corner in the newest frame.

    Returns:
        The network input, and the state of each of its four frames.
    """
    ago = np.arange(STACK - 1, -1, -1)
    x, y = place_84
    state = CatchState(
        ball_x_84=x - velocity_x_84 * ago,
        ball_y_84=y - FALL * ago,
        velocity_x_84=np.full(STACK, velocity_x_84),
        paddle_x_84=moment.state.paddle_x_84,
    )
    return draw(state), state


def without_ball(observation: Stack, state: CatchState) -> Stack:
    """Paint the ball over, frame by frame."""
    clean = observation.copy()
    for frame, x, y in zip(clean, state.ball_x_84, state.ball_y_84, strict=True):
        frame[y : y + BALL_SIZE, x : x + BALL_SIZE] = 0
    return clean


def places_84() -> Int64[np.ndarray, "n 2"]:
    """Every place at which a teleported ball may end."""
    box = PLACES_84
    x, y = np.meshgrid(np.arange(box.left, box.right), np.arange(box.top, box.bottom))
    return np.stack([x.ravel(), y.ravel()], axis=1)
