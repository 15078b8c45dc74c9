"""One learning rate for each row and task, chosen on seeds that no result uses.

Chosen in short runs. A row that no rate brings off the mean in so few updates would be given one by
noise; its rates are tried again in runs as long as published ones. One that is stuck in those, too,
is trained at the common rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.supervised import STUCK

RATES = (1e-4, 3e-4, 1e-3, 3e-3)
"""Tried first; an optimum at the edge widens the grid by one more in that direction."""

WIDER = (1e-5, 3e-5, *RATES, 1e-2, 3e-2)
"""As far as the grid can be widened."""

TUNING_SEEDS = (100, 101, 102)
"""Chosen on these; published runs have seeds from 0."""

COMMON_RATE = 3e-4
"""At which all rows are trained once, too: what tuning by row has done can be seen."""

TUNING_UPDATES = 4_000
"""Updates of a run that only chooses a rate: a fifth of a published one."""

LONG_UPDATES = 20_000
"""The same for rows that are stuck at every rate in the short runs, and for tasks on which short
runs are known not to leave the mean: as long as a published one."""


@dataclass(frozen=True)
class Tried:
    """What one run said of a rate.

    Attributes:
        rate: The learning rate.
        seed: Of the run.
        skill: Best on the validation scenes.
        updates: Of the run.
    """

    rate: float
    seed: int
    skill: float
    updates: int = TUNING_UPDATES


def updates_to_try(tried: Iterable[Tried], shortest: int = TUNING_UPDATES) -> int:
    """Return how long the runs are by which the rate is chosen.

    Args:
        tried: So far.
        shortest: Updates of the first runs on the task.
    """
    return LONG_UPDATES if _stuck(means(tried, shortest)) else shortest


def means(tried: Iterable[Tried], updates: int) -> Mapping[float, float]:
    """Return the mean skill of each rate that was tried with all tuning seeds, smallest first.

    Rates off the grid have no say.
    """
    by_rate: dict[float, dict[int, float]] = {}
    for t in tried:
        if t.updates != updates or t.rate not in WIDER:
            continue
        by_rate.setdefault(t.rate, {})[t.seed] = t.skill
    wanted = set(TUNING_SEEDS)
    return {
        rate: sum(seeds[s] for s in wanted) / len(wanted)
        for rate, seeds in sorted(by_rate.items())
        if wanted <= seeds.keys()
    }


def to_try(tried: Iterable[Tried], shortest: int = TUNING_UPDATES) -> Sequence[float]:
    """Return the rates that have to be tried before one can be chosen; none when that is done.

    Rates at which a row is stuck have no optimum, at the edge or elsewhere: they widen nothing.
    """
    tried = list(tried)
    known = means(tried, updates_to_try(tried, shortest))
    if missing := [rate for rate in RATES if rate not in known]:
        return missing
    if _stuck(known):
        return []
    best, rates = _best(known), list(known)
    place = WIDER.index(best)
    if best == rates[0] and place > 0:
        return [WIDER[place - 1]]
    if best == rates[-1] and place + 1 < len(WIDER):
        return [WIDER[place + 1]]
    return []


def choose_rate(tried: Iterable[Tried], shortest: int = TUNING_UPDATES) -> float | None:
    """Return the rate with the best mean skill, the smaller of equals; `None` if more is to do.

    A row that is stuck at every rate, however long the runs, has the common one.
    """
    tried = list(tried)
    if to_try(tried, shortest):
        return None
    known = means(tried, updates_to_try(tried, shortest))
    return COMMON_RATE if _stuck(known) else _best(known)


def _stuck(known: Mapping[float, float]) -> bool:
    """Say whether all of the first rates were tried and none brought the row off the mean."""
    return set(RATES) <= known.keys() and max(known.values()) < STUCK


def _best(known: Mapping[float, float]) -> float:
    return max(known, key=lambda rate: (known[rate], -rate))
