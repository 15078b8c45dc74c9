"""Reward by ball position in the agent's own games: where the ball was, and what it led to.

Cells of 8 × 8 screen pixels (in Catch network pixels) by the direction of flight. Two numbers
apart: the raw return until the next point or lost life, undiscounted, and the immediate reward,
which by itself only marks the line where points are made. Both are averages over what the agent
met, not over what was set: the do-map (`analysis.worth.do_maps`) is beside them for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from statistics import NormalDist

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64, Int64

from agents.settings import EvaluationProtocol
from analysis.networks import Network
from analysis.readings import Measured
from analysis.scores import HANG_STEPS, Policy
from analysis.verdicts.student import reach
from analysis.worth.do_maps import DoMap
from analysis.worth.lockstep import consoles, greedy
from analysis.worth.value_maps import pearson, spearman
from envs.games import FRAME_SKIP, Game, find
from envs.positions import X_84, Y_84

CELL = 8
"""Side of a cell: screen pixels; in Catch network pixels, since it has no other."""

LEAST = 20
"""A cell that fewer games than this have visited stays blank."""

GAMES = 30
"""Games played, unless told; a game of Atari lasts some thousand agent steps."""

GAMES_CATCH = 2_000
"""Likewise for Catch, where a game is one ball and visits some ten cells."""

RESAMPLES = 1_000
"""Bootstrap resamples of an interval."""

QUANTITIES = ("return", "reward")
"""Until the next point or lost life; at once."""


@dataclass(frozen=True)
class Visits:
    """Agent steps at which there was a ball, in any order.

    Attributes:
        game: Which game played it is from.
        ball_x_screen: Left edge of the ball when the agent decided.
        ball_y_screen: Upper edge.
        velocity_x_screen: Screen pixels a raw frame.
        velocity_y_screen: Likewise, down.
        reward: Raw reward of the step.
        back: Raw reward of the next step, this one included, with a point or a lost life, 0 at a
            mere lost life; NaN if the game was cut off before.
    """

    game: Int64[np.ndarray, " n"]
    ball_x_screen: Float64[np.ndarray, " n"]
    ball_y_screen: Float64[np.ndarray, " n"]
    velocity_x_screen: Float64[np.ndarray, " n"]
    velocity_y_screen: Float64[np.ndarray, " n"]
    reward: Float64[np.ndarray, " n"]
    back: Float64[np.ndarray, " n"]


def ball_rewards(
    network: Network,
    game: Game,
    rng: np.random.Generator,
    *,
    games: int | None = None,
    protocol: EvaluationProtocol | None = None,
    maps: Iterable[DoMap] = (),
) -> Measured:
    """Let a network play whole games and say what the ball's place led to.

    Args:
        network: With an output for each action; it takes the greatest, but for epsilon.
        game: What is played.
        rng: Of the games, and of the intervals.
        games: How many; 30, or 2,000 of Catch.
        protocol: Epsilon, stickiness, idle frames and the frame limit; as agents are scored.
        maps: do-maps of the game to correlate with; each is looked at once, after the games.

    Returns:
        A line for each cell, direction, quantity and statistic (`mean`, `low`, `high`: a 95 %
        interval over games; `visits`, `games`), and for each map, named by `arm` and `policy`, and
        each quantity `spearman`, `pearson` and the number of `cells` that both have. No verdict
        hangs on them.
    """
    played = GAMES_CATCH if game.rom is None else GAMES
    visits = record(greedy(network), game, games or played, protocol or EvaluationProtocol(), rng)
    cells = by_cell(visits, game, rng)
    table = cells.melt(["direction", "cell_x_screen", "cell_y_screen", "quantity"], var_name="what")
    beside = [
        {"quantity": quantity, "what": what, "arm": of.arm, "policy": of.policy, "value": value}
        for of in maps
        for quantity in QUANTITIES
        for what, value in agreement(cells[cells["quantity"] == quantity], of).items()
    ]
    return Measured(pd.concat([table, pd.DataFrame(beside)], ignore_index=True))


def record(
    policy: Policy,
    game: Game,
    games: int,
    protocol: EvaluationProtocol,
    rng: np.random.Generator,
) -> Visits:
    """Play whole games, each to its end, and note where the ball was.

    The protocol is that of `analysis.scores.play`, on consoles whose memory can be read, so the
    games are others than those scored. One that stands still for want of FIRE is cut off.

    Args:
        policy: Chooses the actions.
        game: What is played.
        games: How many, at least 1.
        protocol: As agents are scored.
        rng: Of everything.
    """
    on = consoles(game, games)
    frames = np.array([on.begin(i, rng, protocol.noop_max) for i in range(games)])
    fire = [i for i, meaning in enumerate(game.actions) if "FIRE" in meaning]
    idle, who = np.zeros(games, np.int64), np.arange(games)
    parts: list[pd.DataFrame] = []
    while len(who):
        seen = on.positions(who)
        actions = np.asarray(policy(on.stacks[who], protocol.epsilon, rng), np.int64)
        happened = on.step(who, actions, rng.random((len(who), FRAME_SKIP)) < protocol.sticky)
        event = (happened.rewards != 0) | happened.lost | happened.over
        parts.append(
            pd.DataFrame(
                {
                    "game": who,
                    "ball_x_screen": seen.ball_x_screen,
                    "ball_y_screen": seen.ball_y_screen,
                    "velocity_x_screen": seen.ball_velocity_x_screen,
                    "velocity_y_screen": seen.ball_velocity_y_screen,
                    "reward": happened.rewards,
                    "back": np.where(event, happened.rewards, np.nan),
                    "present": seen.ball_present,
                }
            )
        )
        frames[who] += FRAME_SKIP
        idle[who] += 1
        idle[who[event | np.isin(actions, fire)]] = 0
        hung = (idle[who] >= HANG_STEPS) & game.needs_fire
        who = who[~(happened.over | hung | (frames[who] >= protocol.max_frames))]
    steps = pd.concat(parts, ignore_index=True)
    steps["back"] = steps.groupby("game")["back"].bfill()
    there = steps[steps["present"]]
    return Visits(**{f.name: there[f.name].to_numpy() for f in fields(Visits)})


def by_cell(visits: Visits, game: Game, rng: np.random.Generator) -> pd.DataFrame:
    """Average by cell and direction, with intervals over games.

    A mean is the sum over all visits by their number. Its interval is a percentile bootstrap of
    whole games, its percentiles moved outwards so that it is as wide as a t interval over as many
    games as visited the cell (Hesterberg 2015, The American Statistician 69(4), "expanded").

    Args:
        visits: From `record`.
        game: What was played.
        rng: Of the resampling.

    Returns:
        A line for each cell, direction and quantity: `mean`, `low`, `high` (NaN under 20 games),
        `visits`, `games`.
    """
    tables = []
    labels = _labels(visits, game)
    for quantity, values in zip(QUANTITIES, (visits.back, visits.reward), strict=True):
        known = np.isfinite(values)
        found, cell = np.unique(labels[known], axis=0, return_inverse=True)
        numbers, player = np.unique(visits.game[known], return_inverse=True)
        sums, counts = (
            np.bincount(
                player * len(found) + cell, weights=weights, minlength=len(numbers) * len(found)
            ).reshape(len(numbers), len(found))
            for weights in (values[known], None)
        )
        games = (counts > 0).sum(axis=0)
        low, high = _interval(sums, counts.astype(np.float64), games, rng)
        mean = sums.sum(axis=0) / counts.sum(axis=0)
        blank = games < LEAST
        tables.append(
            pd.DataFrame(
                {
                    "direction": [direction(dx, dy) for dx, dy in found[:, 2:]],
                    "cell_x_screen": found[:, 0],
                    "cell_y_screen": found[:, 1],
                    "quantity": quantity,
                    "mean": np.where(blank, np.nan, mean),
                    "low": np.where(blank, np.nan, low),
                    "high": np.where(blank, np.nan, high),
                    "visits": counts.sum(axis=0),
                    "games": games,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def direction(velocity_x_screen: float, velocity_y_screen: float) -> str:
    """Name the direction of a flight: `left up`, `straight down`, `right level`."""
    across = ("straight", "right", "left")[int(np.sign(velocity_x_screen))]
    return f"{across} {('level', 'down', 'up')[int(np.sign(velocity_y_screen))]}"


def agreement(cells: pd.DataFrame, of: DoMap) -> dict[str, float]:
    """Correlate a map of one quantity with a do-map, over the cells that both have.

    A cell of the do-map is the mean over all its places in the cell and all its velocities in the
    direction.

    Args:
        cells: Lines of one quantity from `by_cell`.
        of: A do-map of the same game.
    """
    width, height = cell_size_screen(find(of.game))
    x, y = (
        np.floor(place / side + EDGE) * side
        for place, side in zip(of.places_screen.T, (width, height), strict=True)
    )
    worth = pd.concat(
        pd.DataFrame(
            {"direction": direction(*v), "cell_x_screen": x, "cell_y_screen": y, "worth": row}
        )
        for v, row in zip(of.velocities_screen.tolist(), of.worth, strict=True)
    )
    keys = ["direction", "cell_x_screen", "cell_y_screen"]
    both = cells.dropna(subset=["mean"]).merge(worth.groupby(keys).mean().reset_index(), on=keys)
    found: dict[str, float] = {"cells": float(len(both))}
    a, b = both["mean"].to_numpy(np.float64), both["worth"].to_numpy(np.float64)
    for name, measure in (("spearman", spearman), ("pearson", pearson)):
        found[name] = measure(a, b) if len(both) > 2 else math.nan
    return found


EDGE = 1e-9
"""Cells: places of Catch, turned into screen pixels, may fall short of the edge they lie on."""


def cell_size_screen(game: Game) -> tuple[float, float]:
    """Return width and height of a cell, screen pixels."""
    return (CELL / X_84, CELL / Y_84) if game.rom is None else (float(CELL), float(CELL))


def _labels(visits: Visits, game: Game) -> Float64[np.ndarray, "n 4"]:
    """Corner of the cell, and signs of the velocity."""
    width, height = cell_size_screen(game)
    return np.stack(
        [
            np.floor(visits.ball_x_screen / width + EDGE) * width,
            np.floor(visits.ball_y_screen / height + EDGE) * height,
            np.sign(visits.velocity_x_screen),
            np.sign(visits.velocity_y_screen),
        ],
        axis=1,
    )


def _interval(
    sums: Float64[np.ndarray, "games cells"],
    counts: Float64[np.ndarray, "games cells"],
    visiting: Int64[np.ndarray, " cells"],
    rng: np.random.Generator,
) -> tuple[Float64[np.ndarray, " cells"], Float64[np.ndarray, " cells"]]:
    """Return the ends of each cell's 95 % interval; NaN for a cell of one game."""
    games, cells = sums.shape
    times = rng.multinomial(games, np.full(games, 1 / games), size=RESAMPLES).astype(np.float64)
    with np.errstate(invalid="ignore"):
        means = np.sort((times @ sums) / (times @ counts), axis=0)
    drawn = np.isfinite(means).sum(axis=0)
    outward = np.full(cells, np.nan)
    for n in np.unique(visiting[visiting > 1]):
        t = float(reach(0.95, np.array(n - 1.0))) * math.sqrt(n / (n - 1))
        outward[visiting == n] = NormalDist().cdf(-t)
    at = np.nan_to_num(outward) * np.maximum(drawn - 1, 0)
    low, high = np.floor(at).astype(np.int64), np.ceil(np.maximum(drawn - 1, 0) - at).astype(int)
    every = np.arange(cells)
    one: Bool[np.ndarray, " cells"] = np.isnan(outward)
    return np.where(one, np.nan, means[low, every]), np.where(one, np.nan, means[high, every])
