"""Jobs on a Ray cluster: a task each, on whichever machine has room.

A job whose machine died is begun again elsewhere and goes on from its last checkpoint, which lies
in the folder that all machines share. Ray carries arguments and messages; files stay where a run
on one machine would put them.
"""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from commandline import BadInput, LostError, counted
from studies.launching import packing
from studies.launching.board import Board
from studies.launching.ray_task import Place, gpu_need_and_room, import_ray, on_machine
from studies.running.conductor import Progress
from studies.running.directory import RunSpec
from studies.running.preflight import host_bytes
from studies.running.worker import Job, Options, Perform, Verdict

HERE = Path(__file__).resolve().parents[2]
"""The project, which Ray's workers import from."""

PATIENCE = 90.0
"""Seconds for the old process of a job to die, after its machine was given up: Ray's workers end a
few seconds after Ray on their machine has."""


@dataclasses.dataclass(frozen=True)
class Share:
    """What a job asks of a machine.

    Attributes:
        cores: Processor cores, as Ray counts them.
        gpus: A share of one.
        memory: Bytes, as Ray counts them.
    """

    cores: float
    gpus: float = 0.0
    memory: int = 0

    @property
    def resources(self) -> dict[str, float]:
        """By Ray's names."""
        return {"CPU": self.cores, "GPU": self.gpus, "memory": float(self.memory)}


class Task:
    """A job at work on the cluster, seen from the launcher.

    Args:
        cluster: Where.
        job: What is done.
        key: Which attempt at which job.
        reference: Of Ray, to its verdict.
    """

    def __init__(self, cluster: Cluster, job: Job, key: str, reference: Any) -> None:
        self.job = job
        self.key = key
        self.reference = reference
        self._cluster = cluster
        self._verdict: Verdict | None = None
        self._died = ""

    def gone(self) -> bool:
        """Say whether the task has ended."""
        ray, errors = self._cluster.ray, self._cluster.ray.exceptions
        ready, _ = ray.wait([self.reference], timeout=0)
        if not ready:
            return False
        try:
            self._verdict = ray.get(self.reference)
        except errors.TaskCancelledError:
            self._verdict = Verdict("interrupted")  # asked to stop before it had begun
        except (errors.NodeDiedError, errors.WorkerCrashedError, errors.OutOfMemoryError) as error:
            self._died = f"killed ({_KINDS[type(error).__name__]})"
        except errors.RayError as error:
            self._verdict = Verdict("failed", _last_line(error))
        self._cluster.collect()
        return True

    def heard(self) -> Iterator[Any]:
        """Yield what it has said and nobody has heard."""
        yield from self._cluster.letters(self.key)
        if self._verdict is not None:
            yield self._verdict

    def ask(self) -> None:
        """Ask all to stop, this one too; one that waits for room is taken back."""
        self._cluster.ask()
        if not self._cluster.has_begun(self.key):
            self._cluster.ray.cancel(self.reference)

    def kill(self) -> None:
        """Do nothing: what a launcher began ends when it does."""

    def silent_end(self, stopping: bool) -> Verdict:
        """Return the verdict on a task whose process or machine died."""
        return Verdict("interrupted" if stopping else "failed", self._died)


_KINDS = {
    "NodeDiedError": "its machine died",
    "WorkerCrashedError": "its process died",
    "OutOfMemoryError": "its machine had no memory left",
}


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1][:300] if lines else 'no reason given'}"


class Cluster:
    """A Ray cluster to which this process is connected.

    Args:
        address: `auto`, `local` or host:port.
        shared: The folder of all runs, which every machine has to see.
        share: What a job asks of a machine.
        most: Jobs at a time; `None`: as many as fit.

    Raises:
        BadInput: If there is none at that address, or no machine of it has room for a job.
    """

    retries = 10  # machines come and go

    def __init__(self, address: str, shared: Path, share: Share, most: int | None = None) -> None:
        self.ray = import_ray()
        self.share, self.most = share, most
        _connect(self.ray, address)
        marker = shared.absolute() / f".visible-{secrets.token_hex(8)}"
        self.place = Place(str(Path.cwd()), str(marker))
        here = self.ray.get_runtime_context().get_node_id()
        strategy = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        board = self.ray.remote(num_cpus=0, scheduling_strategy=strategy(here, soft=False))(Board)
        self.board = board.remote()
        self._letters: dict[str, list[Progress]] = {}
        self._begun: set[str] = set()
        self._looked, self._room, self._asked = 0.0, 0, False
        self._tries = 0
        self._check_room()

    def _check_room(self) -> None:
        self._looked = 0.0
        if not self.room():
            asked = ", ".join(f"{k} {v:,g}" for k, v in self.share.resources.items() if v)
            raise BadInput(f"--ray: expected a machine with {asked}, found none in the cluster")

    def has_gpus(self) -> bool:
        """Say whether a machine of the cluster has a GPU."""
        return any(node["Resources"].get("GPU") for node in self.ray.nodes() if node["Alive"])

    def use_gpus(self, specs: Sequence[RunSpec]) -> None:
        """Have each run take the share of a GPU that it needs, measured on one; not tried yet.

        Raises:
            BadInput: If there is none, or a run does not fit on one.
        """
        if not self.has_gpus():
            raise BadInput(
                "--device cuda: expected a machine with a GPU in the cluster, found none"
            )
        probe = self.ray.remote(num_gpus=1, max_calls=1)(gpu_need_and_room)
        need, room = self.ray.get(probe.remote(specs))
        runs = int(room * packing.SPARE / need)
        if not runs:
            raise BadInput(f"--device cuda: a run needs {need:,} bytes of a GPU, {room:,} are free")
        # Ray counts in ten-thousandths.
        memory = host_bytes(specs, "cuda")
        self.share = Share(self.share.cores, 10_000 // runs / 10_000, memory)
        self._check_room()

    def told(self) -> str:
        """Return what this cluster is, in a line."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        cores, gpus = (sum(node.get(what, 0) for node in nodes) for what in ("CPU", "GPU"))
        return (
            f"Ray: {len(nodes)} machines, {cores:g} cores, {gpus:g} GPUs; "
            f"{counted(self.room(), 'run')} at a time"
        )

    @contextmanager
    def session(self) -> Iterator[None]:
        """Have a file in the shared folder by which machines know that they see it."""
        marker = Path(self.place.marker)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        try:
            yield
        finally:
            marker.unlink(missing_ok=True)

    def room(self) -> int:
        """Return how many jobs fit on the machines that are alive now."""
        if time.monotonic() - self._looked > 2.0 or not self._looked:
            self._looked = time.monotonic()
            nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
            self._room = packing.fit_on_nodes(self.share.resources, nodes)
        return self._room if self.most is None else min(self.most, self._room)

    def begin(self, job: Job, perform: Perform, options: Options) -> Task:
        """Begin a job, on the machine with most room."""
        self._tries += 1
        key = f"{job.title}#{self._tries}"
        task = self.ray.remote(
            num_cpus=self.share.cores,
            num_gpus=self.share.gpus,
            memory=self.share.memory or None,
            max_retries=0,  # the launcher begins it again, and says so
            max_calls=1,  # a process each, as on one machine
            scheduling_strategy="SPREAD",
        )(on_machine)
        patient = dataclasses.replace(options, patience=PATIENCE)
        reference = task.remote(job, perform, patient, key, self.board, self.place)
        return Task(self, job, key, reference)

    def wait(self, workers: Sequence[Any], seconds: float) -> None:
        """Wait until a task ends, at most so long, and fetch what all have said."""
        if workers:
            self.ray.wait([worker.reference for worker in workers], timeout=seconds)
            self.collect()
        else:
            time.sleep(seconds)

    def collect(self) -> None:
        """Fetch what jobs have said.

        Raises:
            LostError: If the cluster has gone.
        """
        try:
            mail = self.ray.get(self.board.take.remote())
        except self.ray.exceptions.RayError as error:
            raise LostError(
                f"the cluster has gone ({_last_line(error)}); the same command goes on from the "
                "last checkpoints"
            ) from None
        for key, fields in mail:
            self._begun.add(key)
            if fields:
                self._letters.setdefault(key, []).append(Progress(**fields))

    def letters(self, key: str) -> list[Progress]:
        """Return what a job has said and nobody has heard."""
        return self._letters.pop(key, [])

    def has_begun(self, key: str) -> bool:
        """Say whether a job has said anything yet."""
        return key in self._begun

    def ask(self) -> None:
        """Ask all jobs to stop."""
        if not self._asked:
            self._asked = True
            self.collect()
            self.ray.get(self.board.stop.remote())


def _connect(ray: Any, address: str) -> None:
    if address not in ("auto", "local"):
        host, _, port = address.rpartition(":")
        if not re.fullmatch(r"[\w.-]+", host) or not re.fullmatch(r"\d{1,5}", port):
            raise BadInput(f"--ray: expected auto, local or host:port, got {address!r}")
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except (OSError, OverflowError) as error:
            raise BadInput(f"--ray {address}: expected a Ray cluster there, got {error}") from None
    paths = [str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    variables = {"PYTHONPATH": os.pathsep.join(dict.fromkeys(filter(None, paths)))}
    try:
        ray.init(
            address=address,
            logging_level="ERROR",
            log_to_driver=False,
            runtime_env={"env_vars": variables},
            **({"include_dashboard": False} if address == "local" else {}),
        )
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise BadInput(
            f"--ray {address}: expected a Ray cluster of which this machine is a part (ray start), "
            f"got {_last_line(error)}"
        ) from None
