"""What a checkpoint costs: seconds, bytes and the time to read it back.

    python -m benchmarks.checkpoint_cost --game pong --boundaries 5

plays at random between boundaries, as far apart as `fast` has them, and saves at each.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import commandline
import envs
from agents.dqn import BallparkDQN, environment_seeds
from agents.extractors import policy_kwargs
from agents.replay import bytes_needed
from agents.resume import CheckpointStore
from agents.settings import resolve
from envs.games import find


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        game: pong, breakout or catch.
        extractor: A row of the zoo.
        boundaries: Checkpoints to write.
        threads: PyTorch threads.
    """

    game: str = "pong"
    extractor: str = "nature"
    boundaries: int = 5
    threads: int = 1


def measure(arguments: Arguments, folder: Path) -> None:
    """Write checkpoints in `folder`, read the last one back, and print what that took."""
    settings = resolve("fast", arguments.game)
    never = dataclasses.replace(settings, learning_starts=10**9)
    env = envs.make(find(arguments.game), settings.num_envs, seed=0)
    model = BallparkDQN(env, never, policy_kwargs(arguments.extractor), 0)
    store = CheckpointStore(folder)
    raw = bytes_needed(settings.checkpoint_every)
    for boundary in range(arguments.boundaries):
        model.restart_environments(environment_seeds(0, boundary, settings.num_envs))
        model.learn(settings.checkpoint_every, log_interval=10**9, reset_num_timesteps=False)
        if boundary == 0:
            model.train(1, settings.batch_size)  # so that Adam has something to remember
        model.replay_buffer.cut()
        began, cpu = time.monotonic(), time.process_time()
        store.save(model, np.empty((0, settings.num_envs), np.uint8), {})
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        shard = max((folder / "replay").iterdir()).stat().st_size
        rest = sum(p.stat().st_size for p in (folder / f"{store.good:012d}").iterdir())
        everything = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        print(
            f"checkpoint {boundary + 1}: {seconds:.2f} s ({cpu:.2f} s of CPU); "
            f"{raw / 1e6:.0f} MB of replay in {shard / 1e6:.1f} MB, the rest {rest / 1e6:.1f} MB, "
            f"folder {everything / 1e6:.1f} MB",
            flush=True,
        )
    again = BallparkDQN(env, never, policy_kwargs(arguments.extractor), 1)
    began, cpu = time.monotonic(), time.process_time()
    CheckpointStore(folder).load(again)
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    print(f"read back: {seconds:.2f} s ({cpu:.2f} s of CPU)")
    env.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; return the exit status."""
    program = "python -m benchmarks.checkpoint_cost"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    commandline.at_least("--boundaries", arguments.boundaries, 1)
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments, Path(folder) / "checkpoint")
    return 0


if __name__ == "__main__":
    commandline.run(main)
