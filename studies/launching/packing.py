"""How many jobs fit: pure arithmetic on what one needs and what there is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from studies.running.directory import RunSpec
from studies.running.memory import free_memory
from studies.running.preflight import host_bytes, replay_bytes, replay_on_gpu
from studies.running.trial import Trials

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


def gpu_bytes(specs: Sequence[RunSpec], trials: Trials) -> int:
    """Return the bytes of a GPU that the largest of the runs takes; 0 on a CPU.

    Measured: a run of each kind is built there with a small replay and trained for a moment. To the
    peak of that come context and replay. Not tried on a GPU yet.
    """
    if trials.device == "cpu":
        return 0
    largest = max(trials.of(spec).gpu_bytes for spec in specs)
    replay = max(replay_bytes(s) if replay_on_gpu(s, trials.device) else 0 for s in specs)
    return largest + CUDA_CONTEXT_BYTES + replay


def need_of(specs: Sequence[RunSpec], trials: Trials) -> Need:
    """Return what the largest of the runs takes."""
    memory = host_bytes(specs, trials.device)
    return Need(trials.threads, memory, gpu_bytes(specs, trials))


def cores() -> int:
    """Return the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS ties no process to cores


def room_here(device: str) -> Room:
    """Return what this machine has free."""
    gpu = 0 if device == "cpu" else int(torch.cuda.mem_get_info()[0])
    return Room(cores(), free_memory(), gpu)
