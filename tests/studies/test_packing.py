"""How many jobs fit, worked out by hand."""

from __future__ import annotations

import gc
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import train
from agents.dqn import BallparkDQN
from commandline import BadInput
from studies.launching.packing import (
    Need,
    Room,
    cores,
    fit,
    fit_on_nodes,
    gpu_bytes,
    need_of,
    room_here,
)
from studies.running.directory import config
from studies.running.memory import free_memory
from studies.running.preflight import CUDA_HOST_BYTES, RUN_BYTES, host_bytes, lines, until_all_done
from studies.running.trial import Trial, Trials, work

GB = 10**9


@pytest.mark.parametrize(
    ("need", "room", "runs"),
    [
        (Need(1, GB), Room(8, 100 * GB), 8),  # cores decide
        (Need(2, GB), Room(7, 100 * GB), 3),
        (Need(4, GB), Room(2, 100 * GB), 1),  # threads share
        (Need(1, GB), Room(64, 10 * GB), 9),  # a tenth is spared
        (Need(1, GB), Room(64, GB), 0),
        (Need(1, GB, 2 * GB), Room(64, 100 * GB, 24 * GB), 10),  # 21.6 / 2
        (Need(1, GB, 2 * GB), Room(4, 100 * GB, 24 * GB), 4),
        (Need(1, GB, 2 * GB), Room(64, 100 * GB, 2 * GB), 0),
        (Need(1, GB, 0), Room(3, 100 * GB, 0), 3),  # a CPU has no such memory and needs none
    ],
)
def test_fit(need: Need, room: Room, runs: int) -> None:
    assert fit(need, room) == runs


def test_fit_on_nodes() -> None:
    nodes = [
        {"CPU": 3.0, "memory": 10.0 * GB},  # two of one and a half cores
        {"CPU": 8.0, "memory": 2.5 * GB, "GPU": 1.0},  # two, for memory
        {"CPU": 1.0, "memory": 50.0 * GB},  # none: what is left of cores is not added up
        {"memory": 50.0 * GB},
    ]
    share = {"CPU": 1.5, "GPU": 0.0, "memory": float(GB)}
    assert fit_on_nodes(share, nodes) == 2 + 2
    assert fit_on_nodes({**share, "GPU": 0.1}, nodes) == 2
    assert fit_on_nodes({"CPU": 0.1}, [{"CPU": 0.3}]) == 3, "not 2, as fractions would have it"


def test_the_largest_run_decides_and_a_gpu_keeps_its_replay(tmp_path: Path) -> None:
    def plan(size: int, compression: str | None = None) -> train.RunSpec:
        asked = train.Arguments(game=["catch"], replay_size=size, out=tmp_path)
        return train.plan(replace(asked, replay_compression=compression))[0]

    small, large = plan(1_000), plan(50_000)
    assert host_bytes([small, large], "cpu") == host_bytes([large], "cpu")
    more = host_bytes([large], "cpu") - host_bytes([small], "cpu")
    assert more == pytest.approx(49_000 * 7_064, rel=0.01)
    assert host_bytes([small], "cpu") > RUN_BYTES
    assert host_bytes([large], "cuda") == CUDA_HOST_BYTES
    assert host_bytes([plan(50_000, "zlib")], "cuda") > CUDA_HOST_BYTES, "compressed it stays"
    assert gpu_bytes([large], Trials("cpu", 1)) == 0


def test_what_this_machine_has() -> None:
    room = room_here("cpu")
    assert room.cores >= 1
    assert room.memory > 10**8
    assert room.gpu_memory == 0


def test_cores_where_processes_are_not_tied_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cores() == os.cpu_count()


VERSION_1 = ("memory", ("memory.limit_in_bytes", "memory.usage_in_bytes"), "total_inactive_file")
VERSION_2 = (".", ("memory.max", "memory.current"), "inactive_file")


def control_group(folder: Path, version: tuple[str, tuple[str, str], str], **groups: str) -> Path:
    """Write control groups as Linux shows them: limit, what is taken, what of that are files."""
    below, names, files = version
    for group, given in groups.items():
        limit, taken, cached = given.split()
        place = folder / below / group.replace("_", "/").removeprefix("root")
        place.mkdir(parents=True, exist_ok=True)
        for name, value in zip(names, (limit, taken), strict=True):
            (place / name).write_text(f"{value}\n")
        (place / "memory.stat").write_text(f"anon 5\n{files} {cached}\n")
    return folder


@pytest.mark.parametrize(
    ("version", "own", "groups", "left"),
    [
        # A batch system limits the job, not the step in it: what is left of both counts.
        (VERSION_2, "0::/job/step", {"job": "900 500 30", "job_step": "max 400 0"}, 430),
        (VERSION_2, "0::/job/step", {"job": "900 500 0", "job_step": "700 400 0"}, 300),
        (VERSION_2, "0::/", {"root": "800 900 0"}, 0),
        # A container sees the root of its groups where others see a path.
        (VERSION_1, "4:memory:/docker/abc", {"root": "900 100 7"}, 807),
        (
            VERSION_1,
            "7:cpu,memory:/job",
            {"job": "600 100 0", "root": "99999999999999999 1 0"},
            500,
        ),
        (VERSION_1, "0::/job", {"root": "9 0 0"}, None),
        (VERSION_2, "0::/job", {"job": "max 400 0"}, None),
        (VERSION_2, "nonsense", {"root": "9 0 0"}, None),
    ],
)
def test_memory_that_a_control_group_grants(
    tmp_path: Path,
    version: tuple[str, tuple[str, str], str],
    own: str,
    groups: dict[str, str],
    left: int | None,
) -> None:
    (tmp_path / "own").write_text(f"12:pids:/x\n{own}\n")
    found = free_memory(control_group(tmp_path / "cgroup", version, **groups), tmp_path / "own")
    assert found == left if left is not None else found > 10**8


def test_a_machine_without_control_groups(tmp_path: Path) -> None:
    assert free_memory(tmp_path, tmp_path / "none") > 10**8


def test_runs_are_tried_once_and_leave_no_agent_behind(tmp_path: Path) -> None:
    asked = train.Arguments(game=["catch"], extractor=["gap@0.125"], out=tmp_path, seed=[0, 1])
    one, two = train.plan(asked)
    trials = Trials("cpu", 1)
    need_of([one, two], trials)
    assert not trials.made, "a CPU has no memory of its own to find out about"
    lines([one, two], 2, trials, tmp_path)
    (made,) = trials.made.values()
    assert made.seconds_a_step > 0
    assert trials.of(two) is made
    assert not any(type(thing) is BallparkDQN for thing in gc.get_objects())


@pytest.mark.parametrize(
    ("workers", "words"), [(4, "2 at a time: at least 40 s; "), (1, "1 at a time: about 80 s; ")]
)
def test_runs_that_share_a_card_take_longer_than_each_alone(
    tmp_path: Path, workers: int, words: str
) -> None:
    asked = train.Arguments(game=["catch"], steps=4_000, out=tmp_path, seed=[0, 1])
    specs = train.plan(asked)
    trials = Trials("cuda", 1)
    trials.made[work(specs[0])] = Trial(0.01, GB)
    *_, last = lines(specs, workers, trials, tmp_path)
    assert last.startswith(f"2 runs, {words}")
    assert gpu_bytes(specs, trials) > GB, "the memory is that of the same trial"


def test_a_run_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    words = ["--workers", "0", "--replay-size", "100000000000", "--out", str(tmp_path / "runs")]
    with pytest.raises(BadInput, match="--workers: expected room for one run at least"):
        train.main(words)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("seconds", "at_a_time", "until"),
    [
        ([10.0, 40.0, 30.0], 2, 40.0),  # the third from 10 to 40
        ([1.0, 1.0, 100.0], 2, 101.0),  # the longest is begun last, and no worker shares it
        ([5.0, 5.0, 5.0], 1, 15.0),
        ([5.0], 4, 5.0),
        ([], 1, 0.0),
    ],
)
def test_until_all_is_done(seconds: list[float], at_a_time: int, until: float) -> None:
    assert until_all_done(seconds, at_a_time) == until


def test_what_is_told_beforehand_counts_what_is_left(tmp_path: Path) -> None:
    """A run of a million steps that has all of them behind it, one of them in other arithmetic."""
    asked = train.Arguments(game=["catch"], extractor=["gap@0.125"], steps=10**6, out=tmp_path)
    specs = [
        train.plan(replace(asked, study_name=name, precision=precision, learning_rate=rate))[0]
        for name, precision, rate in (
            ("a", "float32", 1e-3),
            ("b", "float32", 1e-4),
            ("c", "bfloat16", 1e-4),
        )
    ]
    for spec in specs:
        (spec.directory / "checkpoint" / f"{10**6:012d}").mkdir(parents=True)
        (spec.directory / "config.json").write_text(json.dumps(config(spec)))
    first, second, last = lines(specs, 1, Trials("cpu", 1), tmp_path)
    assert first.startswith("a/catch/gap@0.125: some ")
    assert second.startswith("c/catch/gap@0.125: some ")
    assert last.startswith("3 runs, 1 at a time: about 0 s; ")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_run_needs_less_than_a_gpu_has(tmp_path: Path) -> None:
    specs = train.plan(train.Arguments(game=["catch"], device="cuda", out=tmp_path))
    trials = Trials("cuda", 1)
    assert 0 < gpu_bytes(specs, trials) < room_here("cuda").gpu_memory
    assert torch.cuda.memory_reserved() == 0, "what was tried is gone"
