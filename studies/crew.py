"""Who trains the runs: processes of this machine, or a cluster, and how many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.checkpoints import device_for
from commandline import BadInput, counted
from studies.launch import Backend, Outcome
from studies.launching import packing
from studies.launching.processes import Processes
from studies.running.directory import RunSpec, reached
from studies.running.preflight import check_memory, duration, host_bytes
from studies.running.preflight import lines as preflight
from studies.running.trial import Trials


@dataclass(frozen=True)
class Crew:
    """Who trains.

    Attributes:
        backend: Where.
        workers: Runs at a time, now.
        device: Torch device.
        cluster: What to say of a cluster, in a line; empty on one machine.
        trials: How fast runs are on this machine, as far as it was tried; `None` on a cluster.
    """

    backend: Backend
    workers: int
    device: str
    cluster: str = ""
    trials: Trials | None = None

    def told(self, specs: Sequence[RunSpec], root: Path, *, measure: bool) -> list[str]:
        """Return what to tell before runs begin.

        Args:
            specs: The runs.
            root: Where they will lie.
            measure: Whether it is worth some seconds to find out how fast this machine is.
        """
        if self.trials is None:
            return [self.cluster]
        if not measure:
            return []
        return preflight(specs, self.workers, self.trials, root)


def hire(
    specs: Sequence[RunSpec], workers: int | None, ray: str | None, device: str, threads: int
) -> Crew:
    """Return who trains the runs; nothing has been written then.

    Args:
        specs: The runs, at least one.
        workers: Runs at a time; 0: as many as fit; `None`: 1, on a cluster as many as fit.
        ray: Address of a Ray cluster, `None` for this machine.
        device: `cpu`, `cuda` or `auto`.
        threads: Torch threads a run.

    Raises:
        BadInput: If a run, or so many of them, do not fit.
    """
    if ray is not None:
        return _hire_cluster(specs, workers or None, ray, device, threads)
    found = device_for(device)
    trials = Trials(found, threads)
    if workers == 0:
        most = packing.fit(packing.need_of(specs, trials), packing.room_here(found))
        if not most:
            raise BadInput("--workers: expected room for one run at least, memory has none")
        workers = min(most, len(specs))
    workers = min(workers or 1, len(specs))
    check_memory(specs, workers, found)
    return Crew(Processes(workers), workers, found, trials=trials)


def likely_workers(specs: Sequence[RunSpec], workers: int | None, threads: int) -> int:
    """Return how many runs at a time to reckon with, where nothing is to be tried.

    For 0 that is as many as fit into this machine's cores and memory; how many fit on a card is
    found out by those who train there.

    Args:
        specs: The runs that are left.
        workers: As for `hire`.
        threads: Torch threads a run.
    """
    if workers or not specs:
        return workers or 1
    if workers is None:
        return 1
    need = packing.Need(threads, host_bytes(specs, "cpu"))
    return max(1, min(packing.fit(need, packing.room_here("cpu")), len(specs)))


def _hire_cluster(
    specs: Sequence[RunSpec], most: int | None, address: str, device: str, threads: int
) -> Crew:
    from studies.launching.on_ray import Cluster, Share  # an extra: only who asks for it needs it

    share = Share(threads, memory=host_bytes(specs, "cpu"))
    cluster = Cluster(address, specs[0].root, share, most)
    if device == "auto":
        device = "cuda" if cluster.has_gpus() else "cpu"
    if device == "cuda":
        cluster.use_gpus(specs)
    return Crew(cluster, cluster.room(), device, cluster.told())


NETWORK_BYTES = 2_500_000_000
"""Memory of a process that trains or measures networks without playing: the shared sets of pictures
and the layers' outputs."""


def hire_for_networks(root: Path, workers: int, ray: str | None, threads: int) -> Backend:
    """Return where networks are trained or measured that do not play.

    Args:
        root: The folder of all runs, which has to be shared on a cluster.
        workers: Networks at a time.
        ray: Address of a Ray cluster, `None` for this machine.
        threads: Torch threads of each.

    Raises:
        BadInput: If a network does not fit.
    """
    if ray is None:
        return Processes(workers)
    from studies.launching.on_ray import Cluster, Share

    return Cluster(ray, root, Share(threads, memory=NETWORK_BYTES), workers)


def time_is_up(specs: Sequence[RunSpec], outcome: Outcome) -> list[str]:
    """Say what is left and how long it would take.

    Args:
        specs: The runs that were asked for and not finished when it began.
        outcome: How far they came.
    """
    total = sum(spec.length for spec in specs)
    left = sum(spec.length - reached(spec) for spec in specs)
    told = f"left {left:,} of {total:,} agent steps"
    if outcome.rate > 0:
        told += f", about {duration(left / outcome.rate)} at the pace of this call"
    unfinished = len(outcome.interrupted)
    return [
        f"time is up: {len(outcome.finished)} of {counted(len(specs), 'run')} finished, "
        f"{unfinished} wait, {told}; the same command goes on"
    ]
