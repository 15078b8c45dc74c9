"""A W&B run that is derived from `metrics.jsonl` and keeps to itself where it was made.

With `disabled`, wandb need not be installed.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from agents.checkpoints import read_json, write_json
from commandline import BadInput, choose

ID_FILE = "wandb.json"
"""In the run directory: the id of its W&B run, as `init` returned it."""

MODES = ("offline", "online", "disabled")
"""How W&B is used."""


@runtime_checkable
class WandbRun(Protocol):
    """The little of a `wandb.Run` that is used here."""

    @property
    def id(self) -> str:
        """What the run is known by; not always what was asked for (`wandb agent` gives its own)."""

    @property
    def step(self) -> int:
        """Rows the run has; more than none when it was resumed online."""

    def log(self, data: dict[str, Any]) -> None:
        """Add a row to the history."""

    def define_metric(self, name: str, step_metric: str | None = None) -> Any:
        """Say which column is the x-axis."""

    def finish(self) -> None:
        """Close the run's files."""


def check_mode(mode: str) -> None:
    """Raise `BadInput` if W&B cannot be used as asked, before anything is written."""
    choose("--wandb", mode, MODES)
    if mode == "disabled":
        return
    try:
        import wandb
    except ImportError:
        raise BadInput(f"--wandb {mode}: wandb is not installed; try --wandb disabled") from None
    if mode == "online" and not wandb.login(prompt=False):
        raise BadInput("--wandb online: expected a key in WANDB_API_KEY; try --wandb offline")


def wandb_environment(folder: Path) -> dict[str, str]:
    """Return the variables that keep every file of W&B below `folder`."""
    below = folder.absolute() / "wandb"
    names = {
        "WANDB_DIR": folder.absolute(),
        "WANDB_DATA_DIR": below / "data",
        "WANDB_CACHE_DIR": below / "cache",
        "WANDB_CONFIG_DIR": below / "config",
        "WANDB_ARTIFACT_DIR": below / "artifacts",
    }
    return {name: str(path) for name, path in names.items()}


def start_wandb(
    folder: Path,
    mode: str,
    config: Mapping[str, Any],
    *,
    group: str,
    job_type: str,
    name: str,
    tags: list[str],
    project: str = "ballpark",
) -> WandbRun | None:
    """Begin a W&B run whose files lie in `folder`, or return `None` if it is disabled.

    What an unfinished run left there is replaced: the rows of `metrics.jsonl` are handed over
    again. The run keeps its id, which lies in the run directory (`ID_FILE`). Host, paths, packages
    and machine statistics are kept out of its files.
    """
    if mode == "disabled":
        return None
    remove(folder / "wandb")
    known = _known_id(folder / ID_FILE)
    # Set before the import, which reads them; a process works on one run directory at a time.
    os.environ.update(wandb_environment(folder))
    os.environ["WANDB_DISABLE_WEAVE"] = "true"  # it takes our package `agents` for another one
    for path in wandb_environment(folder).values():
        Path(path).mkdir(parents=True, exist_ok=True)
    import wandb

    # What it would tell its own log is where things lie on this machine.
    logging.getLogger("wandb").setLevel(logging.CRITICAL + 1)
    run = wandb.init(
        project=project,
        id=known,
        resume="allow" if known is not None and mode == "online" else None,
        dir=str(folder),
        mode="online" if mode == "online" else "offline",
        config=dict(config),
        group=group,
        job_type=job_type,
        name=name,
        tags=[tag[:64] for tag in tags],
        settings=wandb.Settings(
            silent=True,
            console="off",
            host="-",
            disable_git=True,
            save_code=False,
            symlink=False,
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_disable_stats=True,
            x_save_requirements=False,
        ),
    )
    run.define_metric("global_step")
    run.define_metric("*", step_metric="global_step")
    write_json(folder / ID_FILE, {"id": run.id})
    forget_logs(folder)
    return cast(WandbRun, run)


def _known_id(path: Path) -> str | None:
    """Return the id that an earlier process was given.

    Raises:
        BadInput: If the file holds none.
    """
    if not path.exists():
        return None
    known = read_json(path).get("id")
    if not isinstance(known, str) or not re.fullmatch("[A-Za-z0-9_-]{1,128}", known):
        raise BadInput(f"{path}: expected the id of a W&B run, got {str(known)[:80]!r}")
    return known


def forget_logs(folder: Path) -> None:
    """Remove what W&B logs about itself: it tells of this machine and nobody needs it."""
    below = folder / "wandb"
    for path in [*below.glob("*run-*/logs"), *below.glob("debug*.log")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(below / "cache" / "wandb", ignore_errors=True)


def remove(folder: Path) -> None:
    """Remove a folder in which a dying process may still be at work."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
    shutil.rmtree(folder)


def history(run: Path) -> list[dict[str, Any]]:
    """Return the history of a run as its files give it to `wandb sync`, oldest row first.

    Args:
        run: A folder `offline-run-*`, or `run-*` of a run online; nothing is written there.

    Raises:
        BadInput: If W&B cannot read it.
    """
    leet = [str(Path(sys.executable).parent / "wandb"), "leet", "inspect", "--json", str(run)]
    with tempfile.TemporaryDirectory() as elsewhere:  # the command keeps a log
        env = {**os.environ, **wandb_environment(Path(elsewhere))}
        told = subprocess.run(leet, capture_output=True, text=True, check=False, env=env)
    if told.returncode:
        why = (told.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BadInput(f"{run}: expected a run as W&B keeps it, got {why}")
    records = [json.loads(line) for line in told.stdout.splitlines()]
    return [dict(r["history"]["item"]) for r in records if r["type"] == "history"]
