"""What each study costs: time from measured rates, money from the reader's price.

    python -m benchmarks.cost

prints a line for each study. The rates lie in `results/rates.json`: CPU seconds of one thread, so
that other work on the machine hardly counts. Measure another machine, a GPU too, and use that:

    python -m benchmarks.cost --measure studies/catch.yaml --rates mine.json
    python -m benchmarks.cost --rates mine.json --workers 16 --nodes 4 --price 1.50

`--write` puts the tables into docs/scaling.md and the cost into each study's first lines.
"""

from __future__ import annotations

import platform
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import numpy as np
import torch
import tyro
from rich.progress import track

import commandline
import train
from agents import architectures, geometry
from agents.checkpoints import device_for, read_json, write_json
from commandline import BadInput, at_least
from studies.directory import RunSpec, commit, versions
from studies.preflight import duration, seconds_a_step

ROOT = Path(__file__).resolve().parent.parent
STUDIES = ROOT / "studies"
PAGE = ROOT / "docs" / "scaling.md"

PASSES = 4
"""Forward passes that an update costs: online and target network, and a backward pass of two."""


PEAKS: Mapping[str, float] = MappingProxyType({"H200": 67.0, "RTX 4090": 82.6})
"""TFLOP/s in float32 without tensor cores, from NVIDIA's data sheets of the H200 SXM and of Ada."""

EMULATOR = 3_392
"""Agent steps a second of Pong's emulator alone on one core (docs/performance.md)."""


OFF_THE_LINE = ("gap_wide", "gmp_wide", "half_median", "twin_median")
"""Rows that wait for memory or sort, rather than multiply and add; they are always measured."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        rates: Measured rates; written by --measure, else read.
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


def plan(path: Path) -> list[RunSpec]:
    """Return the runs of a study."""
    return train.plan(train.Arguments(study=[path]))


Protocol = tuple[str, str, int]
"""Game, precision, agent steps an update: what a rate depends on beside the row."""


def protocol_of(spec: RunSpec) -> Protocol:
    """Return what the rate of a run depends on beside its row."""
    return spec.game, spec.settings.precision, spec.settings.update_every


def mmac(row: str) -> float:
    """Return a row's million multiply-adds a forward pass."""
    return geometry.ledger(architectures.find(row)).macs / 1e6


def measure(specs: Iterable[RunSpec], device: str, path: Path) -> None:
    """Measure each row once and add it to the file of rates.

    On a CPU in CPU seconds of the process, on a GPU in seconds.
    """
    clock = time.process_time if device == "cpu" else time.perf_counter
    known = read_json(path)["rates"] if path.exists() else []
    found = {(r["game"], r["precision"], r["update_every"], r["row"]): r for r in known}
    rows = {(*protocol_of(spec), spec.extractor): spec for spec in specs}
    for (game, precision, update_every, row), spec in track(rows.items(), "measuring"):
        seconds = seconds_a_step(spec, device, 1, clock)
        found[game, precision, update_every, row] = {
            "game": game,
            "precision": precision,
            "update_every": update_every,
            "row": row,
            "seconds_a_step": round(seconds, 6),
        }
    instructions = torch.backends.cpu.get_cpu_capability()
    write_json(
        path,
        {
            "device": device,
            "machine": f"{platform.machine()}, {instructions}",
            "threads": 1,
            "versions": versions(),
            "commit": commit(),
            "rates": [found[key] for key in sorted(found)],
        },
    )


@dataclass(frozen=True)
class Rates:
    """Measured seconds a step, and what they say of rows that were not measured.

    Attributes:
        measured: By protocol and row.
        lines: By protocol, offset and slope of seconds a step over million multiply-adds, where
            at least three rows were measured.
        spread: By protocol, the largest relative difference of a measured row from its line.
    """

    measured: Mapping[tuple[Protocol, str], float]
    lines: Mapping[Protocol, tuple[float, float]]
    spread: Mapping[Protocol, float]

    @classmethod
    def read(cls, path: Path) -> Rates:
        """Read a file that `measure` wrote.

        Raises:
            BadInput: If it is none.
        """
        measured: dict[tuple[Protocol, str], float] = {}
        try:
            for rate in read_json(path)["rates"]:
                protocol = (str(rate["game"]), str(rate["precision"]), int(rate["update_every"]))
                measured[protocol, str(rate["row"])] = float(rate["seconds_a_step"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{path}: expected measured rates, got {error!r}") from None
        by_protocol: dict[Protocol, list[tuple[float, float]]] = defaultdict(list)
        for (protocol, row), seconds in measured.items():
            if row.partition("@")[0] in OFF_THE_LINE:
                continue
            by_protocol[protocol].append((mmac(row), seconds))
        lines, spread = {}, {}
        for protocol, points in by_protocol.items():
            if len({x for x, _ in points}) < 3:
                continue
            x, y = np.array(points).T
            # Relative errors count: a slow row is not to bend the line of the quick ones.
            slope, offset = np.polyfit(x, y, 1, w=1 / y)
            lines[protocol] = (float(offset), float(slope))
            spread[protocol] = float(np.abs((offset + slope * x) / y - 1).max())
        return cls(measured, lines, spread)

    def seconds_a_step(self, spec: RunSpec) -> float | None:
        """Return what is known of a run; `None` if that is nothing."""
        protocol = protocol_of(spec)
        if (protocol, spec.extractor) in self.measured:
            return self.measured[protocol, spec.extractor]
        if protocol in self.lines and spec.extractor.partition("@")[0] not in OFF_THE_LINE:
            offset, slope = self.lines[protocol]
            return offset + slope * mmac(spec.extractor)
        return None


@dataclass(frozen=True)
class Cost:
    """What a study costs.

    Attributes:
        study: Its name.
        runs: How many.
        steps: Agent steps of all.
        updates: Of all.
        petaflop: Arithmetic of all: two operations a multiply-add.
        seconds: Of one worker doing all; `None` where a row's rate is not known.
        longest: Seconds of the longest run.
        measured: Rows whose rate was measured, of `rows`.
        rows: Rows, counted by game.
    """

    study: str
    runs: int
    steps: int
    updates: int
    petaflop: float
    seconds: float | None
    longest: float
    measured: int
    rows: int

    def wall(self, workers: int) -> float | None:
        """Return the seconds it takes with so many workers, however many machines they share."""
        return None if self.seconds is None else max(self.longest, self.seconds / workers)


def cost(path: Path, rates: Rates) -> Cost:
    """Return what a study costs."""
    specs = plan(path)
    steps = [s.settings.steps for s in specs]
    updates = [
        (s.settings.steps - s.settings.learning_starts) // s.settings.update_every for s in specs
    ]
    flop = 0.0
    each: list[float | None] = []
    for spec, made, learned in zip(specs, steps, updates, strict=True):
        forward = 2e6 * mmac(spec.extractor)
        flop += forward * (made + PASSES * spec.settings.batch_size * learned)
        seconds = rates.seconds_a_step(spec)
        each.append(None if seconds is None else seconds * made)
    known = [e for e in each if e is not None]
    rows = {(protocol_of(s), s.extractor) for s in specs}
    return Cost(
        path.stem,
        len(specs),
        sum(steps),
        sum(updates),
        flop / 1e15,
        sum(known) if len(known) == len(each) else None,
        max(known, default=0.0),
        len(rows & rates.measured.keys()),
        len(rows),
    )


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
        peaks = [long_duration(c.petaflop * 1e3 / peak) for peak in PEAKS.values()]
        atari = not c.study.endswith("catch") and not c.study.startswith("catch")
        emulator = long_duration(c.steps / (EMULATOR * cores)) if atari else "–"
        lines.append(f"| `{c.study}` | {rounded(c.petaflop)} | {' | '.join(peaks)} | {emulator} |")
    return lines


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
