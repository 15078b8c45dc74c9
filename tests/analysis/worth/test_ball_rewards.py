"""Where the ball was in an agent's own games, and what it led to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from agents.settings import EvaluationProtocol
from analysis.networks import build
from analysis.scores import Policy
from analysis.worth.ball_rewards import Visits, agreement, ball_rewards, by_cell, direction, record
from analysis.worth.do_maps import DoMap, do_map
from analysis.worth.do_scenes import DoSettings
from envs.games import BREAKOUT, CATCH, PONG, Game

RNG = np.random.default_rng
PROTOCOL = EvaluationProtocol()


def visits(game: np.ndarray, x: np.ndarray, back: np.ndarray) -> Visits:
    """Balls at y = 100, flying right and up."""
    n = len(game)
    return Visits(
        game=game,
        ball_x_screen=x,
        ball_y_screen=np.full(n, 100.0),
        velocity_x_screen=np.ones(n),
        velocity_y_screen=np.full(n, -1.0),
        reward=np.zeros(n),
        back=back,
    )


def chance(game: Game) -> Policy:
    def act(observations: np.ndarray, epsilon: float, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(len(game.actions), size=len(observations))

    return act


def test_intervals_over_games_cover() -> None:
    """Games differ, visits within a game do not: 25 games count, not their 250 visits."""
    cells, games, each = 400, 25, 10
    rng, truth = RNG(0), 0.3
    luck = truth + rng.normal(0, 0.5, (games, cells))
    number = np.repeat(np.arange(games), cells * each)
    x = np.tile(np.repeat(np.arange(cells) * 8.0, each), games)
    back = np.repeat(luck.ravel(), each) + rng.normal(0, 0.1, games * cells * each)
    found = by_cell(visits(number, x, back), PONG, rng)
    found = found[found["quantity"] == "return"]
    assert len(found) == cells
    assert (found["visits"] == games * each).all()
    covered = (found["low"] <= truth) & (truth <= found["high"])
    assert 0.92 <= covered.mean() <= 0.98
    by_visit = 1.96 * np.hypot(0.5, 0.1) / np.sqrt(games * each)
    assert (found["high"] - found["low"]).mean() > 3 * by_visit


def test_means_by_hand_and_blank_cells() -> None:
    """A game that visits often counts often; 19 games are too few."""
    number = np.concatenate([np.arange(20), np.zeros(5, int), np.arange(19)])
    x = np.concatenate([np.full(25, 40.0), np.full(19, 48.0)])
    back = np.concatenate([np.zeros(20), np.full(5, 1.0), np.ones(19)])
    found = by_cell(visits(number, x, back), PONG, RNG(0)).set_index(["quantity", "cell_x_screen"])
    full, few = found.loc[("return", 40.0)], found.loc[("return", 48.0)]
    assert full["mean"] == pytest.approx(5 / 25)
    assert full["low"] <= full["mean"] <= full["high"]
    assert (full["visits"], full["games"], full["direction"]) == (25, 20, "right up")
    assert few[["mean", "low", "high"]].isna().all()
    assert few["games"] == 19
    assert found.loc[("reward", 40.0)]["mean"] == 0


def test_steps_without_an_end_do_not_count() -> None:
    number = np.repeat(np.arange(20), 2)
    back = np.tile([1.0, np.nan], 20)
    found = by_cell(visits(number, np.full(40, 41.0), back), PONG, RNG(0)).set_index("quantity")
    assert found.loc["return"]["mean"] == 1
    assert found.loc["return"]["visits"] == 20
    assert found.loc["reward"]["visits"] == 40


def test_directions() -> None:
    assert direction(-1.5, 1) == "left down"
    assert direction(2, -1) == "right up"
    assert direction(0, 0) == "straight level"


def test_catch() -> None:
    """One ball a game: it comes back with the sign it will have, and pays in the last step only."""
    seen = record(chance(CATCH), CATCH, 200, PROTOCOL, RNG(0))
    table = pd.DataFrame(vars(seen))
    assert (table.groupby("game").size() == 27).all()
    assert (table.groupby("game")["back"].nunique() == 1).all()
    assert set(table["back"]) == {-1.0, 1.0}
    last = table.groupby("game").tail(1)
    assert (last["reward"] == last["back"]).all()
    assert (table["reward"] != 0).sum() == 200
    assert table["back"].mean() == pytest.approx(CATCH.random_score, abs=0.2)


def test_pong_and_breakout() -> None:
    """Points come where they are made; the return is that of the next event, in raw points."""
    short = replace(PROTOCOL, max_frames=4 * 260)
    seen = record(chance(PONG), PONG, 2, short, RNG(0))
    assert np.isin(seen.back[np.isfinite(seen.back)], [-1, 1]).all()
    assert np.isnan(seen.back).any()  # cut off before the next point
    assert (seen.reward[seen.reward != 0] == seen.back[seen.reward != 0]).all()
    assert seen.ball_x_screen[seen.back == seen.reward].min() > 120  # behind the player's paddle
    assert (seen.ball_y_screen > 28).all()

    seen = record(chance(BREAKOUT), BREAKOUT, 3, PROTOCOL, RNG(0))
    assert set(np.unique(seen.back)) <= {0.0, 1.0, 4.0, 7.0}
    lost = seen.back == 0
    assert lost.any()
    assert (seen.velocity_y_screen[lost] > 0).mean() > 0.9  # it can only be lost on its way down
    again = record(chance(BREAKOUT), BREAKOUT, 3, PROTOCOL, RNG(0))
    assert (again.ball_x_screen == seen.ball_x_screen).all()


def test_never_firing_ends() -> None:
    def wait(observations: np.ndarray, epsilon: float, rng: np.random.Generator) -> np.ndarray:
        return np.zeros(len(observations), np.int64)

    seen = record(wait, BREAKOUT, 1, PROTOCOL, RNG(0))
    assert len(seen.game) == 0


@pytest.fixture(scope="module")
def falling(tmp_path_factory: pytest.TempPathFactory) -> DoMap:
    """One place in every cell of 8 × 8 network pixels."""
    settings = DoSettings("catch", columns=8, rows=7, scenes=4)
    return do_map(settings, workers=1, folder=tmp_path_factory.mktemp("maps"))


def test_agreement_with_a_do_map(falling: DoMap) -> None:
    """Cells whose return is the map's worth correlate fully; other flights do not meet."""
    cells = pd.DataFrame(
        {
            "direction": direction(*falling.velocities_screen[3].tolist()),
            "cell_x_screen": np.tile(np.arange(1, 9) * (8 / 0.525), 7),
            "cell_y_screen": np.repeat(np.arange(2, 9) * (8 / 0.4), 8),
            "mean": falling.worth[2:].mean(axis=0),  # both slants to the right
        }
    )
    found = agreement(cells, falling)
    assert found["cells"] == 56
    assert found["pearson"] == pytest.approx(1)
    assert agreement(cells.assign(mean=-cells["mean"]), falling)["spearman"] == pytest.approx(-1)
    cells.loc[:49, "mean"] = np.nan
    assert agreement(cells, falling)["cells"] == 6
    other = agreement(cells.assign(direction="right up"), falling)
    assert other["cells"] == 0
    assert np.isnan(other["pearson"])


def test_of_a_network(falling: DoMap) -> None:
    measured = ball_rewards(build("gap@0.5", 0, 3), CATCH, RNG(0), games=700, maps=[falling])
    table = measured.table
    assert measured.readings == ()
    means = table[(table["what"] == "mean") & table["value"].notna()]
    assert set(means["quantity"]) == {"return", "reward"}
    assert means["value"].between(-1, 1).all()
    beside = table[table["arm"] == "held"]
    assert set(beside["what"]) == {"cells", "spearman", "pearson"}
    assert (beside[beside["what"] == "cells"]["value"] > 10).all()
