"""Where numbers go while an agent trains: `metrics.jsonl` first, W&B after it.

The file is the truth; W&B gets the same rows. With `disabled`, wandb need not be installed.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from stable_baselines3.common.logger import KVWriter

from commandline import BadInput, choose

MODES = ("offline", "online", "disabled")
"""How W&B is used."""


@runtime_checkable
class WandbRun(Protocol):
    """The little of a `wandb.Run` that is used here."""

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

    Host, paths, packages and machine statistics are kept out of its files.
    """
    if mode == "disabled":
        return None
    # Set before the import, which reads them; a process works on one run directory at a time.
    os.environ.update(wandb_environment(folder))
    os.environ["WANDB_DISABLE_WEAVE"] = "true"  # it takes our package `agents` for another one
    for path in wandb_environment(folder).values():
        Path(path).mkdir(parents=True, exist_ok=True)
    import wandb

    run = wandb.init(
        project=project,
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
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_disable_stats=True,
            x_save_requirements=False,
        ),
    )
    run.define_metric("global_step")
    run.define_metric("*", step_metric="global_step")
    return cast(WandbRun, run)


class MetricsWriter(KVWriter):
    """Appends one JSON object a row to `metrics.jsonl`, then hands the row to W&B.

    Every row has `global_step`, in agent steps. A number that is not finite becomes `null`: JSON
    has no word for it.

    Args:
        path: The file; rows are appended.
        run: A W&B run, or `None`.
    """

    def __init__(self, path: Path, run: WandbRun | None) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._run = run

    def write(
        self,
        key_values: dict[str, Any],
        key_excluded: dict[str, tuple[str, ...]],
        step: int = 0,
    ) -> None:
        """Write a row; called by SB3's logger with what was recorded since the last one."""
        self.row(step, key_values)

    def row(self, step: int, values: Mapping[str, Any]) -> None:
        """Write a row at agent step `step`."""
        row = {"global_step": step, **{k: _plain(v) for k, v in values.items()}}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        if self._run is not None:
            self._run.log(row)

    def close(self) -> None:
        """Close the file; W&B is finished by whoever started it."""
        self._file.close()


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool | int) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else None


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a `metrics.jsonl`.

    Raises:
        BadInput: If a line is not a JSON object with a `global_step`; the message names the line.
    """
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(f"{path}: expected a metrics file, got {error}") from None
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            if not isinstance(row["global_step"], int):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"{path}:{number}: expected a row with global_step") from None
        rows.append(row)
    return rows
