"""Whole games, honestly counted; statistics against hand computation and scipy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from agents.settings import EvaluationProtocol
from analysis.scores import (
    HANG_STEPS,
    STATISTICS,
    PlayedGame,
    bootstrap_interval,
    interquartile_mean,
    play,
    probability_of_improvement,
    require_one_protocol,
    summarise,
)
from commandline import BadInput
from envs.games import BREAKOUT, CATCH, FRAME_SKIP, PONG

GREEDY = EvaluationProtocol(epsilon=0.0)


def seed(k: int = 0) -> np.random.SeedSequence:
    return np.random.SeedSequence(k)


def always(action: int):  # type: ignore[no-untyped-def]
    return lambda observations, epsilon, rng: np.full(len(observations), action)


def at_random(n: int):  # type: ignore[no-untyped-def]
    return lambda observations, epsilon, rng: rng.integers(n, size=len(observations))


def test_a_game_that_is_never_fired_hangs_and_is_not_averaged_in() -> None:
    games = play(always(0), BREAKOUT, 2, GREEDY, seed())
    assert all(g.hung and g.length == HANG_STEPS and g.score == 0 for g in games)
    summary = summarise(games, GREEDY, np.random.default_rng(0))
    assert summary["hung"] == summary["games"] == 2
    assert summary["mean"] is None
    assert summary["iqm_interval"] is None


def test_breakout_is_played_over_all_lives() -> None:
    games = play(at_random(4), BREAKOUT, 4, GREEDY, seed(1))
    assert not any(g.hung or g.truncated for g in games)
    assert all(g.length > 80 for g in games), "one life is some 30 steps"
    assert sum(g.score for g in games) > 0


def test_pong_without_fire_does_not_hang() -> None:
    game = play(always(0), PONG, 1, GREEDY, seed(2))[0]
    assert not game.hung
    assert game.score == game.clipped_score == -21


def test_a_protocol_is_what_is_played() -> None:
    """Its fingerprint says so: idle frames and the frame limit are the protocol's, not the game's.

    By always doing the same, games differ by their idle frames alone.
    """
    assert EvaluationProtocol().frame_skip == FRAME_SKIP

    def watched(protocol: EvaluationProtocol) -> tuple[list[PlayedGame], np.ndarray]:
        seen: list[np.ndarray] = []
        games = play(always(0), PONG, 3, protocol, seed(5), lambda o, a, s: seen.append(o.copy()))
        return games, np.stack(seen)

    short = replace(GREEDY, max_frames=400)
    (games, usual), (_, again) = watched(short), watched(short)
    assert all(g.truncated and g.length <= 400 // FRAME_SKIP for g in games)
    assert np.array_equal(usual, again)
    assert not np.array_equal(usual[:, 0], usual[:, 1])
    _, at_once = watched(replace(short, noop_max=0))
    assert np.array_equal(at_once[:, 0], at_once[:, 1])
    assert np.array_equal(at_once[:, 0], at_once[:, 2])
    assert play(always(1), CATCH, 3, short, seed(3)) == play(always(1), CATCH, 3, GREEDY, seed(3))


def test_games_do_not_depend_on_how_many_are_played_beside_them() -> None:
    def watched(n: int) -> list[PlayedGame]:
        return play(always(1), CATCH, n, GREEDY, seed(3))

    assert watched(3) == watched(6)[:3]
    assert len({g.score for g in watched(40)}) == 2, "some are caught by chance, some are not"


def test_the_watcher_sees_every_step_and_the_running_score() -> None:
    seen: list[tuple[tuple[int, ...], float]] = []

    def watch(observations: np.ndarray, actions: np.ndarray, scores: np.ndarray) -> None:
        seen.append((observations.shape, float(scores[0])))

    play(always(0), PONG, 1, GREEDY, seed(4), watch)
    assert {shape for shape, _ in seen} == {(1, 4, 84, 84)}
    scores = [score for _, score in seen]
    assert scores[0] == 0
    assert scores[-1] == -20
    assert sorted(scores, reverse=True) == scores


def test_an_interquartile_mean_is_scipys() -> None:
    for n in (3, 5, 10, 21):
        values = np.random.default_rng(n).normal(size=n)
        assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25))


def test_probability_of_improvement() -> None:
    """By hand with a tie; and as the U statistic has it, with many."""
    assert probability_of_improvement(np.array([1.0, 2]), np.array([2.0, 0])) == (1 + 0.5 + 1) / 4
    assert probability_of_improvement(np.array([0.0]), np.array([0.0, 0])) == 0.5
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 6, n).astype(float) for n in (10, 7))
    u = stats.mannwhitneyu(a, b).statistic
    assert probability_of_improvement(a, b) == pytest.approx(u / 70)
    assert probability_of_improvement(b, a) == pytest.approx(1 - u / 70)


def test_interquartile_mean_by_hand() -> None:
    assert interquartile_mean(np.array([0.0, 1, 2, 100])) == 1.5
    assert interquartile_mean(np.array([5.0, 1, 3])) == 3.0  # too few to leave any out
    assert interquartile_mean(np.arange(8.0)) == 3.5
    assert interquartile_mean(np.array([[0.0, 0, 4, 9], [1, 1, 1, 1]])).tolist() == [2.0, 1.0]


@pytest.mark.parametrize("name", STATISTICS)
def test_bootstrap_intervals_agree_with_scipys(name: str) -> None:
    values = np.random.default_rng(0).normal(3, 2, size=30)
    ours = bootstrap_interval(values.tolist(), STATISTICS[name], np.random.default_rng(1))
    theirs = stats.bootstrap(
        (values,),
        lambda v, axis: STATISTICS[name](np.moveaxis(v, axis, -1)),
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.1)


def test_summary_by_hand() -> None:
    base = PlayedGame(0, 2.0, 1.0, 10, truncated=False, hung=False)
    games = [base, replace(base, number=1, score=4.0), replace(base, number=2, hung=True, score=99)]
    summary = summarise(games, GREEDY, np.random.default_rng(0))
    assert (summary["mean"], summary["median"], summary["iqm"]) == (3.0, 3.0, 3.0)
    assert summary["mean_interval"] == (2.0, 4.0)
    assert (summary["games"], summary["hung"], summary["clipped_mean"]) == (3, 1, 1.0)


def test_scores_of_two_protocols_never_meet() -> None:
    plain, sticky = vars(GREEDY), vars(EvaluationProtocol(epsilon=0.0, sticky=0.25))
    require_one_protocol({"a": plain, "b": dict(plain)})
    with pytest.raises(BadInput, match=r"a and b differ in sticky: 0.0 and 0.25$"):
        require_one_protocol({"a": plain, "b": sticky})
