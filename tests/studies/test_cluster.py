"""A real Ray cluster of two nodes on this machine: one dies, one is stopped, one sees no folder.

Not part of `make test`: `make test-cluster` installs Ray first.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from studies.verify_resume import differences
from tests.studies.processes import ROOT, finish, start, wait_for

pytestmark = pytest.mark.cluster

CATCH = ["--preset", "demo", "--game", "catch", "--extractor", "gap@0.5", "--eval-games", "4"]
STUDY = [*CATCH, "--steps", "2400", "--checkpoint-every", "300", "--seed", "0", "1", "2"]
QUIET = ["--wandb", "disabled"]


def free_port() -> int:
    """Return a port above those that Ray gives to its workers."""
    for port in range(26_379, 32_000, 7):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("no port is free")


class Node:
    """One `ray start`, as on a machine of its own."""

    def __init__(self, log: Path, *words: str, before: str = "") -> None:
        ray = str(Path(sys.executable).parent / "ray")
        command = [ray, "start", "--block", "--num-cpus=1", "--disable-usage-stats",
                   "--object-store-memory=80000000", "--memory=4000000000", *words]  # fmt: skip
        if before:
            command = ["unshare", "-m", "sh", "-c", f'{before} && exec "$@"', "sh", *command]
        # Notices a death sooner than the 15 s it takes by default.
        env = {**os.environ, "RAY_health_check_period_ms": "1000"}
        with log.open("wb") as told:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=told, stderr=subprocess.STDOUT, env=env
            )
        wait_for(lambda: b"runtime started" in log.read_bytes() or self.process.poll() is not None)
        assert self.process.poll() is None, log.read_text()

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def training(self) -> list[int]:
        """Return the processes in which it trains a run now."""
        found = []
        for process in self.processes():
            with_lock = False
            try:
                with_lock = any(Path(f.path).name == "lock" for f in process.open_files())
            except psutil.Error:
                continue
            found += [process.pid] if with_lock else []
        return found

    def lose_ray(self) -> None:
        """End Ray there, and leave what it had begun to find that out."""
        for process in self.processes():
            if process.name() == "raylet":
                process.kill()

    def die(self) -> None:
        """End all of it at once, as when its plug is pulled."""
        for process in [*self.processes(), psutil.Process(self.process.pid)]:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()


@pytest.fixture(scope="module", autouse=True)
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have nodes and commands know each other by a token of their own, whatever lies at home."""
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(secrets.token_hex(32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
        yield


@contextmanager
def head(folder: Path) -> Iterator[tuple[str, Node]]:
    port = free_port()
    node = Node(folder / "head.log", "--head", f"--port={port}", "--include-dashboard=false")
    try:
        yield f"127.0.0.1:{port}", node
    finally:
        node.die()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Node]]:
    with head(tmp_path_factory.mktemp("ray")) as found:
        yield found


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same study, trained by processes of this machine."""
    out = tmp_path_factory.mktemp("local")
    status, told, wrong = finish(*STUDY, *QUIET, "--workers", "2", "--out", str(out))
    assert status == 0, (told, wrong)
    return out / "demo" / "catch" / "gap@0.5"


def newest(run: Path) -> int:
    return max((int(p.name) for p in (run / "checkpoint").glob("[0-9]" * 12)), default=0)


def test_a_node_is_killed_and_nothing_is_lost_or_done_twice(
    cluster: tuple[str, Node], local: Path, tmp_path: Path
) -> None:
    address, _ = cluster
    out = tmp_path / "runs"
    runs = out / "demo" / "catch" / "gap@0.5"
    second = Node(tmp_path / "second.log", f"--address={address}")
    process = start(*STUDY, *QUIET, "--ray", address, "--out", str(out))
    try:
        wait_for(lambda: second.training() or process.poll() is not None)
        (victim,) = second.training()
        lock = next(
            f.path for f in psutil.Process(victim).open_files() if Path(f.path).name == "lock"
        )
        hit = Path(lock).parent
        wait_for(lambda: newest(hit) >= 600)
        saved = newest(hit)
        state = json.loads((hit / "checkpoint" / f"{saved:012d}" / "state.json").read_text())
        before = (hit / "metrics.jsonl").read_bytes()[: state["run"]["metrics"]["size"]]
        second.lose_ray()
        told, wrong = process.communicate(timeout=300)
    finally:
        second.die()
    assert process.returncode == 0, (told, wrong)
    assert wrong == ""
    name = f"demo/catch/gap@0.5/{hit.name}"
    assert told.count(f"{name}: killed (its machine died); tried again (1 of 10)") == 1, told
    assert not psutil.pid_exists(victim)
    assert told.count("tried again") == 1, "the others were left alone"
    for seed in range(3):
        assert told.count(f"gap@0.5/seed{seed}: finished") == 1
        assert differences(local / f"seed{seed}", runs / f"seed{seed}", wandb=False) == []
        assert not (runs / f"seed{seed}" / "lock").exists()
    # Rates are measured anew whenever steps are: these rows are still those of the dead node.
    assert b"time/steps_per_second" in before
    assert (hit / "metrics.jsonl").read_bytes().startswith(before)
    assert not list(out.glob(".visible-*"))


def test_ctrl_c_saves_and_either_backend_goes_on(
    cluster: tuple[str, Node], local: Path, tmp_path: Path
) -> None:
    """One run at work, two that wait for room."""
    address, only = cluster
    runs = tmp_path / "demo" / "catch" / "gap@0.5"
    process = start(
        *STUDY, *QUIET, "--ray", address, "--out", str(tmp_path), start_new_session=True
    )
    wait_for(lambda: newest(runs / "seed0") >= 300 or process.poll() is not None)
    os.killpg(process.pid, signal.SIGINT)
    told, wrong = process.communicate(timeout=60)
    assert process.returncode == 130, (told, wrong)
    assert "interrupted: 3; the same command goes on" in told
    assert wrong == "stopping: each run writes its checkpoint; again to stop now\n"
    assert 300 < newest(runs / "seed0") < 2400
    assert not (runs / "seed0" / "lock").exists()
    assert only.training() == []
    status, told, wrong = finish(*STUDY[:-2], *QUIET, "--out", str(tmp_path))
    assert (status, wrong) == (0, ""), told
    assert "goes on from its last checkpoint" in told
    assert differences(local / "seed0", runs / "seed0", wandb=False) == []


def test_time_is_up_and_the_same_command_goes_on(cluster: tuple[str, Node], tmp_path: Path) -> None:
    address, _ = cluster
    words = [*CATCH, "--steps", "400000", *QUIET, "--out", str(tmp_path), "--ray", address]
    began = time.monotonic()
    status, told, wrong = finish(*words, "--time-budget", "20s")
    taken = time.monotonic() - began
    assert (status, wrong) == (75, ""), told
    reached = newest(tmp_path / "demo" / "catch" / "gap@0.5" / "seed0")
    assert f"left {400_000 - reached:,} of 400,000 agent steps" in told
    assert taken < 20 + 12, (
        "what comes before and after the budget is a process's beginning and end"
    )


CAN_HIDE = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)


@pytest.mark.skipif(CAN_HIDE.returncode != 0, reason="mounting is not allowed here")
def test_a_node_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    """All room is on a node with something else in the place of the folder."""
    out = tmp_path / "runs"
    out.mkdir()
    with head(tmp_path) as (address, _):
        busy = Node(
            tmp_path / "blind.log", f"--address={address}", "--num-gpus=0",
            before=f"mount -t tmpfs none {out}",
        )  # fmt: skip
        try:
            words = [*STUDY, "--seed", "0", "1", *QUIET, "--ray", address, "--out", str(out)]
            status, told, wrong = finish(*words)
        finally:
            busy.die()
    assert status == 1, (told, wrong)
    (line,) = [line for line in told.splitlines() if line.startswith("failed: ")]
    assert "--out: expected a folder that all machines share" in line
    assert re.search(rf"does not see {out}$", line)
    assert told.count(": finished") == 1, "the machine that sees it did its part"


def test_addresses(tmp_path: Path) -> None:
    for address, message in {
        "somewhere": "--ray: expected auto, local or host:port, got 'somewhere'",
        "127.0.0.1:1": "--ray 127.0.0.1:1: expected a Ray cluster there, got ",
    }.items():
        status, told, wrong = finish(*CATCH, "--ray", address, "--out", str(tmp_path / "runs"))
        assert (status, told) == (2, ""), wrong
        assert message in wrong
        assert wrong.count("\n") == 1
        assert not (tmp_path / "runs").exists()


SLOW_THEN_GONE = """
import sys, time
from pathlib import Path
import commandline
from studies.launching import ray_task
from studies.launching.board import Board
from studies.launching.on_ray import Cluster, Share
from studies.running.conductor import Progress
from studies.running.worker import Options
from tests.studies.staying import Stay

class Slow(Board):
    def tell(self, key, message):
        time.sleep(0.5)
        super().tell(key, message)

def say_little(job, options, report, stop):
    report(Progress(0, 0.0, None, "at work"))
    print("asked to stop:", stop.is_set())
    stop.set()  # here it has no process of its own, with which its listening would end

def main():
    folder = Path(sys.argv[1])
    cluster = Cluster("local", folder, Share(1.0))
    slow = cluster.ray.remote(num_cpus=0)(Slow).remote()
    ray_task.ANSWER = 0.1
    options = Options(1, "disabled", "cpu", 1)
    with cluster.session():
        ray_task.on_machine(Stay(folder), say_little, options, "key", slow, cluster.place)
    print("heard:", len(cluster.ray.get(slow.take.remote())))
    cluster.ray.kill(cluster.board)
    cluster.collect()

commandline.run(main)
"""


def test_a_slow_launcher_is_no_dead_one_and_a_dead_one_no_typing_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SLOW_THEN_GONE, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["asked to stop: False", "heard: 2"], done.stderr
    assert done.returncode == 1
    assert re.fullmatch(r"\S+: error: the cluster has gone \(.*\); the same .*\n", done.stderr)
