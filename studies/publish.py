"""A small row for each run, kept in `results/` with the code, so that `runs/` can be lost.

    python -m studies.publish runs/fast

writes, for every run below the folder, finished or not, its settings, protocol, versions, learning
curve and, if it was scored, its scores to `results/runs/<study>/<game>/<extractor>/seed<k>.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro

import commandline
from agents.checkpoints import read_json, write_json
from commandline import BadInput
from reporting.tracking import read_metrics
from studies.directory import find_runs

KEPT = ("study", "game", "extractor", "seed", "settings", "training_fingerprint", "versions")
"""What is taken over from `config.json`."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        runs: Run directories, or folders that hold some at any depth.
        results: Folder of the rows.
    """

    runs: tyro.conf.Positional[list[Path]] = field(default_factory=lambda: [Path("runs")])
    results: Path = Path("results")


def row(folder: Path) -> dict[str, Any]:
    """Return the row of the run in `folder`.

    Raises:
        BadInput: If its files cannot be read.
    """
    config = read_json(folder / "config.json")
    try:
        kept = {key: config[key] for key in (*KEPT, "commit")}
    except KeyError as error:
        raise BadInput(f"{folder}: expected the config of a run, found no {error}") from None
    rows = read_metrics(folder / "metrics.jsonl")
    keys = ("eval/score_mean", "eval/score_median", "eval/length_mean", "eval/games")
    scores = folder / "evaluation" / "scores.json"
    return {
        **kept,
        "incidents": config.get("incidents", []),
        "steps_done": max((r["global_step"] for r in rows), default=0),
        "finished": (folder / "agent.json").exists(),
        "columns": ["global_step", *keys],
        "curve": [[r["global_step"], *(r.get(k) for k in keys)] for r in rows if keys[0] in r],
        "scores": read_json(scores) if scores.exists() else None,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Write the rows; return the exit status."""
    program = "python -m studies.publish"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    if not arguments.runs:
        raise BadInput("--runs: expected run directories or folders of them, got none")
    found = [(folder, row(folder)) for folder in find_runs(arguments.runs)]
    for folder, content in found:
        below = Path("runs", content["study"], content["game"], folder.parent.name)
        path = arguments.results / below / f"seed{content['seed']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, content)
        state = "finished" if content["finished"] else f"{content['steps_done']:,} steps so far"
        print(f"{path}: {state}, {len(content['curve'])} points")
    return 0


if __name__ == "__main__":
    commandline.run(main)
