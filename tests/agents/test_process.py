"""What is freed stays, so that far fewer pages are asked for; what is all but 0 becomes 0."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from agents import process

FAULTS = """
import resource, sys
import numpy as np
import torch
import envs
from agents.process import keep_freed_memory
from agents.dqn import BallparkDQN
from agents.extractors import policy_kwargs
from agents.settings import Settings
from envs.games import CATCH
torch.set_num_threads(1)
if sys.argv[1] == "keep":
    assert keep_freed_memory()
env = envs.make(CATCH, 4, seed=0)
settings = Settings(steps=2_000, replay_size=400)
model = BallparkDQN(env, settings, policy_kwargs("twin_max"), 0)
observations = env.reset()
for _ in range(20):
    following, rewards, dones, infos = env.step(np.zeros(4, int))
    model.replay_buffer.add(observations, following, np.zeros(4), rewards, dones, infos)
    observations = following
model.train(3, 32)
rounds = []
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    model.train(4, 32)
    rounds.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(min(rounds))  # a kernel that reclaims cold pages adds faults of its own to some
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_kept_memory_is_not_asked_for_again() -> None:
    def faults(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        return int(done.stdout)

    assert faults("keep") * 10 < faults("as it is")


def moment_and_weights(*, flushed: bool) -> tuple[float, list[float]]:
    """Adam's mean of a gradient that has been 0 for long, and the weights it has moved."""
    torch.set_flush_denormal(False)
    if flushed:
        process.prepare(torch.get_num_threads())
    try:
        weights = torch.nn.Parameter(torch.linspace(-1, 1, 8))
        adam = torch.optim.Adam([weights], 1e-3, fused=True)
        for update in range(1_500):
            weights.grad = torch.full_like(weights, float(update < 10))
            adam.step()
        return float(adam.state[weights]["exp_avg"].abs().max()), weights.tolist()
    finally:
        torch.set_flush_denormal(False)


def test_denormal_moments_become_zero_and_change_no_weight() -> None:
    left_alone, flushed = (moment_and_weights(flushed=yes) for yes in (False, True))
    assert 0 < left_alone[0] < torch.finfo(torch.float32).tiny
    assert flushed[0] == 0
    assert flushed[1] == left_alone[1]
