"""What can happen to a run, made to happen: kills, crashes, full disks, odd clocks, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import train
from commandline import BadInput
from reporting.wandb_run import history
from studies.running.directory import State, state
from studies.running.lock import NAME, check_free, locked
from studies.running.run import differences
from tests.studies.processes import ROOT, finish, rows, start, wait_for, workers

CATCH = ["--preset", "demo", "--game", "catch", "--readout-every", "0",
         "--steps", "600", "--eval-games", "2"]  # fmt: skip
SMALL = [*CATCH, "--extractor", "gap@0.5"]


def run_of(out: Path, row: str = "gap@0.5") -> Path:
    return next((out / "demo" / "catch").glob(f"{row}*"), out / "demo" / "catch" / row) / "seed0"


CRASH = """
import multiprocessing, os, signal
from agents.extractors import ZooExtractor
from agents.architectures import find

class Crash(ZooExtractor):
    def __init__(self, observation_space):
        super().__init__(observation_space, find("gap@0.5"))
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_workers_are_tried_again_a_few_times_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "crash.py").write_text(CRASH)
    rows_of_zoo = ["--extractor", "gap@0.5", f"{tmp_path}/crash.py:Crash", "--workers", "2"]
    process = start(*CATCH, *rows_of_zoo, "--wandb", "disabled", "--out", str(tmp_path))
    wait_for((run_of(tmp_path) / NAME).exists)
    victim = next(
        w for w in workers(process.pid)
        if any(f.path == str(run_of(tmp_path) / NAME) for f in w.open_files())
    )  # fmt: skip
    victim.kill()
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 1, "the grid's exit status tells that a run failed"
    assert "catch/gap@0.5/seed0: killed (exit status -9); tried again (1 of 2)" in told
    assert "catch/gap@0.5/seed0: finished" in told
    assert (run_of(tmp_path) / "agent.json").exists()
    assert "tried again (2 of 2)" in told
    assert re.search(r"failed: demo/catch/Crash\S*: killed 3 times \(exit status -9\)", told)


def test_a_run_killed_before_its_first_file_is_no_stranger(tmp_path: Path) -> None:
    spec = train.plan(train.Arguments(game=["catch"], preset="demo", out=tmp_path))[0]
    spec.directory.mkdir(parents=True)
    for name in (NAME, "config.json.tmp"):
        (spec.directory / name).touch()
        assert state(spec) is State.ABSENT
    (spec.directory / "thesis.txt").touch()
    with pytest.raises(BadInput, match="exists and holds no run"):
        state(spec)


def test_going_on_with_something_else_is_said() -> None:
    before = {"execution": {"threads": 1, "device": "cpu"}, "versions": {"torch": "1"}}
    now = {"execution": {"threads": 2, "device": "cpu"}, "versions": {"torch": "1"}}
    assert differences(before, before) == []
    assert differences(before, now) == ["goes on with threads 2, began with 1"]
    assert differences({}, now)[0] == "goes on with device cpu, began with None"
    of = {commit: {**before, "commit": commit} for commit in ("a1b2c3", "a1b2c3+", None)}
    (note,) = differences(of["a1b2c3"], of["a1b2c3+"])
    assert note == "goes on with commit a1b2c3+, began with a1b2c3"
    assert differences(of["a1b2c3"], of[None]) == [], "without git nobody knows"
    assert differences(before, of["a1b2c3"]) == []


HOLD = """
import sys, time
from pathlib import Path
from studies.running.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(100)
"""


def test_a_second_process_is_refused_and_the_lock_dies_with_its_owner(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    run.mkdir(parents=True)
    words = [sys.executable, "-c", HOLD, str(run)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(BadInput, match="expected a run nobody works on") as caught:
            train.main([*SMALL, "--out", str(tmp_path)])
        assert "\n" not in str(caught.value)
        with pytest.raises(BadInput), locked(run):
            pass
        assert [p.name for p in run.iterdir()] == [NAME], "nothing was written"
        owner.kill()
    check_free(run)  # the file is still there, the lock is not
    assert (run / NAME).exists()
    with locked(run), pytest.raises(BadInput):
        check_free(run)
    assert not (run / NAME).exists()


def test_ctrl_c_twice_stops_now(tmp_path: Path) -> None:
    """Asked once, it would first play its 100,000 games of evaluation."""
    words = [*SMALL[:-4], "--eval-games", "20000", "--wandb", "disabled", "--out", str(tmp_path)]
    process = start(*words, start_new_session=True)
    wait_for((tmp_path / "demo/catch/nature/seed0/metrics.jsonl").exists)
    (worker,) = workers(process.pid)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process
        time.sleep(0.3)
    told, wrong = process.communicate(timeout=20)
    assert process.returncode == 130, (told, wrong)
    assert "again to stop now" in wrong
    assert "Traceback" not in wrong
    wait_for(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, 20)


def test_a_worker_without_launcher_saves_and_a_damaged_checkpoint_gives_way(tmp_path: Path) -> None:
    words = [*SMALL[:6], "--steps", "1600", *SMALL[8:], "--wandb", "disabled"]
    words += ["--checkpoint-every", "300", "--out", str(tmp_path)]
    process = start(*words)
    run = run_of(tmp_path)
    wait_for(lambda: len(list((run / "checkpoint").glob("[0-9]" * 12))) == 2)
    (worker,) = workers(process.pid)
    process.kill()
    process.communicate()
    wait_for(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    check_free(run)
    assert not (run / "error.txt").exists()
    assert not (run / "agent.json").exists()
    newest = max((run / "checkpoint").glob("[0-9]" * 12))
    (newest / "policy.safetensors").write_bytes(b"gone")
    status, told, wrong = finish(*words)
    assert (status, wrong) == (0, ""), told
    (note,) = json.loads((run / "config.json").read_text())["incidents"]
    assert f"checkpoint at agent step {int(newest.name):,}: policy.safetensors: expected" in note
    assert note in told
    assert not (run / "checkpoint").exists(), "a finished run needs none"


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    words = [*SMALL, "--wandb", "disabled", "--checkpoint-every", "300", "--out", str(tmp_path)]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))

    status, told, wrong = finish(*words, preexec_fn=limit)
    assert status == 1
    (line,) = [line for line in told.splitlines() if line.startswith("failed: ")]
    assert "no space left" in line
    assert "the same command goes on" in line
    assert "Traceback" not in told + wrong
    assert not list(tmp_path.rglob("*.new"))


BACKWARDS = """
import time
_start, _real, _calls = time.time(), time.time, [0]
def _time():
    _calls[0] += 1
    return _start - 3600 * _calls[0]
time.time = _time
time.time_ns = lambda: int(_time() * 1e9)
"""


def test_a_clock_that_goes_backwards_shows_nowhere(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BACKWARDS)
    env = {"PYTHONPATH": str(tmp_path / "site")}
    status, told, wrong = finish(
        *SMALL, "--checkpoint-every", "300", "--out", str(tmp_path), env=env
    )
    assert (status, wrong) == (0, ""), told
    run = run_of(tmp_path)
    rates = [r["time/steps_per_second"] for r in rows(run) if "time/steps_per_second" in r]
    assert rates
    assert all(0 < rate < 1e6 for rate in rates)
    assert not re.search(r"-\d+ (s|min|h) left", told)
    steps = [row["global_step"] for row in rows(run)]
    assert steps == sorted(steps)
    (offline,) = (run / "wandb").glob("offline-run-*")
    uploaded = [row["global_step"] for row in history(offline)]
    assert uploaded == [*steps, steps[-1]], "each row once, in order, and the video"


PLANTED = "0123456789abcdef0123456789abcdef01234567"
BOOM = """
import multiprocessing, os
from agents.extractors import ZooExtractor
from agents.architectures import find

class Boom(ZooExtractor):
    def __init__(self, observation_space):
        super().__init__(observation_space, find("gap@0.5"))
        if multiprocessing.parent_process() is not None:
            raise RuntimeError(f"{os.environ['WANDB_API_KEY']} at {os.path.expanduser('~/x')}")
"""


def test_no_key_and_no_home_is_in_any_file(tmp_path: Path) -> None:
    """Everything lies below the home folder, as it does for most people."""
    home = tmp_path / "home-of-somebody"
    out = home / "ballpark" / "runs"
    out.mkdir(parents=True)
    (home / "boom.py").write_text(BOOM)
    secrets = {"WANDB_API_KEY": PLANTED, "MY_SECRET_TOKEN": "correct-horse-battery"}
    env = {"HOME": str(home), **secrets}

    def leaks() -> list[str]:
        found = []
        for path in out.rglob("*"):
            if path.is_symlink():
                content = os.readlink(path).encode()
            elif path.is_file():
                content = path.read_bytes()
            else:
                continue
            words = (PLANTED, "correct-horse-battery", "home-of-somebody")
            found += [f"{path.name}: {w}" for w in words if w.encode() in content]
        return found

    rows_of_zoo = ["--extractor", "gap@0.5", f"{home}/boom.py:Boom"]
    process = start(*CATCH, *rows_of_zoo, "--out", str(out), env=env)
    wait_for(lambda: (run_of(out) / "wandb.json").exists())
    while process.poll() is None:  # a run that is killed now leaves what lies there now
        time.sleep(0.2)
        assert leaks() == []
    told, wrong = process.communicate()
    assert process.returncode == 1, (told, wrong)
    text = (run_of(out, "Boom") / "error.txt").read_text()
    assert "RuntimeError: *** at ~/x" in text
    assert '"~/boom.py"' in text
    assert PLANTED not in told + wrong
    assert leaks() == []
    (home / "leak").write_text(PLANTED)
    out = home
    assert leaks(), "a leak would be seen"
