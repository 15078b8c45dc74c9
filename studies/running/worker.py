"""The process in which one job is done, and what it has to say to its launcher."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from threadpoolctl import threadpool_limits

from commandline import BadInput
from studies.running.conductor import Interrupted, Report
from studies.running.directory import ERROR, RunSpec
from studies.running.lock import HeldError
from studies.running.redaction import redact
from studies.running.run import train

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What the system says when a disk, a quota or a file's allowance is full."""


@runtime_checkable
class Job(Protocol):
    """One of many things to be done, each in a process of its own."""

    @property
    def title(self) -> str:
        """What it is called while it is at work; no other has the same."""
        ...

    @property
    def directory(self) -> Path:
        """Where it leaves its files."""
        ...

    @property
    def length(self) -> int:
        """Of the whole, in the unit in which it reports."""
        ...


@dataclass(frozen=True)
class Options:
    """What all runs of a grid share.

    Attributes:
        workers: Runs at a time.
        wandb_mode: `offline`, `online` or `disabled`.
        device: Torch device.
        threads: Torch threads a run.
        deterministic: On CUDA, use only algorithms that give the same bits each time.
        patience: Seconds to wait for a run that another process still holds. Where a job was moved
            to another machine, its old process may take a moment to die.
    """

    workers: int
    wandb_mode: str
    device: str
    threads: int
    deterministic: bool = False
    patience: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """How a run ended: `finished`, `interrupted` or `failed`, and why."""

    how: str
    why: str = ""


Perform = Callable[[Any, Options, Report, threading.Event], None]
"""Does a job to its end, or saves what is done and raises `Interrupted` when the event is set."""


def train_run(spec: RunSpec, options: Options, report: Report, stop: threading.Event) -> None:
    """Train one run."""
    train(
        spec,
        wandb_mode=options.wandb_mode,
        device=options.device,
        threads=options.threads,
        deterministic=options.deterministic,
        patience=options.patience,
        report=report,
        stop=stop,
    )


def work(job: Job, perform: Perform, options: Options, line: Connection) -> None:
    """Do one job; everything it has to say goes through `line`.

    The launcher asks it to stop with SIGTERM, a terminal that closes with SIGHUP. When the launcher
    is gone it stops by itself.
    """
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; one decides
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as it is under nohup
        signal.signal(signal.SIGHUP, lambda *_: stop.set())
    threading.Thread(target=_outlive, args=(stop,), daemon=True).start()

    def tell(message: Any) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            line.send(message)

    tell(carry_out(job, perform, options, tell, stop))


def carry_out(
    job: Job, perform: Perform, options: Options, tell: Report, stop: threading.Event
) -> Verdict:
    """Do a job, and return how it ended, whatever happened."""
    try:
        # numpy's own threads wait for each other beside other jobs: a second's work took forty.
        with threadpool_limits(options.threads, "blas"):
            perform(job, options, tell, stop)
        return Verdict("finished")
    except Interrupted:
        return Verdict("interrupted")
    except HeldError as error:
        return Verdict("failed", str(error))
    except BadInput as error:
        _keep(job, str(error))
        return Verdict("failed", str(error))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            why = f"no space left ({os.strerror(error.errno)}); what was saved before stands, and "
            why += "with more space the same command goes on"
            _keep(job, why)
            return Verdict("failed", why)
        _keep(job, traceback.format_exc())
        what = " ".join(redact(str(error)).split())
        where = job.directory / ERROR
        return Verdict("failed", f"{type(error).__name__}: {what} (see {where})")


def _keep(job: Job, why: str) -> None:
    """Leave in the job's directory why it failed, if it has one and there is room."""
    with contextlib.suppress(OSError):
        (job.directory / ERROR).write_text(redact(why), encoding="utf-8")


def _outlive(stop: threading.Event) -> None:
    """Ask the run to stop when the launcher has died."""
    launcher = multiprocessing.parent_process()
    if launcher is not None:
        launcher.join()
        stop.set()
