"""What each study costs: time from measured rates, money from the reader's price.

    python -m benchmarks.cost

prints a line for each study. The rates lie in `results/rates.json`: CPU seconds of one thread, so
that other work on the machine hardly counts. Measure another machine, a GPU too, and use that:

    python -m benchmarks.cost --measure studies/catch.yaml --rates mine.json
    python -m benchmarks.cost --rates mine.json --workers 16 --nodes 4 --price 1.50

`--write` puts the tables into docs/scaling.md and the cost into each study's first lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import tyro

import commandline
from agents.checkpoints import device_for, read_json
from benchmarks.cost_model import Cost, Rates, cost, measure, plan
from commandline import BadInput, at_least
from studies.running.preflight import duration

ROOT = Path(__file__).resolve().parent.parent
STUDIES = ROOT / "studies"
PAGE = ROOT / "docs" / "scaling.md"

PEAKS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "H200": MappingProxyType({"float32": 67.0, "bfloat16": 989.0}),
        "RTX 4090": MappingProxyType({"float32": 82.6, "bfloat16": 165.0}),
    }
)
"""TFLOP/s by arithmetic, from NVIDIA's data sheets of the H200 SXM and of Ada: float32 without
tensor cores (TF32 is off: `agents.precision`), bfloat16 with them, dense, sums in float32."""

EMULATOR = 3_392
"""Agent steps a second of Pong's emulator alone on one core (docs/performance.md)."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        rates: Measured rates; written by --measure, else read. Of one machine each.
        measure: Studies whose rows are measured here, half a minute or less each.
        rows: With --measure: only these, as the studies name them.
        device: With --measure: cpu, cuda or auto.
        workers: Runs at a time on a machine (a node).
        nodes: Machines.
        price: Of a machine for an hour, in your currency.
        write: Put the tables into docs/scaling.md and the studies.
    """

    rates: Path = ROOT / "results" / "rates.json"
    measure: list[Path] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    device: str = "cpu"
    workers: int = 2
    nodes: int = 1
    price: float | None = None
    write: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False


def table(costs: Sequence[Cost], workers: int, nodes: int, price: float | None) -> list[str]:
    """Return a Markdown table of what studies cost on so many machines."""
    at = f"{nodes} × {workers} workers" if nodes > 1 else f"{workers} workers"
    head = ["study", "runs", "M steps", "M updates", "PFLOP", "rows measured", "worker-hours", at]
    head += ["money"] if price is not None else []
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for c in costs:
        wall = c.wall(workers * nodes)
        cells = [
            f"`{c.study}`", f"{c.runs}", rounded(c.steps / 1e6), rounded(c.updates / 1e6),
            rounded(c.petaflop), f"{c.measured} of {c.rows}",
            "not measured" if c.seconds is None else rounded(c.seconds / 3600),
            "–" if wall is None else long_duration(wall),
        ]  # fmt: skip
        if price is not None:
            cells.append("–" if wall is None else f"{wall / 3600 * nodes * price:,.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def bounds_table(costs: Sequence[Cost], cores: int) -> list[str]:
    """Return a Markdown table of the times that no machine with such a card beats."""
    lines = ["| study | PFLOP | " + " | ".join(f"{card}, at its peak" for card in PEAKS)]
    lines[0] += f" | emulator on {cores} cores |"
    lines.append("|---|" + "---:|" * (len(PEAKS) + 2))
    for c in costs:
        peaks = [long_duration(at_peak(c, peak)) for peak in PEAKS.values()]
        emulator = long_duration(c.emulated / (EMULATOR * cores)) if c.emulated else "–"
        lines.append(f"| `{c.study}` | {rounded(c.petaflop)} | {' | '.join(peaks)} | {emulator} |")
    return lines


def at_peak(cost: Cost, peak: Mapping[str, float]) -> float:
    """Return the seconds of a study's arithmetic at a card's peak in TFLOP/s, by arithmetic."""
    return sum(petaflop * 1e3 / peak[kind] for kind, petaflop in cost.by_precision.items())


def long_duration(seconds: float) -> str:
    """Return a rough duration, days included."""
    if seconds > 2 * 86_400:
        return f"{rounded(seconds / 86_400)} days"
    return duration(seconds)


def rounded(number: float) -> str:
    """Return a number with no more digits than such a sum deserves: `3.7`, `26`, `2,430`."""
    if number < 0.1:
        return f"{number:.1g}"
    return f"{number:.1f}" if number < 10 else f"{float(f'{number:.3g}'):,.0f}"


def rates_table(path: Path, rates: Rates) -> list[str]:
    """Return a Markdown table of the rates themselves."""
    lines = ["| game | row | arithmetic | agent steps an update | ms a step | steps/s |"]
    lines.append("|---|---|---|---:|---:|---:|")
    for rate in read_json(path)["rates"]:
        seconds = rate["seconds_a_step"]
        lines.append(
            f"| {rate['game']} | `{rate['row']}` | {rate['precision']} | {rate['update_every']} | "
            f"{seconds * 1e3:.1f} | {1 / seconds:,.0f} |"
        )
    return lines


def sections(path: Path) -> dict[str, str]:
    """Return what `--write` puts into the page, by the name of the place."""
    rates = Rates.read(path)
    costs = [cost(study, rates) for study in sorted(STUDIES.glob("*.yaml"))]
    return {
        "cores": "\n".join(table(costs, 2, 1, None)),
        "cluster": "\n".join(table(costs, 16, 4, None)),
        "gpu": "\n".join(bounds_table(costs, 16)),
        "rates": "\n".join(rates_table(path, rates)),
        "spread": f"{max(rates.spread.values(), default=0):.0%}".replace("%", " %"),
    }


def fill(page: str, found: Mapping[str, str]) -> str:
    """Return a page with what stands between `<!-- name -->` and `<!-- end -->` replaced."""
    for name, text in found.items():
        gap = "" if "\n" not in text else "\n"
        pattern = re.compile(rf"(<!-- {name} -->).*?(<!-- end -->)", re.DOTALL)
        page = pattern.sub(lambda m, t=text, g=gap: f"{m[1]}{g}{t}{g}{m[2]}", page)  # type: ignore[misc]
    return page


def headed(path: Path, rates: Rates) -> str:
    """Return a study file with its cost in its first lines."""
    c = cost(path, rates)
    wall = c.wall(2)
    if c.seconds is None or wall is None:
        told = f"not measured; {c.petaflop:,.0f} PFLOP and {c.updates / 1e6:,.1f}M updates"
    else:
        hours = f"{rounded(c.seconds / 3600)} core-hours"
        told = f"{hours} without a GPU, {long_duration(wall)} on 2 cores (docs/scaling.md)"
    return re.sub(r"(?m)^# Cost: .*$", f"# Cost: {told}.", path.read_text(encoding="utf-8"))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print or write; return the exit status."""
    program = "python -m benchmarks.cost"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    at_least("--workers", arguments.workers, 1)
    at_least("--nodes", arguments.nodes, 1)
    if arguments.price is not None and not arguments.price >= 0:
        raise BadInput(f"--price: expected a number of at least 0, got {arguments.price}")
    if arguments.measure:
        specs = [s for path in arguments.measure for s in plan(path)]
        wanted = [s for s in specs if not arguments.rows or s.extractor in arguments.rows]
        measure(wanted, device_for(arguments.device), arguments.rates)
    rates = Rates.read(arguments.rates)
    studies = sorted(STUDIES.glob("*.yaml"))
    if arguments.write:
        PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), sections(arguments.rates)), "utf-8")
        for path in studies:
            path.write_text(headed(path, rates), encoding="utf-8")
    costs = [cost(path, rates) for path in studies]
    print("\n".join(table(costs, arguments.workers, arguments.nodes, arguments.price)))
    return 0


if __name__ == "__main__":
    commandline.run(main)
