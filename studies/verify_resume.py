"""Kill a run again and again and see that nothing shows: same bits, same rows, one W&B history.

    python -m studies.verify_resume --game pong --kills 20

trains an agent undisturbed, then the same one in processes that are killed (SIGKILL, launcher and
worker alike) at random moments, each time started again with the same command. At the end it
compares the SHA-256 of the weights, the rows of `metrics.jsonl` (all but what is measured in
seconds) and what `wandb sync` would upload. Status 0 if nothing differs, else 1.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import commandline
from agents import extractors
from agents.checkpoints import device_for, read_json
from agents.settings import DEMO
from commandline import BadInput, at_least
from envs import games
from reporting.tracking import read_metrics
from reporting.wandb_run import history
from studies.running.directory import make_root
from studies.running.lock import NAME as LOCK

ROOT = Path(__file__).resolve().parent.parent

PAIR = ("undisturbed", "disturbed")
"""Folders below `--out`, one for each of the two runs."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        game: pong, breakout or catch.
        extractor: A row of the zoo.
        kills: Times that every process of the run is killed.
        stops: Times that it is asked to stop instead, and stops between two boundaries.
        checkpoint_every: Agent steps between checkpoints; a published run has 25,000 or more.
        steps: Length of the run in agent steps; default: long enough for a few checkpoints a kill.
        seed: Of the run and of the moments.
        device: cpu or cuda.
        deterministic: Use only algorithms that give the same bits each time (needed on CUDA).
        wandb: offline or disabled.
        out: Where the two runs are kept, anew; default: a folder that is removed in the end.
    """

    game: str = "pong"
    extractor: str = "nature"
    kills: int = 20
    stops: int = 0
    checkpoint_every: int = 120
    steps: int | None = None
    seed: int = 0
    device: str = "cpu"
    deterministic: bool = False
    wandb: str = "offline"
    out: Path | None = None


@dataclass(frozen=True)
class Lesson:
    """The command under test and where its run lies.

    Attributes:
        words: What is typed behind `train.py`.
        out: Folder of studies.
        run: The run directory below it.
    """

    words: Sequence[str]
    out: Path
    run: Path

    def start(self) -> subprocess.Popen[bytes]:
        """Begin or go on, in a process group of its own."""
        log = (self.out / "told.txt").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, str(ROOT / "train.py"), *self.words, "--out", str(self.out)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def finish(self) -> tuple[float, float]:
        """Go on undisturbed to the end; return the seconds of starting and of working."""
        began = time.monotonic()
        process = self.start()
        _wait(lambda: (self.run / LOCK).exists() or process.poll() is not None)
        at_work = time.monotonic()
        if process.wait():
            raise RuntimeError(f"train.py ended with {process.returncode}:\n{self.told()}")
        return at_work - began, time.monotonic() - at_work

    def told(self) -> str:
        """Return all that the processes printed."""
        return (self.out / "told.txt").read_text(encoding="utf-8", errors="replace")


def lesson(arguments: Arguments, out: Path) -> Lesson:
    """Return the run to be trained in `out`: short, and with a replay that is overwritten."""
    out.mkdir(parents=True)
    every = arguments.checkpoint_every
    disturbances = arguments.kills + arguments.stops
    steps = arguments.steps or DEMO.learning_starts + every * max(5, 2 * disturbances)
    words = {
        "--game": arguments.game,
        "--extractor": arguments.extractor,
        "--seed": str(arguments.seed),
        "--preset": "demo",
        "--steps": str(steps),
        "--checkpoint-every": str(every),
        "--replay-size": "800",
        "--eval-every": str(steps // 2),
        "--eval-games": "1" if arguments.game != "catch" else "4",
        "--device": arguments.device,
        "--wandb": arguments.wandb,
    }
    flags = ["--deterministic"] if arguments.deterministic else []
    row = extractors.directory_name(arguments.extractor)
    run = out / "demo" / arguments.game / row / f"seed{arguments.seed}"
    return Lesson([*(w for pair in words.items() for w in pair), *flags], out, run)


def disturb(
    disturbed: Lesson,
    signals: Sequence[signal.Signals],
    starting: float,
    patience: float,
    rng: random.Random,
) -> list[int]:
    """End the run by each of these signals in turn, at random moments.

    Args:
        disturbed: The run; started here, and not finished.
        signals: SIGKILL goes to every process, SIGTERM to the launcher.
        starting: Seconds a process takes until it is at work.
        patience: Most seconds it is left at work.
        rng: Where the moments come from.

    Returns:
        The agent step of its newest checkpoint after each.
    """
    reached: list[int] = []
    for number in signals:
        process = disturbed.start()
        # Now and then before it has found its feet.
        early = rng.random() < 0.15
        if not early:
            _wait(lambda p=process: (disturbed.run / LOCK).exists() or p.poll() is not None)  # type: ignore[misc]
        time.sleep(rng.uniform(0, starting if early else patience))
        if process.poll() == 0:
            raise BadInput(
                f"--steps: expected a run that lasts for {len(signals)} disturbances, got one that "
                f"ended after {len(reached)}"
            )
        if process.poll() is not None:
            raise RuntimeError(f"it ended before it was disturbed:\n{disturbed.told()}")
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
        process.wait()
        (disturbed.run / LOCK).unlink(missing_ok=True)  # so that the next one's can be waited for
        there = sorted(p.name for p in (disturbed.run / "checkpoint").glob("[0-9]" * 12))
        reached.append(int(there[-1]) if there else 0)
    return reached


def _wait(until: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            raise RuntimeError("nothing happened in time")
        time.sleep(0.02)


def without_seconds(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what depends on how fast this machine was."""
    return {k: v for k, v in row.items() if not k.startswith("time/")}


def differences(undisturbed: Path, disturbed: Path, wandb: bool) -> list[str]:
    """Return a line for everything in which the two run directories differ and should not."""
    found = []
    ours, theirs = (read_json(run / "agent.json") for run in (undisturbed, disturbed))
    if ours["sha256"] != theirs["sha256"]:
        found.append(f"agent.safetensors: {ours['sha256'][:16]} and {theirs['sha256'][:16]}")
    rows, again = (read_metrics(run / "metrics.jsonl") for run in (undisturbed, disturbed))
    if [without_seconds(r) for r in rows] != [without_seconds(r) for r in again]:
        odd = [i for i, (a, b) in enumerate(zip(rows, again, strict=False))
               if without_seconds(a) != without_seconds(b)]  # fmt: skip
        found.append(f"metrics.jsonl: {len(rows)} and {len(again)} rows, first other: {odd[:1]}")
    if wandb:
        runs = list((disturbed / "wandb").glob("*run-*"))
        if len(runs) != 1:
            return [*found, f"wandb: {len(runs)} runs would be uploaded"]
        uploaded = [row for row in history(runs[0]) if not any(k.startswith("video") for k in row)]
        if [_numbers(row) for row in uploaded] != [_numbers(row) for row in again]:
            found.append(
                f"wandb: a history of {len(uploaded)} rows, metrics.jsonl has {len(again)}"
            )
    return found


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as W&B gives it back: without what it adds, and without what is unknown."""
    return {k: v for k, v in row.items() if not k.startswith("_") and v is not None}


def verify(arguments: Arguments, out: Path) -> int:
    """Train twice, once disturbed; say what differs; return the exit status."""
    undisturbed = lesson(arguments, out / PAIR[0])
    starting, working = undisturbed.finish()
    digest = read_json(undisturbed.run / "agent.json")["sha256"]
    print(f"undisturbed: {digest} in {working:.0f} s", flush=True)

    disturbed = lesson(arguments, out / PAIR[1])
    rng = random.Random(arguments.seed)
    signals = [signal.SIGKILL] * arguments.kills + [signal.SIGTERM] * arguments.stops
    rng.shuffle(signals)
    # Short enough that the run does not end before the last of them, on average by far.
    patience = 1.2 * working / max(1, len(signals))
    reached = disturb(disturbed, signals, starting, patience, rng)
    disturbed.finish()
    digest = read_json(disturbed.run / "agent.json")["sha256"]
    print(f"  disturbed: {digest} after {arguments.kills} kills, {arguments.stops} stops")
    print(f"  newest checkpoint after each: {', '.join(map(str, reached))}")
    found = differences(undisturbed.run, disturbed.run, arguments.wandb != "disabled")
    rows = len(read_metrics(disturbed.run / "metrics.jsonl"))
    for line in found:
        print(f"DIFFERS: {line}")
    if not found:
        print(
            f"same weights, same {rows} rows"
            + ", one W&B history" * (arguments.wandb != "disabled")
        )
    return 1 if found else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Verify what the command line asks for; return the exit status."""
    arguments = commandline.parse(Arguments, argv, "python -m studies.verify_resume", __doc__ or "")
    games.find(arguments.game)
    extractors.check(arguments.extractor)
    at_least("--kills", arguments.kills, 0)
    at_least("--stops", arguments.stops, 0)
    at_least("--checkpoint-every", arguments.checkpoint_every, 8)
    at_least("--seed", arguments.seed, 0)
    if arguments.steps is not None:
        at_least("--steps", arguments.steps, 2)  # scored in the middle, too
    commandline.choose("--wandb", arguments.wandb, ("offline", "disabled"))
    commandline.choose("--device", arguments.device, ("cpu", "cuda"))
    device_for(arguments.device)
    if arguments.out is not None:
        for name in PAIR:
            if (arguments.out / name).exists():
                raise BadInput(f"--out: expected a folder without runs, got one with {name} in it")
        make_root(arguments.out)
        return verify(arguments, arguments.out)
    with tempfile.TemporaryDirectory() as folder:
        return verify(arguments, Path(folder))


if __name__ == "__main__":
    commandline.run(main)
