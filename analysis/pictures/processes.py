"""Episodes done on several processes and joined in order.

Each episode has a seed sequence of its own, so that neither the number of processes nor their order
has a say in the result.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

Arrays = dict[str, np.ndarray]
Counts = Counter[str]
Job = tuple[int, np.random.SeedSequence]
"""Number of the episode, and where its chance comes from."""


def gather(
    work: Callable[[Job], tuple[Arrays, Counts]],
    seeds: Iterable[np.random.SeedSequence],
    workers: int | None,
) -> tuple[Arrays, Counts]:
    """Do every episode, here or on several processes, and join them in order."""
    workers = workers or os.cpu_count() or 1
    jobs = list(enumerate(seeds))
    if workers == 1:
        parts = [work(job) for job in jobs]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            parts = list(pool.map(work, jobs))
    counts: Counts = Counter()
    size = 0
    for arrays, found in parts:
        counts.update(found)
        if "erased_index" in arrays:
            arrays["erased_index"] = arrays["erased_index"] + size
        size += len(arrays["episode"])
    if not size:
        raise ValueError(f"nothing could be kept: {dict(counts)}")
    kept = [arrays for arrays, _ in parts if len(arrays["episode"])]
    return {name: np.concatenate([part[name] for part in kept]) for name in kept[0]}, counts


def joined(parts: list[Arrays], episode: int) -> Arrays:
    """Join the moments of one episode and number them."""
    if not parts:
        return {"episode": np.zeros(0, np.int64)}
    sizes = [len(part["observations"]) for part in parts]
    starts = np.cumsum([0, *sizes[:-1]])
    for part, start in zip(parts, starts, strict=True):
        if "erased_index" in part:
            part["erased_index"] = part["erased_index"] + start
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    whole["episode"] = np.full(sum(sizes), episode)
    whole["moment"] = np.repeat(np.arange(len(parts)), sizes)
    return whole
