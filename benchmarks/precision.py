"""Does bfloat16 change what is learned? Catch, the same seeds in both arithmetics.

Each finished run adds its row to the results file at once, and a run that has its row is not made
again, so the command can be stopped and repeated. The difference counts as none if its whole 90 %
interval (Welch) lies inside ± .10 of the normalised score.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from scipy import stats

import commandline
import train
from agents import checkpoints
from agents.settings import PRECISIONS
from analysis.learning import normalised_score
from envs.games import CATCH
from reporting.tracking import read_metrics

MARGIN = 0.10
"""Greatest difference of normalised scores that counts as none."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        row: Row of the zoo, with its width.
        seeds: Runs in each arithmetic, seeds 0 and up.
        out: Where runs lie while they go on; a finished one is removed.
        results: The file of rows.
    """

    row: str = "nature@0.5"
    seeds: int = 10
    out: Path = Path("runs")
    results: Path = Path("results/precision.json")


def row_of(run: Path) -> dict[str, Any]:
    """Return what is kept of a finished run."""
    config = checkpoints.read_json(run / "config.json")
    rows = read_metrics(run / "metrics.jsonl")
    curve = [(r["global_step"], r["eval/score_mean"]) for r in rows if "eval/score_mean" in r]
    return {
        "extractor": config["extractor"],
        "precision": config["settings"]["precision"],
        "seed": config["seed"],
        "steps": config["settings"]["steps"],
        "training_fingerprint": config["training_fingerprint"],
        "commit": config["commit"],
        "score": normalised_score(curve, CATCH),
        "curve": curve,
    }


def verdict(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the difference bfloat16 − float32 with its 90 % Welch interval, and what follows."""
    low, high = ([r["score"] for r in rows if r["precision"] == p] for p in reversed(PRECISIONS))
    interval = stats.ttest_ind(low, high, equal_var=False).confidence_interval(0.90)
    return {
        "seeds": [len(high), len(low)],
        "float32": float(np.mean(high)),
        "bfloat16": float(np.mean(low)),
        "difference": float(np.mean(low) - np.mean(high)),
        "interval_90": [float(interval.low), float(interval.high)],
        "margin": MARGIN,
        "no_difference": bool(max(abs(interval.low), abs(interval.high)) < MARGIN),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Train what is missing, then print the difference; return the exit status."""
    arguments = commandline.parse(Arguments, argv, "benchmarks.precision", __doc__ or "")
    console = Console(highlight=False, soft_wrap=True)
    path = arguments.results
    known = checkpoints.read_json(path)["rows"] if path.exists() else []
    have = {(r["extractor"], r["precision"], r["seed"]) for r in known}
    for seed in range(arguments.seeds):
        missing = [p for p in PRECISIONS if (arguments.row, p, seed) not in have]
        for precision in missing:
            study = f"precision_{precision}"
            words = ["--game", "catch", "--extractor", arguments.row, "--seed", str(seed)]
            words += ["--preset", "fast", "--precision", precision, "--study-name", study]
            words += ["--wandb", "disabled", "--out", str(arguments.out)]
            if train.main(words):
                return 1
            run = arguments.out / study / "catch" / arguments.row / f"seed{seed}"
            known.append(row_of(run))
            path.parent.mkdir(exist_ok=True)
            checkpoints.write_json(path, {"rows": known})
            shutil.rmtree(run)
    mine = [r for r in known if r["extractor"] == arguments.row]
    summary = verdict(mine)
    checkpoints.write_json(path, {"rows": known, "verdict": {arguments.row: summary}})
    console.print(json.dumps(summary, indent=2))
    return 0


if __name__ == "__main__":
    commandline.run(main)
