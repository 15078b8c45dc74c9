"""Log runs to W&B that were trained without it, or rebuild what W&B has of them.

    python -m studies.log_to_wandb runs/fast

makes an offline W&B run of each run directory, out of its metrics.jsonl, as training would have;
`wandb sync` uploads those. With --wandb online they are sent at once. What W&B has already is left
alone, so that the command can be given twice; so are runs that were trained with --wandb online.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console

import commandline
from agents.checkpoints import read_json
from commandline import BadInput, at_least, choose
from reporting.tracking import MetricsWriter, read_metrics
from reporting.wandb_run import check_mode, forget_logs, history, start_wandb
from studies.launch import launch
from studies.running.conductor import Progress, Report
from studies.running.directory import find_runs, spec_of
from studies.running.lock import locked
from studies.running.run import wandb_names, wandb_video
from studies.running.worker import Options


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        runs: Run directories, or folders that hold some at any depth.
        wandb: offline (to be uploaded by `wandb sync`) or online (needs WANDB_API_KEY).
        workers: Runs at a time.
    """

    runs: tyro.conf.Positional[list[Path]] = field(default_factory=list)
    wandb: str = "offline"
    workers: int = 1


@dataclass(frozen=True)
class Copy:
    """One run directory to be logged.

    Attributes:
        directory: Where it lies.
        rows: Of its metrics.jsonl.
    """

    directory: Path
    rows: int

    @property
    def title(self) -> str:
        """Its path: names may occur twice."""
        return str(self.directory)

    @property
    def length(self) -> int:
        """Rows."""
        return self.rows


def log(copy: Copy, options: Options, report: Report, stop: threading.Event) -> None:
    """Hand a run's rows and its video to W&B, as training would have."""
    folder = copy.directory
    with locked(folder, stop=stop):
        config = _config(folder)
        rows = read_metrics(folder / "metrics.jsonl")
        run = start_wandb(
            folder, options.wandb_mode, config, **wandb_names(config, spec_of(folder, config))
        )
        try:
            # Nothing is written to the file: all its rows are handed over as it is opened.
            writer = MetricsWriter(folder / "metrics.jsonl", run, rows)
            if (folder / "agent.json").exists() and (folder / "video.webm").exists():
                writer.attach(wandb_video(folder / "video.webm", int(config["settings"]["steps"])))
            writer.close()
        finally:
            if run is not None:
                run.finish()
                forget_logs(folder)
    report(Progress(len(rows), 0.0, None, "logged"))


def _config(folder: Path) -> dict[str, Any]:
    """Return the content of `config.json`.

    Raises:
        BadInput: If it lacks what a W&B run is called after.
    """
    config = read_json(folder / "config.json")
    wanted = ("game", "extractor", "seed", "study", "training_fingerprint", "settings")
    if lacking := [name for name in wanted if name not in config]:
        raise BadInput(f"{folder / 'config.json'}: expected {', '.join(lacking)}, found none")
    return config


OFFLINE, ONLINE = "offline-run-*", "run-*"
"""What W&B calls its folder of a run, by how it was logged."""


def logged(folder: Path, rows: int, called: str = OFFLINE) -> bool:
    """Say whether W&B's files in a run directory have all its rows already.

    Args:
        folder: The run directory.
        rows: Of its `metrics.jsonl`.
        called: `OFFLINE` or `ONLINE`.

    Raises:
        BadInput: If they cannot be read.
    """
    runs = list((folder / "wandb").glob(called))
    if len(runs) != 1:
        return False
    known = [row for row in history(runs[0]) if not any(key.startswith("video") for key in row)]
    return len(known) == rows


def reason_to_leave(folder: Path, rows: int, mode: str) -> str:
    """Return why a run is not to be logged; empty if it is.

    Args:
        folder: The run directory.
        rows: Of its `metrics.jsonl`.
        mode: `offline` or `online`.

    Raises:
        BadInput: If what W&B keeps there cannot be read.
    """
    sent = next((folder / "wandb").glob(ONLINE), None)
    if sent is not None and mode == "offline":  # it would take the place of what was sent
        return f"logged online, left alone; wandb sync {sent} sends it again"
    # Online a run that has only some of its rows goes on where it ended.
    called = OFFLINE if mode == "offline" else ONLINE
    return "logged before" if logged(folder, rows, called) else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Log what the command line names; return the exit status."""
    arguments = commandline.parse(Arguments, argv, "python -m studies.log_to_wandb", __doc__ or "")
    if not arguments.runs:
        raise BadInput("expected run directories or folders of them, such as runs/fast; got none")
    choose("--wandb", arguments.wandb, ("offline", "online"))
    at_least("--workers", arguments.workers, 1)
    check_mode(arguments.wandb)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    copies, unreadable = [], False
    for folder in find_runs(arguments.runs):
        _config(folder)
        rows = len(read_metrics(folder / "metrics.jsonl"))
        try:
            why = reason_to_leave(folder, rows, arguments.wandb)
        except BadInput as error:
            console.print(f"failed: {error}; without that folder the run is logged anew")
            unreadable = True
            continue
        if why:
            console.print(f"{folder}: {why}")
        else:
            copies.append(Copy(folder, rows))
    if not copies:
        return int(unreadable)
    options = Options(arguments.workers, arguments.wandb, "cpu", 1)
    outcome = launch(copies, log, options, console, unit="rows")
    for name, why in outcome.failed:
        console.print(f"failed: {name}: {why}")
    if arguments.wandb == "offline" and outcome.finished:
        console.print("to upload them: wandb sync DIRECTORY/wandb/offline-run-*, for each of them")
    if outcome.failed or unreadable:
        return 1
    return 130 if outcome.interrupted else 0


if __name__ == "__main__":
    commandline.run(main)
