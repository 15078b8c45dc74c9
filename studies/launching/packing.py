"""How many jobs fit: pure arithmetic on what one needs and what there is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psutil
import torch

from studies.running.directory import RunSpec
from studies.running.preflight import host_bytes, replay_bytes, replay_on_gpu, seconds_a_step

CUDA_CONTEXT_BYTES = 600_000_000
"""Of the GPU's memory, what each process takes before its first tensor. An estimate (NVIDIA's
contexts take some 300 to 600 MB, by driver and card), unmeasured here."""

SPARE = 0.9
"""Share of what is free that is given out."""


@dataclass(frozen=True)
class Need:
    """What one job takes.

    Attributes:
        cores: Processor cores.
        memory: Bytes.
        gpu_memory: Bytes on a GPU; 0 if it uses none.
    """

    cores: int
    memory: int
    gpu_memory: int = 0


@dataclass(frozen=True)
class Room:
    """What a machine has free.

    Attributes:
        cores: Processor cores that this process may use.
        memory: Bytes.
        gpu_memory: Bytes on its GPU; 0 if there is none.
    """

    cores: int
    memory: int
    gpu_memory: int = 0


def fit(need: Need, room: Room) -> int:
    """Return how many jobs fit on one machine; 0 if not one does.

    A machine with fewer cores than a single job wants takes one all the same: threads share.
    """
    counts = [max(1, room.cores // need.cores), int(room.memory * SPARE / need.memory)]
    if need.gpu_memory:
        counts.append(int(room.gpu_memory * SPARE / need.gpu_memory))
    return min(counts)


def fit_on_nodes(share: Mapping[str, float], nodes: Iterable[Mapping[str, float]]) -> int:
    """Return how many jobs fit on the machines of a cluster, none divided between two.

    Args:
        share: What a job takes, by resource.
        nodes: What each machine has, by resource.
    """
    asked = {name: amount for name, amount in share.items() if amount}
    return sum(
        min(int(node.get(name, 0.0) / amount + 1e-9) for name, amount in asked.items())
        for node in nodes
    )


def gpu_bytes(specs: Sequence[RunSpec], device: str) -> int:
    """Return the bytes of a GPU that the largest of the runs takes; 0 on a CPU.

    Measured: the first run of each row is built there with a small replay and trained for a moment.
    To the peak of that come context and replay. Not tried on a GPU yet.
    """
    if device == "cpu":
        return 0
    largest = 0
    for spec in {(s.game, s.extractor): s for s in specs}.values():
        torch.cuda.reset_peak_memory_stats()
        seconds_a_step(spec, device, 1)
        largest = max(largest, torch.cuda.max_memory_reserved())
        torch.cuda.empty_cache()
    replay = max(replay_bytes(s) if replay_on_gpu(s, device) else 0 for s in specs)
    return largest + CUDA_CONTEXT_BYTES + replay


def need_of(specs: Sequence[RunSpec], device: str, threads: int) -> Need:
    """Return what the largest of the runs takes."""
    return Need(threads, host_bytes(specs, device), gpu_bytes(specs, device))


def room_here(device: str) -> Room:
    """Return what this machine has free."""
    gpu = 0 if device == "cpu" else int(torch.cuda.mem_get_info()[0])
    return Room(len(os.sched_getaffinity(0)), psutil.virtual_memory().available, gpu)
