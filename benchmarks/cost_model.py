"""The cost of a study: agent steps, updates and arithmetic; and seconds, from measured rates."""

from __future__ import annotations

import platform
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track

import train
from agents import architectures, geometry
from agents.checkpoints import read_json, write_json
from commandline import BadInput
from envs.games import find
from studies.running.directory import RunSpec, commit, versions
from studies.running.trial import seconds_a_step

PASSES = 4
"""Forward passes that an update costs: online and target network, and a backward pass of two."""


OFF_THE_LINE = ("gap_wide", "gmp_wide", "half_median", "twin_median")
"""Rows that wait for memory or sort, rather than multiply and add; they are always measured."""


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


def machine_of(device: str) -> str:
    """Return what rates depend on beside the runs: the processor's kind, or the card."""
    if device != "cpu":
        return torch.cuda.get_device_name()
    return f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"


def measure(specs: Iterable[RunSpec], device: str, path: Path) -> None:
    """Measure each row once and add it to the file of rates.

    On a CPU in CPU seconds of the process, on a GPU in seconds.

    Raises:
        BadInput: If the file has rates of another device or machine.
    """
    clock = time.process_time if device == "cpu" else time.perf_counter
    machine = machine_of(device)
    known = _known_rates(path, device, machine) if path.exists() else []
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
    write_json(
        path,
        {
            "device": device,
            "machine": machine,
            "threads": 1,
            "versions": versions(),
            "commit": commit(),
            "rates": [found[key] for key in sorted(found)],
        },
    )


def _known_rates(path: Path, device: str, machine: str) -> list[dict[str, Any]]:
    content = read_json(path)
    there = content.get("device"), content.get("machine")
    if there != (device, machine):
        raise BadInput(
            f"--rates: expected a file of rates of this machine ({device}, {machine}), or a new "
            f"one, got {path}, of {there[0]}, {there[1]}"
        )
    known: list[dict[str, Any]] = content["rates"]
    return known


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
        by_precision: Petaflop of all: two operations a multiply-add.
        seconds: Of one worker doing all; `None` where a row's rate is not known.
        longest: Seconds of the longest run.
        measured: Rows whose rate was measured, of `rows`.
        rows: Rows, counted by game.
        emulated: Agent steps of all that play a game of a console; our own needs no emulator.
    """

    study: str
    runs: int
    steps: int
    updates: int
    by_precision: Mapping[str, float]
    seconds: float | None
    longest: float
    measured: int
    rows: int
    emulated: int

    @property
    def petaflop(self) -> float:
        """Of all, whatever the arithmetic."""
        return sum(self.by_precision.values())

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
    petaflop: dict[str, float] = defaultdict(float)
    each: list[float | None] = []
    for spec, made, learned in zip(specs, steps, updates, strict=True):
        forward = 2e6 * mmac(spec.extractor)
        operations = forward * (made + PASSES * spec.settings.batch_size * learned)
        petaflop[spec.settings.precision] += operations / 1e15
        seconds = rates.seconds_a_step(spec)
        each.append(None if seconds is None else seconds * made)
    known = [e for e in each if e is not None]
    rows = {(protocol_of(s), s.extractor) for s in specs}
    return Cost(
        path.stem,
        len(specs),
        sum(steps),
        sum(updates),
        petaflop,
        sum(known) if len(known) == len(each) else None,
        max(known, default=0.0),
        len(rows & rates.measured.keys()),
        len(rows),
        sum(s.settings.steps for s in specs if find(s.game).rom is not None),
    )
