"""One process on a run directory, whatever other machines do; their locks are made to look real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from studies.running.lock import NAME, TIMING, GaveUpError, HeldError, Timing, _Watch, held, locked
from studies.running.lock_owner import LOST, Owner, this_machine
from tests.studies.processes import ROOT, wait_for

QUICK = Timing(beat=0.2, silence=1.0, settle=0.6)

ELSEWHERE = """
import os, sys, threading
from pathlib import Path
from studies.running.lock_owner import Held, Owner
path = Path(sys.argv[1])
handle = os.open(path, os.O_RDWR | os.O_CREAT)  # not locked: a file system that tells nobody
Held(path, handle, Owner("elsewhere", "abc", 0)).keep(0.2, threading.Event())
"""


def owner(folder: Path) -> Owner | None:
    return Owner.parse((folder / NAME).read_bytes())


def test_the_timing_lets_a_sleeper_leave() -> None:
    assert TIMING.settle > 2 * TIMING.beat
    assert TIMING.silence > 2 * TIMING.beat


def test_an_owner_is_read_back_and_anything_else_is_nobody() -> None:
    one = Owner("a", "b", 7)
    assert Owner.parse(one.text()) == one
    assert len(one.text()) == len(Owner("a", "b", 10**9).text()), "overwritten in place"
    for text in (b"", b"a b", b"a b c", b"\xff\xfe\x00", b"a b 1 2"):
        assert Owner.parse(text) is None


def test_a_lock_names_its_owner_beats_and_goes_with_him(tmp_path: Path) -> None:
    with locked(tmp_path, timing=QUICK):
        first = owner(tmp_path)
        assert first is not None
        assert first.machine == this_machine()
        wait_for(lambda: (now := owner(tmp_path)) is not None and now.beats > first.beats)
        assert held(tmp_path)
    assert not (tmp_path / NAME).exists()
    assert not held(tmp_path)


def test_what_a_dead_process_of_this_machine_left_means_nothing(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(Owner(this_machine(), "dead", 3).text())
    began = time.monotonic()
    assert not held(tmp_path)
    with locked(tmp_path):
        assert time.monotonic() - began < 1, "the system knows that nobody holds it"


def test_what_a_dead_machine_left_is_watched_and_then_replaced(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(Owner("elsewhere", "dead", 3).text())
    told: list[str] = []
    began = time.monotonic()
    with locked(tmp_path, tell=told.append, timing=QUICK):
        assert time.monotonic() - began >= QUICK.silence + QUICK.settle
        now = owner(tmp_path)
        assert now is not None
        assert now.machine == this_machine()
        with pytest.raises(HeldError), locked(tmp_path, timing=QUICK):
            pass
    assert told == ["held by another machine; free if that is silent for 1 s"]
    assert list(tmp_path.iterdir()) == []


def test_a_living_machine_is_left_alone_and_one_that_slept_too_long_ends(tmp_path: Path) -> None:
    words = [sys.executable, "-c", ELSEWHERE, str(tmp_path / NAME)]
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True) as sleeper:
        wait_for(lambda: (tmp_path / NAME).exists() and owner(tmp_path) is not None)
        assert held(tmp_path)
        with pytest.raises(HeldError, match="expected a run nobody works on"):
            locked(tmp_path, timing=QUICK).__enter__()
        assert sleeper.poll() is None
        sleeper.send_signal(signal.SIGSTOP)
        with locked(tmp_path, timing=QUICK):
            sleeper.send_signal(signal.SIGCONT)
            assert sleeper.wait(20) == LOST
            assert sleeper.stderr is not None
            assert sleeper.stderr.read() == f"{tmp_path}: taken over by another process\n"
            now = owner(tmp_path)
            assert now is not None
            assert now.machine == this_machine()


def test_of_two_who_replace_a_dead_owner_one_stays(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(Owner("elsewhere", "dead", 3).text())
    both = threading.Barrier(2)
    taken = []

    def replace(machine: str) -> None:
        watch = _Watch(tmp_path / NAME, machine, QUICK, lambda line: None, threading.Event())
        both.wait()
        taken.append((machine, watch._replace()))

    threads = [threading.Thread(target=replace, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((machine, mine),) = [(m, h) for m, h in taken if h is not None]
    now = owner(tmp_path)
    assert now is not None
    assert now.machine == machine
    assert mine is not None
    mine.release()
    assert list(tmp_path.iterdir()) == []


def test_many_at_once_come_one_after_the_other(tmp_path: Path) -> None:
    at_work, most, came = 0, 0, 0
    count = threading.Lock()

    def work() -> None:
        nonlocal at_work, most, came
        with locked(tmp_path, patience=60):
            with count:
                at_work += 1
                came += 1
                most = max(most, at_work)
            time.sleep(0.01)
            with count:
                at_work -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (came, most) == (6, 1)


def test_waiting_can_be_broken_off(tmp_path: Path) -> None:
    left = Owner("elsewhere", "dead", 3).text()
    (tmp_path / NAME).write_bytes(left)
    stop = threading.Event()
    stop.set()
    with pytest.raises(GaveUpError), locked(tmp_path, stop=stop):
        pass
    assert (tmp_path / NAME).read_bytes() == left


def test_whether_another_machine_is_at_work_is_told_by_its_last_beat(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(Owner("elsewhere", "abc", 3).text())
    assert held(tmp_path)
    before = time.time() - TIMING.silence - 1
    os.utime(tmp_path / NAME, (before, before))
    assert not held(tmp_path)
