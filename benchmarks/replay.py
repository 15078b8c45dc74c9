"""Bytes a transition and milliseconds a sample: SB3's replay, ours, ours compressed; side by side.

All are filled with the same random play. Bytes are what the arrays and objects hold, divided by
the transitions that can be sampled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from stable_baselines3.common.buffers import NStepReplayBuffer

import commandline
import envs
from agents.replay import FrameReplayBuffer
from benchmarks.ladder import timed
from envs.games import find
from envs.vector import GameVecEnv

N_ENVS = 4


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        game: What is played.
        transitions: Of each buffer.
        batch: Transitions a sample.
        n_steps: Steps of the return.
        json: Print JSON alone.
    """

    game: str = "pong"
    transitions: int = 20_000
    batch: int = 32
    n_steps: int = 3
    json: bool = False


def buffers(arguments: Arguments, env: GameVecEnv) -> dict[str, Any]:
    """Return the empty buffers by name."""
    shared = (arguments.transitions, env.observation_space, env.action_space, "cpu", N_ENVS)
    made: dict[str, Any] = {"SB3": NStepReplayBuffer(*shared, n_steps=arguments.n_steps)}
    for name, compressed in (("raw", False), ("zlib", True)):
        made[name] = FrameReplayBuffer(
            *shared,
            n_steps=arguments.n_steps,
            rng=np.random.default_rng(0),
            compressed=compressed,
        )
    return made


def fill(made: dict[str, Any], arguments: Arguments, env: GameVecEnv) -> None:
    """Play at random until the buffers are full and have wrapped around."""
    rng, observations = np.random.default_rng(0), env.reset(range(N_ENVS))
    for _ in range(arguments.transitions // N_ENVS + 50):
        actions = rng.integers(len(env.game.actions), size=N_ENVS)
        following, rewards, dones, infos = env.step(actions)
        assert isinstance(following, np.ndarray)
        seen = following.copy()
        for i in np.flatnonzero(dones):
            seen[i] = infos[i]["terminal_observation"]
        for buffer in made.values():
            buffer.add(observations, seen, actions, rewards, dones, infos)
        observations = following


def held(buffer: Any) -> int:
    """Return the bytes a buffer holds."""
    if isinstance(buffer, FrameReplayBuffer):
        return buffer.nbytes
    arrays = (buffer.observations, buffer.next_observations, buffer.actions, buffer.rewards)
    return sum(a.nbytes for a in (*arrays, buffer.dones, buffer.timeouts))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    arguments = commandline.parse(Arguments, argv, "benchmarks.replay", __doc__ or "")
    commandline.at_least("--transitions", arguments.transitions, 200)
    torch.set_num_threads(1)
    env = envs.make(find(arguments.game), N_ENVS, seed=0)
    made = buffers(arguments, env)
    fill(made, arguments, env)
    samplers: dict[str, Callable[[], Any]] = {
        name: partial(buffer.sample, arguments.batch) for name, buffer in made.items()
    }
    times = timed(samplers, blocks=5, updates=20)
    records = [
        {
            "buffer": name,
            "bytes_a_transition": held(buffer) / arguments.transitions,
            "sample_ms_median": times[name][0],
            "sample_ms_least": times[name][1],
        }
        for name, buffer in made.items()
    ]
    if arguments.json:
        print(json.dumps(records, indent=2))
        return 0
    table = Table(
        title=f"{arguments.game}, {arguments.transitions:,} transitions, samples of "
        f"{arguments.batch}, n = {arguments.n_steps}, one thread"
    )
    for heading in ("buffer", "bytes a transition", "ms a sample, median", "least"):
        table.add_column(heading, justify="left" if heading == "buffer" else "right")
    for r in records:
        table.add_row(
            str(r["buffer"]), f"{r['bytes_a_transition']:,.0f}",
            f"{r['sample_ms_median']:.2f}", f"{r['sample_ms_least']:.2f}",
        )  # fmt: skip
    Console(highlight=False).print(table)
    return 0


if __name__ == "__main__":
    commandline.run(main)
