"""What is at work when the launcher leaves, for whatever reason, is saved first: real processes."""

from __future__ import annotations

import contextlib
import fcntl
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from studies.launch import _signals
from studies.launching.display import Display
from studies.running.conductor import Progress, Report
from studies.running.worker import Options, Verdict, work
from tests.studies.processes import ROOT, wait_for, workers
from tests.studies.staying import Stay

LAUNCHER = [sys.executable, "-c", "from tests.studies.staying import main; main()"]


def test_whoever_reads_only_the_head_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*LAUNCHER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        wait_for((tmp_path / "begun").exists)
        (worker,) = workers(process.pid)
        assert process.stdout is not None
        process.stdout.close()
        try:
            assert process.wait(timeout=30) != 0
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
            process.kill()
    assert (tmp_path / "saved").exists()


def test_a_terminal_that_is_closed_ends_runs_with_a_checkpoint(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*LAUNCHER, str(tmp_path)], cwd=ROOT, start_new_session=True,
        stdin=theirs, stdout=theirs, stderr=theirs,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    os.set_blocking(ours, False)

    def begun() -> bool:
        with contextlib.suppress(BlockingIOError):  # a full screen would hold the launcher up
            while os.read(ours, 4096):
                pass
        return (tmp_path / "begun").exists()

    wait_for(begun)
    (worker,) = workers(process.pid)
    os.close(ours)  # the system tells every process of it
    os.kill(process.pid, signal.SIGHUP)  # and so does a shell that ends
    process.wait(timeout=60)
    assert (tmp_path / "saved").exists()
    assert not worker.is_running()


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put back afterwards what happens on signals."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_nohup_keeps_launcher_and_worker_at_work(handlers: None, tmp_path: Path) -> None:
    seen: list[Any] = []

    def look(job: Stay, options: Options, report: Report, stop: threading.Event) -> None:
        seen.append(signal.getsignal(signal.SIGHUP))

    for usual in (signal.SIG_DFL, signal.SIG_IGN):
        signal.signal(signal.SIGHUP, usual)
        with _signals(threading.Event(), {}):
            seen.append(signal.getsignal(signal.SIGHUP))
        assert signal.getsignal(signal.SIGHUP) == usual
        hears, tells = multiprocessing.Pipe(duplex=False)
        work(Stay(tmp_path), look, Options(1, "disabled", "cpu", 1), tells)
        assert hears.recv() == Verdict("finished")
    heeded = [callable(handler) for handler in seen]
    assert heeded == [True, True, False, False]


def test_a_second_hang_up_kills_nobody(handlers: None) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: None)
    with _signals(stop, {}):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
    assert stop.is_set()


@pytest.mark.parametrize("terminal", [True, False])
def test_brackets_are_drawn_as_they_are(terminal: bool) -> None:
    name = "s/[/x]"
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=terminal, width=120, soft_wrap=True)
    with Display([Stay(Path(), name)], console, "steps") as display:
        display.show(name, Progress(0, 1.0, None, "[/doing]"))
        display.bars.refresh()
        display.note(name, "noted [/tmp/a]")
        display.end(name, "failed", "OSError: [/tmp/b]")
    for what in (name, "[/doing]", "noted [/tmp/a]", "OSError: [/tmp/b]"):
        assert what in drawn.getvalue()
