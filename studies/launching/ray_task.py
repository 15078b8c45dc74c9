"""What a machine of a Ray cluster does for the launcher: one job in one task."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commandline import BadInput
from studies.launching import packing
from studies.running.conductor import Progress
from studies.running.directory import RunSpec
from studies.running.trial import Trials
from studies.running.worker import Job, Options, Perform, Verdict, carry_out

LISTEN_EVERY = 1.0
"""Seconds between two looks at the board."""

ANSWER = 60.0
"""Seconds to wait for an answer of the board."""


@dataclass(frozen=True)
class Place:
    """Where the launcher stands.

    Attributes:
        folder: Its working folder, from which relative paths are meant.
        marker: A file in the folder of all runs that is there while it is at work.
    """

    folder: str
    marker: str


def import_ray() -> Any:
    """Return the module.

    Raises:
        BadInput: If it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # What it prints of a machine that died are pages of its own log.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", r"[\s\S]*")
    try:
        import ray
    except ImportError:
        raise BadInput(
            "--ray: ray is not installed; try: pip install 'ballpark[cluster]'"
        ) from None
    return ray


def gpu_need_and_room(specs: Sequence[RunSpec]) -> tuple[int, int]:
    """Return the bytes of a GPU that the largest run takes, and those that are free."""
    free = packing.room_here("cuda").gpu_memory
    return packing.gpu_bytes(specs, Trials("cuda", 1)), free


def on_machine(
    job: Job, perform: Perform, options: Options, key: str, board: Any, place: Place
) -> Verdict:
    """Do one job; runs in a task of Ray's.

    When the launcher asks for it, or is gone, the job saves and ends.
    """
    ray, stop = import_ray(), threading.Event()

    def tell(message: Progress | None) -> None:
        try:
            ray.get(board.tell.remote(key, vars(message) if message else {}), timeout=ANSWER)
        except ray.exceptions.GetTimeoutError:
            pass  # a busy machine is not a dead one, and the message is on its way to it
        except ray.exceptions.RayError:
            stop.set()  # nobody listens any more

    def listen() -> None:
        while not stop.wait(LISTEN_EVERY):
            with suppress(ray.exceptions.GetTimeoutError):  # the same
                try:
                    if ray.get(board.stopping.remote(), timeout=ANSWER):
                        stop.set()
                except ray.exceptions.RayActorError:
                    stop.set()

    tell(None)
    fault = invisible(place, ray.util.get_node_ip_address())
    if fault:
        return Verdict("failed", fault)
    os.chdir(place.folder)
    threading.Thread(target=listen, daemon=True).start()
    return carry_out(job, perform, options, tell, stop)


def invisible(place: Place, machine: str, patience: float = 5.0) -> str:
    """Say in a line what of the launcher's folders cannot be seen; empty if all can.

    Args:
        place: Where the launcher stands.
        machine: The name of this one.
        patience: Seconds for a file system to show a new file.
    """
    deadline = time.monotonic() + patience
    while not Path(place.marker).exists():
        if time.monotonic() >= deadline:
            shared = Path(place.marker).parent
            return (
                f"--out: expected a folder that all machines share, {machine} does not see {shared}"
            )
        time.sleep(0.5)
    if not Path(place.folder).is_dir():
        return f"--ray: expected {place.folder} on every machine, {machine} does not have it"
    return ""
