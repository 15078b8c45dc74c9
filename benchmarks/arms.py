"""What is measured against what: an arm trains in a process of its own and tells its speed.

python -m benchmarks.arms ARM ROW REPLAY_SIZE SECONDS
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecFrameStack, VecTransposeImage
from stable_baselines3.dqn.policies import DQNPolicy
from torch.utils.flop_counter import FlopCounterMode

import envs
from agents import process
from agents.dqn import BallparkDQN
from agents.extractors import policy_kwargs
from agents.settings import Settings
from envs.games import PONG

WARM_UP_STEPS = 400
"""Agent steps before the clock starts."""

LEARNING_STARTS = 350
"""Agent steps before the first update: some have been made when the clock starts."""

UPDATE_EVERY, BATCH = 4, 32
"""RL-Zoo's Atari settings: agent steps an update, transitions an update."""

NEVER = 10**9


def stock(row: str, replay_size: int) -> DQN:
    """Return SB3's DQN as RL-Zoo trains it on Atari, with a row of the zoo as its extractor."""
    env = VecTransposeImage(VecFrameStack(make_atari_env("ALE/Pong-v5", seed=0), 4))
    model = DQN(
        "CnnPolicy",
        env,
        buffer_size=replay_size,
        learning_rate=1e-4,
        batch_size=BATCH,
        learning_starts=LEARNING_STARTS,
        target_update_interval=1_000,
        train_freq=UPDATE_EVERY,
        gradient_steps=1,
        exploration_fraction=0.1,
        exploration_final_eps=0.01,
        policy_kwargs=policy_kwargs(row),
        device="cpu",
        seed=0,
    )
    model.set_logger(Logger(None, []))
    return model


def ours(row: str, replay_size: int, precision: str) -> BallparkDQN:
    """Return this project's DQN with the same network, batch, update ratio and replay size."""
    settings = Settings(
        steps=NEVER,
        replay_size=replay_size,
        learning_starts=LEARNING_STARTS,
        update_every=UPDATE_EVERY,
        batch_size=BATCH,
        # RL-Zoo explores over a tenth of the run; here both explore almost all the time.
        exploration_steps=NEVER // 10,
        precision=precision,
    )
    env = envs.make(PONG, settings.num_envs, seed=0)
    model = BallparkDQN(env, settings, policy_kwargs(row), seed=0)
    model.restart_environments([0, 1, 2, 3])
    model.set_logger(Logger(None, []))
    return model


ARMS: dict[str, Callable[[str, int], DQN]] = {
    "stock": stock,
    "float32": lambda row, replay_size: ours(row, replay_size, "float32"),
    "bfloat16": lambda row, replay_size: ours(row, replay_size, "bfloat16"),
}
"""What is measured, by name; `stock` is what the others are compared with."""


class Clock(BaseCallback):
    """Counts agent steps for some seconds after the warm-up, then stops the training."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.began, self.first = seconds, 0.0, 0

    def _on_step(self) -> bool:
        if not self.began:
            if self.num_timesteps >= WARM_UP_STEPS:
                self.began, self.first = time.perf_counter(), self.num_timesteps
            return True
        return time.perf_counter() - self.began < self.seconds

    def rate(self) -> float:
        """Return agent steps a second."""
        return (self.num_timesteps - self.first) / (time.perf_counter() - self.began)


def run_arm(arm: str, row: str, replay_size: int, seconds: float) -> dict[str, float]:
    """Train for a while; return agent steps a second and the peak memory of this process in MB."""
    torch.set_num_threads(1)
    if arm != "stock":
        process.prepare(1)  # as every run of ours does
    model, clock = ARMS[arm](row, replay_size), Clock(seconds)
    # Acting greedily from the start, as trained agents do: else most of acting is never measured.
    model.exploration_schedule = lambda _: 0.05
    model.learn(NEVER, clock, log_interval=NEVER, reset_num_timesteps=arm == "stock")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"steps_per_second": clock.rate(), "peak_mb": peak}


def matrix_rate(dtype: torch.dtype, size: int = 1024, times: int = 12) -> float:
    """Return the best rate of a square matrix product on one thread, in FLOP/s."""
    torch.set_num_threads(1)
    a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def emulator_rate(steps: int = 800) -> float:
    """Return agent steps a second of the emulator alone: four copies of Pong on one thread."""
    env = envs.make(PONG, 4, seed=0)
    env.reset([0, 1, 2, 3])
    actions = np.random.default_rng(0).integers(6, size=(steps, 4))
    began = time.perf_counter()
    for row in actions:
        env.step(row)
    return 4 * steps / (time.perf_counter() - began)


def step_flops(row: str) -> float:
    """Return the floating-point operations of an agent step: acting, and its share of an update."""
    shape = spaces.Box(0, 255, (4, 84, 84), np.uint8)
    policy = DQNPolicy(shape, spaces.Discrete(6), lambda _: 0.0, **policy_kwargs(row))
    pictures = torch.zeros(BATCH, 4, 84, 84)
    with FlopCounterMode(display=False) as update:
        with torch.no_grad():
            policy.q_net_target(pictures)
        policy.q_net(pictures).sum().backward()
    with FlopCounterMode(display=False) as acting, torch.no_grad():
        policy.q_net(pictures[:1])
    return float(update.get_total_flops() / UPDATE_EVERY + acting.get_total_flops())


if __name__ == "__main__":
    arm, row, replay_size, seconds = sys.argv[1:]
    print(json.dumps(run_arm(arm, row, int(replay_size), float(seconds))))
