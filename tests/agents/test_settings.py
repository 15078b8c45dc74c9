"""Settings are data; what does not fit together is refused by name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from agents.settings import (
    BY_GAME,
    NATURE,
    PRESETS,
    EvaluationProtocol,
    Settings,
    check,
    fingerprint,
    resolve,
    training_protocol,
)
from commandline import BadInput


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("game", ["pong", "breakout", "catch"])
def test_every_preset_fits_together(preset: str, game: str) -> None:
    settings = resolve(preset, game)
    check(settings)
    if game != "catch" and preset != "demo":
        assert settings.checkpoint_every >= 25_000, "boundaries favour short games"


def test_overrides_win_and_none_does_not() -> None:
    assert resolve("fast", "catch").steps == BY_GAME["fast", "catch"]["steps"]
    assert resolve("fast", "catch", {"steps": 7, "learning_rate": None}).steps == 7
    assert resolve("fast", "pong", {"learning_rate": 3e-4}).learning_rate == 3e-4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "--steps: expected a whole number of at least 1, got 0"),
        ({"eval_games": -1}, "--eval-games: expected a whole number of at least 1, got -1"),
        ({"readout_every": -1}, "--readout-every: expected a whole number of at least 0, got -1"),
        ({"sticky": 1.5}, r"--sticky: expected a number in \[0, 1\], got 1.5"),
        ({"num_envs": 4, "update_every": 3}, "expected one to divide the other"),
        ({"replay_size": 10}, "--replay-size: expected at least 32, got 10"),
        ({"learning_rate": 0.0}, "--learning-rate: expected a number above 0, got 0.0"),
        ({"learning_rate": float("nan")}, "--learning-rate: expected a number above 0, got nan"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        check(dataclasses.replace(NATURE, **changes))


def test_fingerprints_tell_protocols_apart_and_nothing_else() -> None:
    def of(settings: Settings) -> str:
        return fingerprint(training_protocol(settings))

    same = dataclasses.replace(NATURE, steps=5, learning_rate=1.0, log_every=7, eval_games=3,
                               readout_every=0)  # fmt: skip
    assert of(same) == of(NATURE)
    for change in ({"clip_rewards": False}, {"checkpoint_every": 50_000}, {"update_every": 1},
                   {"precision": "bfloat16"}, {"sticky": 0.25}):  # fmt: skip
        assert of(dataclasses.replace(NATURE, **change)) != of(NATURE), change
    plain, sticky = EvaluationProtocol(), EvaluationProtocol(sticky=0.25)
    assert fingerprint(vars(plain)) != fingerprint(vars(sticky))
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
