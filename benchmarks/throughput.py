"""Agent steps a second, side by side with stock SB3.

The same network, batch, update ratio, replay size and thread count, interleaved A B C A B C in one
call, so that whatever else the machine does hits all of them; ratios are taken within a round.
Stock is SB3's DQN with `CnnPolicy`, `make_atari_env` and `VecFrameStack`, in RL-Zoo's Atari
settings.

The floor is what the arithmetic of a step takes at this machine's measured matrix rate, one thread,
plus the emulator; nothing that does the same arithmetic can be faster.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

import commandline
from agents import extractors
from agents.replay import bytes_needed
from benchmarks.arms import ARMS, emulator_rate, matrix_rate, step_flops

SB3_BYTES = 2 * 4 * 84 * 84
"""Bytes of the two stacks that SB3's replay keeps for a transition."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        rows: Rows of the zoo.
        rounds: Times that each arm is measured.
        seconds: Length of a measurement, after its warm-up.
        side_by_side: Runs at a time, each on one thread.
        replay_size: Transitions in each replay.
        json: Print JSON alone.
    """

    rows: list[str] = field(default_factory=lambda: ["nature", "half_max", "twin_max"])
    rounds: int = 3
    seconds: float = 6.0
    side_by_side: list[int] = field(default_factory=lambda: [1, 2])
    replay_size: int = 20_000
    json: bool = False


def measure(arm: str, row: str, runs: int, arguments: Arguments) -> dict[str, float]:
    """Run an arm in `runs` processes at once; return steps/s in all and the peak MB of one."""
    words = [sys.executable, "-m", "benchmarks.arms", arm, row, str(arguments.replay_size)]
    words.append(str(arguments.seconds))
    started = [
        subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
        for _ in range(runs)
    ]
    told = [json.loads(process.communicate()[0].splitlines()[-1]) for process in started]
    return {
        "steps_per_second": sum(t["steps_per_second"] for t in told),
        "peak_mb": max(t["peak_mb"] for t in told),
    }


def compare(row: str, runs: int, arguments: Arguments, tell: Console) -> list[dict[str, Any]]:
    """Measure every arm on a row, interleaved; return one record an arm."""
    rounds: list[dict[str, dict[str, float]]] = []
    for number in range(arguments.rounds):
        tell.print(f"{row}, {runs} at a time, round {number + 1} of {arguments.rounds}")
        rounds.append({arm: measure(arm, row, runs, arguments) for arm in ARMS})
    records = []
    for arm in ARMS:
        rates = [r[arm]["steps_per_second"] for r in rounds]
        ratios = [r[arm]["steps_per_second"] / r["stock"]["steps_per_second"] for r in rounds]
        records.append(
            {
                "row": row,
                "runs": runs,
                "arm": arm,
                "steps_per_second": statistics.median(rates),
                "ratio": statistics.median(ratios),
                "ratio_range": [min(ratios), max(ratios)],
                "peak_mb": statistics.median(r[arm]["peak_mb"] for r in rounds),
            }
        )
    return records


def add_floor(records: list[dict[str, Any]]) -> dict[str, float]:
    """Add to our arms what share of the floor one run reaches; return the rates it rests on."""
    rates = {
        "float32": matrix_rate(torch.float32),
        "bfloat16": matrix_rate(torch.bfloat16),
        "emulator": emulator_rate(),
    }
    for record in records:
        if record["arm"] != "stock" and record["runs"] == 1:
            seconds = step_flops(record["row"]) / rates[record["arm"]] + 1 / rates["emulator"]
            record["floor"] = 1 / seconds
            record["share_of_floor"] = record["steps_per_second"] * seconds
    return rates


def show(records: list[dict[str, Any]], rates: dict[str, float], console: Console) -> None:
    """Print the table."""
    table = Table(title="agent steps a second, Pong, one thread a run, an update every 4 steps")
    for name in ("row", "runs", "arm", "steps/s", "× stock", "range", "peak MB", "of the floor"):
        table.add_column(name, justify="left" if name in ("row", "arm") else "right")
    for r in records:
        share = f"{r['share_of_floor']:.0%}" if "share_of_floor" in r else ""
        low, high = r["ratio_range"]
        table.add_row(
            r["row"], str(r["runs"]), r["arm"], f"{r['steps_per_second']:.0f}",
            f"{r['ratio']:.2f}", f"{low:.2f}–{high:.2f}", f"{r['peak_mb']:.0f}", share,
        )  # fmt: skip
    console.print(table)
    console.print(
        f"matrix product, one thread: {rates['float32'] / 1e9:.0f} GFLOP/s float32, "
        f"{rates['bfloat16'] / 1e9:.0f} bfloat16; emulator: {rates['emulator']:,.0f} steps/s\n"
        f"replay: {bytes_needed(1)} bytes a transition, SB3's {SB3_BYTES:,}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    arguments = commandline.parse(Arguments, argv, "benchmarks.throughput", __doc__ or "")
    for row in arguments.rows:
        extractors.check(row)
    commandline.at_least("--rounds", arguments.rounds, 1)
    began, tell = time.monotonic(), Console(stderr=True, highlight=False)
    records = [
        record
        for runs in arguments.side_by_side
        for row in arguments.rows
        for record in compare(row, runs, arguments, tell)
    ]
    rates = add_floor(records)
    if arguments.json:
        print(json.dumps({"rates": rates, "records": records}, indent=2))
    else:
        show(records, rates, Console(highlight=False))
    tell.print(f"measured in {(time.monotonic() - began) / 60:.1f} minutes")
    return 0


if __name__ == "__main__":
    commandline.run(main)
