"""A small row for each run, kept in `results/` with the code, so that `runs/` can be lost.

    python -m studies.publish runs/fast

writes, for every run below the folder, finished or not, its settings, protocol, versions, learning
curve and, if it was scored, its scores to `results/runs/<study>/<game>/<extractor>/seed<k>.json`,
and beside it what claims can use of it. `train.py --study` does so with each run that finishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro

import commandline
from agents.checkpoints import read_json, write_json
from agents.settings import as_dict, parse_settings
from analysis.measurements import load, save
from analysis.tasks.tuning import TUNING_SEEDS
from commandline import BadInput
from reporting.tracking import read_metrics
from studies.running.directory import YOUNG, RunSpec, differences, find_runs, identity
from studies.running.worker import Job

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
    seconds = [r["time/seconds"] for r in rows if "time/seconds" in r]
    keys = ("eval/score_mean", "eval/score_median", "eval/length_mean", "eval/games")
    scores = folder / "evaluation" / "scores.json"
    return {
        **kept,
        "learning_rate_from": config.get("learning_rate_from"),
        "execution": config.get("execution"),
        "incidents": config.get("incidents", []),
        "steps_done": max((r["global_step"] for r in rows), default=0),
        "seconds": round(sum(seconds), 1) if seconds else None,
        "finished": (folder / "agent.json").exists(),
        "columns": ["global_step", *keys],
        "curve": [[r["global_step"], *(r.get(k) for k in keys)] for r in rows if keys[0] in r],
        "scores": read_json(scores) if scores.exists() else None,
    }


def publish(folder: Path, results: Path) -> tuple[Path, dict[str, Any]]:
    """Write the row of the run in `folder`, and what claims can use of it; return path and row.

    Seeds that only chose a learning rate are no evidence: claims get nothing of them.

    Raises:
        BadInput: If the run's files cannot be read.
    """
    content = row(folder)
    below = Path("runs", content["study"], content["game"], folder.parent.name)
    path = results / below / f"seed{content['seed']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    measured = folder / "evaluation" / "measurements.json"
    if measured.exists() and content["seed"] not in TUNING_SEEDS:
        save(load(measured), path.with_name(f"measurements-seed{content['seed']}.json"))
    write_json(path, content)  # last: whoever finds it finds the rest
    return path, content


def place(spec: RunSpec, results: Path) -> Path:
    """Return where the row of a run lies, or would lie."""
    below = spec.directory.relative_to(spec.root)
    return results / "runs" / below.with_name(f"{below.name}.json")


def is_published(spec: RunSpec, results: Path) -> bool:
    """Say whether the row of a finished and scored run lies in `results`.

    Raises:
        BadInput: If the row cannot be read, or is that of a run with other settings.
    """
    path = place(spec, results)
    if not path.exists():
        return False
    there = read_json(path)
    wanted = identity(spec)
    odd = differences(there, {key: wanted[key] for key in ("game", "extractor", "seed")})
    asked = {n: v for n, v in wanted["settings"].items() if n not in YOUNG}
    odd += differences(as_dict(parse_settings(there.get("settings"))), asked)
    if odd:
        raise BadInput(
            f"--results: {path} is the row of a run with other settings ({'; '.join(odd)}); "
            "choose another --results or study_name"
        )
    return bool(there.get("finished")) and there.get("scores") is not None


class Publisher:
    """Adds the row of each run that finishes; a row that cannot be written stops no other run.

    Args:
        results: The folder of published rows.
    """

    def __init__(self, results: Path) -> None:
        self.results = results
        self.failed: list[tuple[str, str]] = []

    def __call__(self, job: Job) -> None:
        """Publish the run that lies in the job's directory, or note why that failed."""
        try:
            publish(job.directory, self.results)
        except (BadInput, OSError) as error:
            why = f"finished, but its row was not written: {' '.join(str(error).split())}"
            self.failed.append((job.title, why))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the rows; return the exit status."""
    program = "python -m studies.publish"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    if not arguments.runs:
        raise BadInput("--runs: expected run directories or folders of them, got none")
    found = list(find_runs(arguments.runs))
    for folder in found:
        row(folder)  # whatever cannot be read is told before anything is written
    for folder in found:
        path, content = publish(folder, arguments.results)
        state = "finished" if content["finished"] else f"{content['steps_done']:,} steps so far"
        print(f"{path}: {state}, {len(content['curve'])} points")
    return 0


if __name__ == "__main__":
    commandline.run(main)
