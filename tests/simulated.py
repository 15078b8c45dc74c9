"""Simulated studies with known truth, for the tests of verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from analysis.claims import CLAIMS, Finding, decide
from analysis.measurements import Measurement
from analysis.verdicts.rules import Regime

Truth = Mapping[tuple[str, str, str], float]
"""Measure, row and condition → mean over seeds."""


def rng(seed: int = 0) -> np.random.Generator:
    """Return a generator."""
    return np.random.default_rng(seed)


def draw(
    truth: Truth,
    rng: np.random.Generator,
    regime: Regime = "supervised",
    game: str = "pong",
    n: int = 10,
    sd: float = 0.02,
    budget: int = 1000,
) -> list[Measurement]:
    """Draw n seeds of every cell; of pixels and of shifts, `sd` is that of the logarithm."""
    found = []
    for (measure, row, condition), mean in truth.items():
        noise = sd * rng.standard_normal(n)
        by_factor = measure.endswith(("_px", "_4px", "shift"))
        values = mean * np.exp(noise) if by_factor else mean + noise
        found += [
            Measurement(measure, row, seed, regime, game, float(v), condition, budget, "abc")
            for seed, v in enumerate(values)
        ]
    return found


def cells(measure: str, means: Mapping[str, float], condition: str = "") -> Truth:
    """Return the truth about one measure, by row."""
    return {(measure, row, condition): mean for row, mean in means.items()}


def sane(game: str = "pong") -> list[Measurement]:
    """Manipulation checks that pass, and an oracle that foretells the reward."""
    kept = [
        ("blank_r2", "dense_circular_gap", 0.01, ""),
        ("corner_dq", "corner_twin", 0.0, ""),
        ("corner_dq", "corner_half", 0.0, ""),
        ("erased_r2", "raw_pixels", -0.01, ""),
        ("reward_share", "ram_oracle", 0.9, "held"),
        ("reward_share", "ram_oracle", 0.85, "moved"),
    ]
    return [
        Measurement(measure, row, 0, "supervised", game, value, condition)
        for measure, row, value, condition in kept
    ]


def on(part: str, measurements: Iterable[Measurement]) -> Finding:
    """Return the finding on a part in the game that decides; on its first regime, of several."""
    claims = [c for c in CLAIMS if c.primary or any(p.id == part for p in c.parts)]
    found = decide(measurements, claims)
    return next(f for f in found if f.part.id == part and not f.replication)


def replaced(
    measurements: Iterable[Measurement], measure: str, row: str, by: Iterable[Measurement] = ()
) -> list[Measurement]:
    """Return the measurements without those of a measure and row, and with others instead."""
    return [m for m in measurements if (m.measure, m.row) != (measure, row)] + list(by)


WHERE_ROWS = ("nature", "half_max", "half_avg", "gap", "gmp", "gap_wide", "gap_learned", "sort")


def where_study(
    rng: np.random.Generator,
    jnd: Mapping[str, float],
    n: int = 10,
    sd: float = 0.1,
) -> list[Measurement]:
    """Return a whole study of claim 1: JND by row (4 px if not named), R², gains and checks."""
    r2 = dict.fromkeys(WHERE_ROWS, 0.9) | {"gap": 0.4, "gmp": 0.5, "sort": 0.3}
    return [
        *sane(),
        *draw(cells("jnd_px", dict.fromkeys(WHERE_ROWS, 4.0) | jnd, "held"), rng, n=n, sd=sd),
        *draw(cells("where_r2", r2, "held"), rng, n=n),
        *draw(cells("where_gain", dict.fromkeys(WHERE_ROWS, 0.0)), rng, n=n, sd=0.001),
    ]


def play_study(
    rng: np.random.Generator,
    score: Mapping[str, float],
    shift: float = 0.7,
    n: int = 10,
    sd: float = 0.03,
    game: str = "catch",
) -> list[Measurement]:
    """Return a whole study of claims 3 and 4: scores by row (.9 if not named, sort .3)."""
    means = dict.fromkeys(WHERE_ROWS, 0.9) | {"sort": 0.3} | score
    shifts = cells("q_shift", {"nature": 1.0, "half_max": shift})
    return [
        *sane(),
        *draw(cells("score", means), rng, "reinforcement", game, n, sd),
        *draw(shifts, rng, "reinforcement", game, n, sd=0.1),
        *draw(
            cells("score_gain", dict.fromkeys(means, 0.0)), rng, "reinforcement", game, n, sd=0.001
        ),
    ]


LOSES = {"gap": 16.0, "gmp": 14.0}
"""JND of the rows that global pooling costs the place."""

GOOD = where_study(rng(1), LOSES | {"gap_wide": 15.0, "gap_learned": 5.0})
"""A study on which no guard fires."""


def fired(measurements: Iterable[Measurement], part: str) -> list[str]:
    """Return the names of the guards that fire on a part."""
    return [guard.name for guard in on(part, measurements).fired]
