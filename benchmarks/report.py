"""How long a report on many runs takes, how much memory, and how large it gets.

    python -m benchmarks.report runs/fast/pong/nature/seed0 --runs 500

copies one real run directory under other rows and seeds, and writes the report on all of them in a
process of its own. The numbers in the copies mean nothing; nothing but time and size is printed.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

import commandline
from agents.architectures import ranked
from agents.checkpoints import read_json, write_json
from commandline import BadInput, at_least

MOST_SECONDS, MOST_BYTES, MOST_RSS = 60.0, 8e6, 2e9
"""What a report on 500 runs may take."""

ROWS = 10
"""Rows of the zoo that the copies pretend to be of."""

CODE = "import sys, evaluate; sys.exit(evaluate.main(sys.argv[1:]))"


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        run: A finished run directory with measures of its agent.
        runs: Copies to report on.
        keep: Where to keep the report.
    """

    run: tyro.conf.Positional[Path]
    runs: int = 500
    keep: Path | None = None


def copies(run: Path, count: int, root: Path) -> None:
    """Make run directories below `root` that differ in row and seed."""
    rows = [row.name for row in ranked()[:ROWS]]
    for number in range(count):
        seed, row = number // ROWS, rows[number % ROWS]
        folder = root / "copies" / "pong" / row / f"seed{seed}"
        shutil.copytree(run, folder, ignore=shutil.ignore_patterns("wandb", "*.webm", "checkpoint"))
        for file in ("config.json", "agent.json"):
            content = read_json(folder / file)
            write_json(folder / file, {**content, "extractor": row, "seed": seed})
        file_of_numbers = folder / "evaluation" / "measurements.json"
        if file_of_numbers.exists():
            records = json.loads(file_of_numbers.read_text(encoding="utf-8"))
            own = [{**r, "row": row, "seed": seed} for r in records if r["measure"] != "place_bits"]
            file_of_numbers.write_text(json.dumps(own), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; the exit status is 1 if it took more than it may."""
    arguments = commandline.parse(Arguments, argv, "python -m benchmarks.report", __doc__ or "")
    at_least("--runs", arguments.runs, 1)
    if not (arguments.run / "config.json").exists():
        raise BadInput(f"run: expected a run directory with config.json, got {arguments.run}")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        copies(arguments.run, arguments.runs, root)
        page = root / "report.html"
        began = time.monotonic()
        command = [sys.executable, "-c", CODE, str(root), "--report", str(page)]
        subprocess.run(command, check=True)
        seconds = time.monotonic() - began
        size = page.stat().st_size
        if arguments.keep is not None:
            shutil.copy(page, arguments.keep)
    rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(
        f"{arguments.runs} runs: {seconds:.1f} s, {rss / 1e9:.2f} GB, {size / 1e6:.2f} MB "
        f"(at most {MOST_SECONDS:.0f} s, {MOST_RSS / 1e9:.0f} GB, {MOST_BYTES / 1e6:.0f} MB)"
    )
    return int(seconds > MOST_SECONDS or rss > MOST_RSS or size > MOST_BYTES)


if __name__ == "__main__":
    commandline.run(main)
