"""Rows go to metrics.jsonl, and the same rows to W&B; read back from the real files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.logger import Logger

from commandline import BadInput
from reporting.tracking import MetricsWriter, read_metrics, rewind
from reporting.wandb_run import check_mode, start_wandb
from tests.studies.processes import inspect

WANDB_RUN = """
import sys
import tempfile
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


def test_what_wandb_logs_about_itself_is_gone_and_the_id_is_kept(
    offline: tuple[Path, Path],
) -> None:
    folder, _ = offline
    assert not [p for p in (folder / "wandb").rglob("*") if p.suffix == ".log" or p.is_symlink()]
    known = json.loads((folder / "wandb.json").read_text())["id"]
    assert next(r["run"] for r in inspect(folder) if r["type"] == "run")["run_id"] == known


def test_a_run_begun_again_replaces_what_lay_there_under_the_same_id(
    offline: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(offline[0], folder)
    before = (folder / "wandb.json").read_text()
    (folder / "metrics.jsonl").unlink()
    words = [sys.executable, "-c", WANDB_RUN, str(folder)]
    subprocess.run(words, check=True, cwd=Path(__file__).parents[2])
    assert (folder / "wandb.json").read_text() == before
    history = [r["history"]["item"] for r in inspect(folder) if r["type"] == "history"]
    assert [row["global_step"] for row in history] == [0, 500, 1000], "one run, each row once"


@pytest.mark.parametrize("content", ["{}", '{"id": 3}', '{"id": "../x"}', '{"id": ""}', "["])
def test_an_id_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "wandb.json").write_text(content)
    with pytest.raises(BadInput, match=r"wandb.json: expected"):
        start_wandb(tmp_path, "offline", {}, group="", job_type="", name="", tags=[])


class Server:
    """Stands for a W&B server, of which there is none here: keeps what it was sent."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows, self.step, self.id = rows, len(rows), "abc"

    def log(self, data: dict[str, Any]) -> None:
        self.rows.append(data)

    def define_metric(self, name: str, step_metric: str | None = None) -> None: ...

    def finish(self) -> None: ...


def test_online_a_row_is_sent_when_a_checkpoint_stands_behind_it(tmp_path: Path) -> None:
    path, sent = tmp_path / "metrics.jsonl", list[dict[str, Any]]()
    writer = MetricsWriter(path, Server(sent), hold=True)
    writer.row(1, {"a": 1})
    writer.row(2, {"a": 2})
    mark = writer.mark()
    assert sent == []
    writer.release()
    writer.row(3, {"a": 0})  # the run is killed; this row will be written anew
    writer.close()

    kept = rewind(path, mark)
    del sent[1]  # the second row had not reached the server
    writer = MetricsWriter(path, Server(sent), kept, hold=True)
    writer.row(3, {"a": 3})
    writer.attach({"video": 1})
    writer.close()
    assert [*read_metrics(path), {"video": 1}] == sent
    again = MetricsWriter(path, Server(sent), read_metrics(path), hold=True)
    again.attach({"video": 1})  # killed after that, it does it all again
    again.close()
    assert sent == [*({"global_step": s, "a": s} for s in (1, 2, 3)), {"video": 1}]


def test_rewinding_cuts_half_a_row_and_refuses_what_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    writer = MetricsWriter(path, None)
    writer.row(1, {"a": 1})
    mark = writer.mark()
    writer.row(2, {"a": 2})
    writer.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert rewind(path, mark) == [{"global_step": 1, "a": 1}]
    assert path.stat().st_size == mark.size
    path.write_bytes(whole.replace(b"1", b"7"))
    with pytest.raises(BadInput, match=r"metrics.jsonl was changed"):
        rewind(path, mark)
    assert path.stat().st_size == len(whole), "nothing was cut"
    assert rewind(path, None) == []


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


@pytest.mark.parametrize(
    "line", ["{", "[]", "3", "{}", '{"global_step": "x"}', '{"global_step": true}', "[" * 50_000]
)
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
