"""A game as it is played, with everything that is worth showing beside it.

Consoles whose memory can be read give picture and ball; the network gives features and values. The
protocol is that of `analysis.scores.play`, the game is another one than those scored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from agents.settings import EvaluationProtocol
from analysis.networks import FEATURES, OUTPUTS, Network, responses
from analysis.worth.lockstep import AtariConsoles, CatchConsoles
from envs.games import FRAME_SKIP, Game

ALONE = np.zeros(1, np.int64)
"""The number of the only console."""


@dataclass(frozen=True)
class Film:
    """Agent steps of one game, or of several in a row where they are short.

    Attributes:
        game: By name.
        pictures: What the player sees when the agent decides: red, green, blue; 210 × 160, and for
            Catch its 84 × 84 network pixels.
        ball_x_screen: Left edge of the ball from RAM; NaN where there is none.
        ball_y_screen: Upper edge.
        features: The last features of the network at that moment.
        q: Value of each action, in discounted clipped reward.
        actions: What was done.
        scores: Raw score before it was done, over all games so far.
        final_score: Raw score in the end.
    """

    game: str
    pictures: UInt8[np.ndarray, "n h w 3"]
    ball_x_screen: Float64[np.ndarray, " n"]
    ball_y_screen: Float64[np.ndarray, " n"]
    features: Float32[np.ndarray, "n p"]
    q: Float32[np.ndarray, "n a"]
    actions: Int64[np.ndarray, " n"]
    scores: Float64[np.ndarray, " n"]
    final_score: float

    def __len__(self) -> int:
        return len(self.actions)


class FilmedAtari(AtariConsoles):
    """One Atari console with its picture in colour."""

    def picture(self) -> UInt8[np.ndarray, "h w 3"]:
        """Return what is on the screen now, 210 × 160."""
        return self._emulators[0].colour()


class FilmedCatch(CatchConsoles):
    """One game of Catch with its picture."""

    def picture(self) -> UInt8[np.ndarray, "h w 3"]:
        """Return what is drawn now, 84 × 84."""
        return np.repeat(self.stacks[0, -1][:, :, None], 3, axis=2)


def film(
    network: Network,
    game: Game,
    rng: np.random.Generator,
    *,
    protocol: EvaluationProtocol,
    steps: int,
    least: int,
) -> Film:
    """Let a network play and keep what happens.

    Args:
        network: With an output for each action; it takes the greatest, but for epsilon.
        game: What is played.
        rng: Of everything.
        protocol: Epsilon, stickiness, idle frames.
        steps: Agent steps after which nothing more is kept.
        least: Games follow each other until there are so many.
    """
    on = FilmedCatch(game, 1) if game.rom is None else FilmedAtari(game, 1)
    kept: list[tuple[object, ...]] = []
    score, over = 0.0, True
    while len(kept) < (least if over else steps):
        if over:
            on.begin(0, rng, protocol.noop_max)
        seen = on.positions(ALONE)
        given = responses(network, on.stacks, (FEATURES, OUTPUTS))
        q = given[OUTPUTS][0]
        explores, random = rng.random() < protocol.epsilon, int(rng.integers(len(q)))
        action = random if explores else int(q.argmax())
        ball = seen.ball_x_screen[0], seen.ball_y_screen[0]
        kept.append((on.picture(), *ball, given[FEATURES].ravel(), q, action, score))
        happened = on.step(ALONE, np.array([action]), rng.random((1, FRAME_SKIP)) < protocol.sticky)
        score, over = score + float(happened.rewards[0]), bool(happened.over[0])
    pictures, x, y, features, values, actions, scores = (
        np.stack([np.asarray(step[k]) for step in kept]) for k in range(7)
    )
    return Film(game.name, pictures, x, y, features, values, actions, scores, score)
