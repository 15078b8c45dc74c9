"""Rows go to metrics.jsonl, and the same rows to W&B; read back from the real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.logger import Logger

from commandline import BadInput
from reporting.tracking import MetricsWriter, read_metrics
from reporting.wandb_run import check_mode, wandb_environment

WANDB_RUN = """
import sys
from pathlib import Path
from reporting.tracking import MetricsWriter
from reporting.wandb_run import start_wandb
folder = Path(sys.argv[1])
run = start_wandb(folder, "offline", {"game": "pong", "settings": {"steps": 7}},
                  group="pong/gap", job_type="train", name="pong/gap/seed0", tags=["pong", "abc"])
writer = MetricsWriter(folder / "metrics.jsonl", run)
for step in (0, 500, 1000):
    writer.row(step, {"train/loss": step / 2, "eval/score_mean": None})
writer.close()
run.finish()
"""


def inspect(folder: Path) -> list[dict[str, Any]]:
    """Return the records of the offline run below `folder`, as `wandb leet` reads them."""
    leet = [str(Path(sys.executable).parent / "wandb"), "leet", "inspect", "--json"]
    runs = list((folder / "wandb").glob("offline-run-*"))
    assert len(runs) == 1
    env = {**os.environ, **wandb_environment(folder)}
    told = subprocess.run(
        [*leet, str(runs[0])], capture_output=True, text=True, check=True, env=env
    )
    return [json.loads(line) for line in told.stdout.splitlines()]


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run logged offline, in a process and with a home folder of its own."""
    folder, home = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("home")
    env = {**os.environ, "HOME": str(home)}
    env.pop("WANDB_API_KEY", None)
    done = subprocess.run(
        [sys.executable, "-c", WANDB_RUN, str(folder)],
        capture_output=True, text=True, check=True, env=env, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stderr == "", "W&B talks into the progress bars"
    return folder, home


def test_the_offline_run_has_config_history_and_names(offline: tuple[Path, Path]) -> None:
    records = inspect(offline[0])
    run = next(r["run"] for r in records if r["type"] == "run")
    assert run["config"]["update"]["settings"]["steps"] == 7
    assert (run["run_group"], run["job_type"]) == ("pong/gap", "train")
    assert (run["display_name"], run["tags"]) == ("pong/gap/seed0", ["pong", "abc"])
    history = [r["history"]["item"] for r in records if r["type"] == "history"]
    assert [row["global_step"] for row in history] == [0, 500, 1000]
    assert [row["train/loss"] for row in history] == [0, 250, 500]
    metrics = [r["metric"] for r in records if r["type"] == "metric"]
    assert any(m.get("glob_name") == "*" and m["step_metric"] == "global_step" for m in metrics)


def test_nothing_is_written_outside_the_run_directory(offline: tuple[Path, Path]) -> None:
    folder, home = offline
    assert not [p for p in home.rglob("*") if p.is_file()]
    assert {p.name for p in folder.iterdir()} == {"metrics.jsonl", "wandb", "wandb.json"}


def test_rows_are_appended_as_json_with_the_step(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    writer = MetricsWriter(path, None)
    logger = Logger(None, [writer])
    logger.record("a", np.float32(1.5))
    logger.record("b", float("nan"))
    logger.record("c", 3)
    logger.dump(7)
    writer.row(8, {"d": None})
    writer.close()
    assert read_metrics(path) == [
        {"global_step": 7, "a": 1.5, "b": None, "c": 3},
        {"global_step": 8, "d": None},
    ]


@pytest.mark.parametrize("line", ["{", "[]", "3", "{}", '{"global_step": "x"}'])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"global_step": 1}\n' + line + "\n")
    with pytest.raises(BadInput, match=r"metrics.jsonl:2: expected a row with global_step"):
        read_metrics(path)


def test_disabled_needs_no_wandb() -> None:
    """With the module made unimportable, disabled works and the other modes say what to do."""
    code = (
        "import sys; sys.modules['wandb'] = None\n"
        "from pathlib import Path\n"
        "import train\n"
        "from reporting.wandb_run import check_mode, start_wandb\n"
        "check_mode('disabled')\n"
        "names = dict(group='', job_type='', name='', tags=[])\n"
        "assert start_wandb(Path('.'), 'disabled', {}, **names) is None\n"
        "try:\n    check_mode('offline')\n"
        "except ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout == "--wandb offline: wandb is not installed; try --wandb disabled\n"


def test_unknown_mode() -> None:
    with pytest.raises(BadInput, match="--wandb: expected one of offline, online, disabled"):
        check_mode("maybe")
