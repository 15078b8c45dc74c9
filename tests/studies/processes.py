"""The two commands as real processes, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from reporting.wandb_run import wandb_environment

ROOT = Path(__file__).resolve().parents[2]


def start(
    *words: str, env: Mapping[str, str] | None = None, script: str = "train.py", **more: Any
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / script), *words], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(env or {})}, **more,
    )  # fmt: skip


def finish(*words: str, **more: Any) -> tuple[int, str, str]:
    process = start(*words, **more)
    told, wrong = process.communicate(timeout=300)
    return process.returncode, told, wrong


def rows(run: Path) -> list[dict[str, Any]]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def workers(launcher: int) -> list[psutil.Process]:
    """Return the processes in which the runs of a launcher are trained."""
    found = []
    for process in psutil.Process(launcher).children():
        try:
            found += [process] if "spawn_main" in " ".join(process.cmdline()) else []
        except psutil.NoSuchProcess:
            continue
    return found


def wait_for(condition: Callable[[], Any], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.05)


def inspect(folder: Path) -> list[dict[str, Any]]:
    """Return the records of the offline run below `folder`, as `wandb leet` reads them."""
    leet = [str(Path(sys.executable).parent / "wandb"), "leet", "inspect", "--json"]
    runs = list((folder / "wandb").glob("offline-run-*"))
    assert len(runs) == 1
    with tempfile.TemporaryDirectory() as elsewhere:  # the command keeps a log
        env = {**os.environ, **wandb_environment(Path(elsewhere))}
        told = subprocess.run(
            [*leet, str(runs[0])], capture_output=True, text=True, check=True, env=env
        )
    return [json.loads(line) for line in told.stdout.splitlines()]
