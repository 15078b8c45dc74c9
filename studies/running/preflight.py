"""What a grid will take, said before its first step: memory, disk, time."""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

from agents.replay import bytes_needed
from commandline import BadInput, counted
from studies.running.directory import RunSpec, reached
from studies.running.memory import free_memory
from studies.running.trial import Trials, work

RUN_BYTES = 700_000_000
"""Memory of a run beside its replay: interpreter, PyTorch, emulators, network (measured .4–.6)."""

CUDA_HOST_BYTES = 3_000_000_000
"""Memory of a run on a GPU, outside of it: PyTorch's CUDA libraries come on top of `RUN_BYTES`. An
estimate, unmeasured here."""

DISK_BYTES = 120_000_000
"""Disk of a run: two checkpoints of 27 MB, 3 MB for each 25,000 agent steps of Pong in the replay,
weights, metrics, W&B's files and two videos."""


def check_memory(specs: Sequence[RunSpec], workers: int, device: str = "cpu") -> int:
    """Return the bytes that the runs at work together take, outside of a GPU.

    Raises:
        BadInput: If they do not fit into free memory; the line names the replay that would.
    """
    free = free_memory()
    needed = workers * host_bytes(specs, device)
    if needed > free and device != "cpu":
        raise BadInput(
            f"--workers: {counted(workers, 'run')} need {needed / 1e9:.1f} GB of memory beside "
            "the GPU's, "
            f"{free / 1e9:.1f} GB are free"
        )
    if needed > free:
        largest = max(specs, key=replay_bytes)
        size = largest.settings.replay_size
        fits = int((free / workers - RUN_BYTES) / (replay_bytes(largest) / size))
        raise BadInput(
            f"--replay-size: {size:,} transitions for each of {workers} workers need "
            f"{workers * replay_bytes(largest) / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; "
            f"{max(0, fits // 1_000 * 1_000):,} would fit"
        )
    return needed


def host_bytes(specs: Sequence[RunSpec], device: str) -> int:
    """Return the bytes of memory that the largest of the runs takes, outside of a GPU."""
    base = RUN_BYTES if device == "cpu" else CUDA_HOST_BYTES
    return base + max(0 if replay_on_gpu(s, device) else replay_bytes(s) for s in specs)


def replay_on_gpu(spec: RunSpec, device: str) -> bool:
    """Say whether a run's replay lies on the GPU: compressed it does not."""
    return device != "cpu" and spec.settings.replay_compression == "none"


def replay_bytes(spec: RunSpec) -> int:
    """Return the bytes of a run's replay."""
    compressed = spec.settings.replay_compression != "none"
    return bytes_needed(spec.settings.replay_size, compressed=compressed)


def lines(specs: Sequence[RunSpec], workers: int, trials: Trials, root: Path) -> list[str]:
    """Return what to tell before a grid begins.

    Args:
        specs: The runs to be trained.
        workers: Runs at a time.
        trials: Tell how fast each is alone; one that was not tried yet is.
        root: Where the runs will lie.

    Raises:
        BadInput: If they do not fit into memory.
    """
    workers = min(workers, len(specs))
    needed = check_memory(specs, workers, trials.device)
    kinds: dict[Hashable, RunSpec] = {}
    for spec in specs:
        kinds.setdefault(work(spec), spec)
    told = []
    for spec in kinds.values():
        rate = 1 / trials.of(spec).seconds_a_step
        row = spec.title.rpartition("/")[0]
        told.append(f"{row}: some {rate:,.0f} agent steps/s on this machine, one run alone")
    lasts = until_all_done(
        ((s.length - reached(s)) * trials.of(s).seconds_a_step for s in specs), workers
    )
    # Cores are each run's own; a card is shared by all, and slower for each the more there are.
    shared = trials.device != "cpu" and workers > 1
    disk = shutil.disk_usage(root).free
    told.append(
        f"{counted(len(specs), 'run')}, {workers} at a time: "
        f"{'at least' if shared else 'about'} {duration(lasts)}; "
        f"memory {needed / 1e9:.1f} of {free_memory() / 1e9:.1f} GB free, "
        f"disk {len(specs) * DISK_BYTES / 1e9:.1f} of {disk / 1e9:.1f} GB free"
    )
    return told


def until_all_done(seconds: Iterable[float], at_a_time: int) -> float:
    """Return when the last of several jobs ends; each is begun, in order, by who is free first.

    Args:
        seconds: What each takes.
        at_a_time: How many are at work together.
    """
    free: list[float] = []
    for each in seconds:
        begins = heapq.heappop(free) if len(free) == at_a_time else 0.0
        heapq.heappush(free, begins + each)
    return max(free, default=0.0)


def duration(seconds: float) -> str:
    """Return a rough duration: `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
