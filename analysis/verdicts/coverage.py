"""How often the intervals hold the truth, and how often the rules err, by simulation.

    python -m analysis.verdicts.coverage

prints, for 3, 5, 10 and 20 seeds, the measured coverage of every interval that a verdict uses, and
how often a difference is called supported, refuted or equivalent where the truth is known. It runs
the code that the verdicts run. A verdict asks `measured_coverage` about its own number of seeds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
import tyro
from jaxtyping import Float
from rich.console import Console
from rich.table import Table

from analysis.verdicts.intervals import (
    Kind,
    Statistic,
    median_ratio,
    one_sample,
    order_coverage,
    order_rank,
    paired,
    welch,
)
from commandline import at_least, parse, run

SEEDS = (3, 5, 10, 20)
"""Numbers of seeds for which the tables are printed."""

SIMULATIONS = 20_000
"""Studies simulated for each number: its standard error is .0015 at .95."""

Values = Float[np.ndarray, "studies n"]
Draw = Callable[[np.random.Generator, int, int], Values]
"""Generator, studies, seeds → values whose mean is 0 and whose SD is 1."""


def normal(rng: np.random.Generator, studies: int, n: int) -> Values:
    """Draw from the normal distribution: what t intervals assume."""
    return rng.standard_normal((studies, n))


def stuck(rng: np.random.Generator, studies: int, n: int) -> Values:
    """Draw seeds of which one in ten never learned and lies five SD of the others below them."""
    values = normal(rng, studies, n) - 5.0 * (rng.random((studies, n)) < 0.1)
    return np.asarray((values + 0.5) / np.sqrt(1 + 25 * 0.09))


def skewed(rng: np.random.Generator, studies: int, n: int) -> Values:
    """Draw from a log-normal distribution with σ = ½."""
    values = np.exp(0.5 * normal(rng, studies, n))
    return np.asarray((values - np.exp(0.125)) / np.sqrt((np.exp(0.25) - 1) * np.exp(0.25)))


POPULATIONS: Mapping[str, Draw] = {"normal": normal, "stuck": stuck, "skewed": skewed}
"""What seeds may be like. The first is the model by which the rules were chosen, and decides
whether a verdict may be given; the others show what it costs if the model is wrong."""

DESIGNS: Mapping[str, Kind] = {
    "paired t": "paired",
    "one-sample t": "one-sample",
    "Welch t, equal SD": "welch",
    "Welch t, SD 1 to 3": "welch",
    "median ratio": "median",
}
"""Every kind of interval, and for Welch's two kinds of study."""


def simulate(
    design: str, draw: Draw, n: int, studies: int, rng: np.random.Generator, effect: float = 0.0
) -> Statistic:
    """Return the statistic of simulated studies whose true effect is `effect` (in SD; log₂)."""
    first, second = draw(rng, studies, n), draw(rng, studies, n)
    match design:
        case "paired t":  # what rows share goes out in the difference
            shared = 3 * draw(rng, studies, n)
            return paired(shared + first + effect, shared)
        case "one-sample t":
            return one_sample(first + effect)
        case "Welch t, equal SD":
            return welch(first + effect, second)
        case "Welch t, SD 1 to 3":
            return welch(first + effect, 3 * second)
        case _:
            return median_ratio(np.exp2(first - median_of(draw) + effect), np.ones_like(first))


@lru_cache(maxsize=16)
def median_of(draw: Draw) -> float:
    """Return the median of a population, to a thousandth of its SD."""
    if draw is normal:
        return 0.0
    return float(np.median(draw(np.random.default_rng(0), 2_000_000, 1)))


@dataclass(frozen=True)
class Coverage:
    """How often an interval held the truth.

    Attributes:
        interval: A key of `DESIGNS`.
        population: A key of `POPULATIONS`.
        seeds: In each group.
        level: What was asked for.
        coverage: What was measured.
        exact: What arithmetic says, where it says anything.
    """

    interval: str
    population: str
    seeds: int
    level: float
    coverage: float
    exact: float | None


def coverages(
    seeds: Sequence[int], studies: int, rng: np.random.Generator, level: float = 0.95
) -> list[Coverage]:
    """Return the measured coverage of every interval, population and number of seeds."""
    found = []
    for design, kind in DESIGNS.items():
        for population, draw in POPULATIONS.items():
            for n in seeds:
                made = simulate(design, draw, n, studies, rng)
                low, high = made.interval(level)
                truth = 1.0 if kind == "median" else 0.0
                held = float(np.mean((low <= truth) & (truth <= high)))
                exact = order_coverage(order_rank(n, level), n) if kind == "median" else None
                found.append(Coverage(design, population, n, level, held, exact))
    return found


@lru_cache(maxsize=256)
def measured_coverage(kind: Kind, n: int) -> float:
    """Return the coverage of a 95 % interval over `n` seeds, normal, at the worst of its designs.

    Order statistics need no simulation: theirs is exact for any population.
    """
    if kind == "exact":
        return 1.0
    if kind == "median":
        return order_coverage(order_rank(n), n)
    rng = np.random.default_rng(n)
    held = []
    for design in (d for d, k in DESIGNS.items() if k == kind):
        low, high = simulate(design, normal, n, SIMULATIONS, rng).interval()
        held.append(float(np.mean((low <= 0) & (high >= 0))))
    return min(held)


@dataclass(frozen=True)
class Rate:
    """How often a rule said what, where the truth was known.

    Attributes:
        interval: Paired or Welch.
        seeds: In each group.
        sd: SD over seeds: of the differences if paired, of each group if not.
        truth: The true drop.
        supported: Share of studies whose interval lay above the margin.
        refuted: Share whose interval lay below it.
        equivalent: Share whose 90 % interval lay inside ± the margin.
    """

    interval: str
    seeds: int
    sd: float
    truth: float
    supported: float
    refuted: float
    equivalent: float


MARGIN, SD = 0.05, 0.05
"""Of the simulated studies: the margin of the supervised regime, and an SD as large."""

TRUTHS = (0.0, MARGIN, 0.15)
"""No drop; just the margin, where each verdict is wrong; a clear drop."""


def rates(seeds: Sequence[int], studies: int, rng: np.random.Generator) -> list[Rate]:
    """Return how often drops of known size get which verdict."""
    found = []
    for design in ("paired t", "Welch t, equal SD"):
        for truth in TRUTHS:
            for n in seeds:
                made = simulate(design, normal, n, studies, rng, effect=truth / SD)
                (low, high), (low90, high90) = made.interval(0.95), made.interval(0.90)
                bound = MARGIN / SD
                says = (low >= bound, high <= bound, (low90 > -bound) & (high90 < bound))
                found.append(Rate(design, n, SD, truth, *(float(np.mean(s)) for s in says)))
    return found


@dataclass(frozen=True)
class Options:
    """What can be asked for.

    Attributes:
        simulations: Studies for each number.
        seed: Of the generator.
        json: Print an object instead of tables.
    """

    simulations: int = SIMULATIONS
    seed: int = 0
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False


def show(covered: Sequence[Coverage], erred: Sequence[Rate], console: Console) -> None:
    """Print both tables."""
    table = Table(title="measured coverage, seeds:", box=None, header_style="bold")
    for heading in ("interval", "population", "level", *map(str, SEEDS)):
        table.add_column(heading, justify="right" if heading.isdigit() else "left")
    by_line: dict[tuple[str, str, float], list[Coverage]] = {}
    for c in covered:
        by_line.setdefault((c.interval, c.population, c.level), []).append(c)
    for (interval, population, level), line in by_line.items():
        table.add_row(interval, population, f"{level:.2f}", *(f"{c.coverage:.3f}" for c in line))
        exact = [c.exact for c in line if c.exact is not None and population == "normal"]
        if exact:
            table.add_row("", "any (exact)", f"{level:.2f}", *(f"{e:.3f}" for e in exact))
    console.print(table)
    table = Table(title="\nverdicts on a drop, margin .05, SD .05", box=None, header_style="bold")
    for heading in ("interval", "true drop", "seeds", "supported", "refuted", "equivalent"):
        table.add_column(heading, justify="left" if heading == "interval" else "right")
    for r in erred:
        shares = (f"{share:.3f}" for share in (r.supported, r.refuted, r.equivalent))
        table.add_row(r.interval, f"{r.truth:.2f}", str(r.seeds), *shares)
    console.print(table)
    console.print(
        "\nAt a true drop of just the margin every verdict is wrong: supported and refuted may "
        "come in .025\nof studies each, equivalent in .05. A verdict needs a measured coverage "
        "of .93."
    )


def main(argv: list[str] | None = None) -> int:
    """Simulate and print what the command line asks for."""
    options = parse(Options, argv, "python -m analysis.verdicts.coverage", __doc__ or "")
    at_least("--simulations", options.simulations, 100)
    at_least("--seed", options.seed, 0)
    rng = np.random.default_rng(options.seed)
    covered = [
        c for level in (0.95, 0.9) for c in coverages(SEEDS, options.simulations, rng, level)
    ]
    erred = rates(SEEDS, options.simulations, rng)
    if options.json:
        print(
            json.dumps(
                {
                    "simulations": options.simulations,
                    "seed": options.seed,
                    "coverage": [asdict(c) for c in covered],
                    "verdicts": [asdict(r) for r in erred],
                },
                indent=2,
            )
        )
        return 0
    console = Console(highlight=False, width=100)
    console.print(
        f"{options.simulations:,} simulated studies for each number, seed {options.seed}\n"
    )
    show(covered, erred, console)
    return 0


if __name__ == "__main__":
    run(main)
