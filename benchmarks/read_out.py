"""What the live read-out costs: the same run with it and without, in turn.

    python -m benchmarks.read_out --game catch --extractor nature --steps 5000

trains both, W&B left out, and prints the seconds of each, the read-outs' share of the time in which
the agent was trained (its evaluations apart), and whether both agents are the same.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import commandline
from agents import extractors
from agents.checkpoints import read_json
from agents.settings import PRESETS, resolve
from analysis.probing.read_out import read_out_set
from envs import games
from reporting.names import READ_OUT_SECONDS
from reporting.tracking import read_metrics
from studies.running.directory import RunSpec
from studies.running.run import train


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        game: pong, breakout, catch or bowling.
        extractor: A row of the zoo.
        preset: demo, fast or nature.
        steps: Length of each run in agent steps.
        learning_starts: Agent steps before the first update.
        precision: float32 or bfloat16.
        pairs: How often both are trained.
    """

    game: str = "catch"
    extractor: str = "nature"
    preset: str = "fast"
    steps: int = 5_000
    learning_starts: int = 200
    precision: str = "float32"
    pairs: int = 1


def once(arguments: Arguments, root: Path, *, watched: bool) -> tuple[float, float, str]:
    """Train one agent; return its seconds, those of its read-outs, and its SHA-256."""
    every = resolve(arguments.preset, arguments.game).readout_every if watched else 0
    settings = resolve(
        arguments.preset,
        arguments.game,
        {
            "steps": arguments.steps,
            "learning_starts": arguments.learning_starts,
            "precision": arguments.precision,
            "eval_games": 1,
            "eval_every": arguments.steps,
            "readout_every": every,
        },
    )
    spec = RunSpec("watched" if watched else "alone", arguments.game, arguments.extractor, 0,
                   settings, root)  # fmt: skip
    began = time.monotonic()
    train(spec, wandb_mode="disabled")
    seconds = time.monotonic() - began
    rows = read_metrics(spec.directory / "metrics.jsonl")
    # The first is at step 0, whatever the length of the run.
    looks = [row[READ_OUT_SECONDS] for row in rows if READ_OUT_SECONDS in row][1:]
    return seconds, sum(looks), str(read_json(spec.directory / "agent.json")["sha256"])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; return the exit status."""
    program = "python -m benchmarks.read_out"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    games.find(arguments.game)
    extractors.check(arguments.extractor, allow_costly=True)
    commandline.choose("--preset", arguments.preset, PRESETS)
    commandline.at_least("--pairs", arguments.pairs, 1)
    for pair in range(arguments.pairs):
        with tempfile.TemporaryDirectory() as folder:
            read_out_set(arguments.game, Path(folder) / "datasets")  # built once for all runs
            alone, _, first = once(arguments, Path(folder), watched=False)
            watched, looks, second = once(arguments, Path(folder), watched=True)
        print(
            f"pair {pair + 1}: alone {alone:.1f} s, watched {watched:.1f} s; "
            f"read-outs {looks:.2f} s, {looks / (watched - looks):.2%} of the rest; "
            f"{'same agent' if first == second else 'ANOTHER AGENT'}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    commandline.run(main)
