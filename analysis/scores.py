"""Scores of whole games, and how sure one may be of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from jaxtyping import Float, UInt8

import envs
from agents.settings import EvaluationProtocol, fingerprint
from commandline import BadInput
from envs.games import Game

Policy = Callable[[UInt8[np.ndarray, "n 4 84 84"], float, np.random.Generator], np.ndarray]
"""Observations, epsilon, generator → actions `(n,)`; `BallparkDQN.act` is one."""

Watcher = Callable[[UInt8[np.ndarray, "n 4 84 84"], np.ndarray, np.ndarray], None]
"""Sees observations, the actions `(n,)` about to be taken and the raw scores `(n,)` so far."""

HANG_STEPS = 1_000
"""Agent steps (67 s of play) without a FIRE, a point or a lost life after which a game that needs
FIRE counts as hanging: the ball was never launched."""

RESAMPLES = 2_000
"""Bootstrap resamples of an interval."""


@dataclass(frozen=True)
class PlayedGame:
    """One whole game.

    Attributes:
        number: Of the game, from 0.
        score: Raw, unclipped, over all lives.
        clipped_score: Sum of the signs of the rewards.
        length: Agent steps.
        truncated: Cut off by the frame limit rather than ended by its own rules.
        hung: Stood still for want of FIRE; then `score` is what had been reached, and no mean
            includes it.
    """

    number: int
    score: float
    clipped_score: float
    length: int
    truncated: bool
    hung: bool


def play(
    policy: Policy,
    game: Game,
    games: int,
    protocol: EvaluationProtocol,
    seed: np.random.SeedSequence,
    watch: Watcher | None = None,
) -> list[PlayedGame]:
    """Play a fixed number of games, each to its end, one in each of as many environments.

    Taking the first games to finish would favour short ones.

    Args:
        policy: Chooses the actions.
        game: What is played.
        games: How many, at least 1.
        protocol: Epsilon, stickiness, idle frames and the frame limit. Frame skip and whole games
            are what every environment here has.
        seed: Where games and random actions come from.
        watch: Called before every step.

    Returns:
        The games by number.
    """
    env_seed, policy_seed = seed.spawn(2)
    starts = [int(s) for s in env_seed.generate_state(games)]
    env = envs.make(
        game,
        games,
        seed=0,
        sticky=protocol.sticky,
        noop_max=protocol.noop_max,
        max_frames=protocol.max_frames,
        clip_rewards=False,
        life_loss_ends=False,
    )
    rng = np.random.default_rng(policy_seed)
    observations = env.reset(starts)
    played: dict[int, PlayedGame] = {}
    fire = [i for i, meaning in enumerate(game.actions) if "FIRE" in meaning]
    idle = np.zeros(games, np.int64)
    scores, clipped, lengths = np.zeros(games), np.zeros(games), np.zeros(games, np.int64)
    while len(played) < games:
        running = np.array([i not in played for i in range(games)])
        actions = np.zeros(games, np.int64)
        actions[running] = policy(observations[running], protocol.epsilon, rng)
        if watch is not None:
            watch(observations, actions, scores)
        lives = env.lives
        stepped, rewards, dones, infos = env.step(actions)
        observations = cast(np.ndarray, stepped)
        scores, clipped, lengths = scores + rewards, clipped + np.sign(rewards), lengths + 1
        idle += 1
        idle[np.isin(actions, fire) | (rewards != 0) | (env.lives != lives)] = 0
        hung = (idle >= HANG_STEPS) if game.needs_fire else np.zeros(games, bool)
        for i in np.flatnonzero(running & (dones | hung)):
            played[int(i)] = PlayedGame(
                number=int(i),
                score=float(scores[i]),
                clipped_score=float(clipped[i]),
                length=int(lengths[i]),
                truncated=bool(infos[i].get("TimeLimit.truncated", False)),
                hung=not dones[i],
            )
    env.close()
    return [played[i] for i in range(games)]


def interquartile_mean(values: Float[np.ndarray, "... n"]) -> Float[np.ndarray, ...]:
    """Return the mean of the middle half along the last axis (Agarwal et al. 2021).

    The lowest and the highest quarter of the values are left out, rounded down to whole values.
    """
    cut = values.shape[-1] // 4
    middle = np.sort(values, axis=-1)[..., cut : values.shape[-1] - cut]
    mean: Float[np.ndarray, ...] = middle.mean(axis=-1)
    return mean


def probability_of_improvement(of: Float[np.ndarray, " n"], over: Float[np.ndarray, " m"]) -> float:
    """Return how often one of the first is greater than one of the second (Agarwal et al. 2021).

    The mean over all pairs; a tie counts half. .5 if neither is better.
    """
    difference = of[:, None] - over[None]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


STATISTICS: Mapping[str, Callable[..., Any]] = {
    "mean": lambda values: values.mean(axis=-1),
    "median": lambda values: np.median(values, axis=-1),
    "iqm": interquartile_mean,
}
"""What is said of a set of scores; each works along the last axis."""


def bootstrap_interval(
    values: Sequence[float], statistic: Callable[..., Any], rng: np.random.Generator
) -> tuple[float, float]:
    """Return the 95 % percentile-bootstrap interval of a statistic of independent values.

    It is too narrow for few values: over games of one agent only, never over seeds.
    """
    array = np.asarray(values, float)
    draws = rng.integers(len(array), size=(RESAMPLES, len(array)))
    low, high = np.quantile(statistic(array[draws]), [0.025, 0.975])
    return float(low), float(high)


def summarise(
    games: Sequence[PlayedGame], protocol: EvaluationProtocol, rng: np.random.Generator
) -> dict[str, Any]:
    """Return what `scores.json` says of one agent's games.

    Games that hung are counted and not averaged in; the statistics are `None` if all did.
    """
    scores = [g.score for g in games if not g.hung]
    summary: dict[str, Any] = {
        "protocol": vars(protocol),
        "fingerprint": fingerprint(vars(protocol)),
        "games": len(games),
        "hung": sum(g.hung for g in games),
        "truncated": sum(g.truncated for g in games),
        "length_mean": float(np.mean([g.length for g in games])),
        "clipped_mean": float(np.mean([g.clipped_score for g in games if not g.hung]))
        if scores
        else None,
    }
    for name, statistic in STATISTICS.items():
        summary[name] = float(statistic(np.asarray(scores))) if scores else None
        summary[f"{name}_interval"] = (
            bootstrap_interval(scores, statistic, rng) if len(scores) > 1 else None
        )
    return summary


def require_one_protocol(protocols: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse to show scores together that were not made alike.

    Args:
        protocols: By run, the settings that have to agree.

    Raises:
        BadInput: Naming two runs and every setting in which they differ.
    """
    named = list(protocols.items())
    for name, protocol in named[1:]:
        first_name, first = named[0]
        keys = sorted(set(first) | set(protocol))
        odd = [k for k in keys if first.get(k) != protocol.get(k)]
        if odd:
            differences = "; ".join(f"{k}: {first.get(k)} and {protocol.get(k)}" for k in odd)
            raise BadInput(
                f"expected scores of one protocol, got two: {first_name} and {name} differ in "
                f"{differences}"
            )
