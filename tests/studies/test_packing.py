"""How many jobs fit, worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import train
from commandline import BadInput
from studies.launching.packing import (
    Need,
    Room,
    fit,
    fit_on_nodes,
    gpu_bytes,
    room_here,
)
from studies.running.directory import config
from studies.running.preflight import CUDA_HOST_BYTES, RUN_BYTES, host_bytes, lines, until_all_done

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
    assert gpu_bytes([large], "cpu") == 0


def test_what_this_machine_has() -> None:
    room = room_here("cpu")
    assert room.cores >= 1
    assert room.memory > 10**8
    assert room.gpu_memory == 0


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
    first, second, last = lines(specs, 1, "cpu", 1, tmp_path)
    assert first.startswith("a/catch/gap@0.125: some ")
    assert second.startswith("c/catch/gap@0.125: some ")
    assert last.startswith("3 runs, 1 at a time: about 0 s; ")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_run_needs_less_than_a_gpu_has(tmp_path: Path) -> None:
    specs = train.plan(train.Arguments(game=["catch"], device="cuda", out=tmp_path))
    assert 0 < gpu_bytes(specs, "cuda") < room_here("cuda").gpu_memory
