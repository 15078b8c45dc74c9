"""A run tried for a moment: how fast it is on this machine, and what of a GPU it takes."""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from stable_baselines3.common.logger import Logger

from agents.dqn import environment_seeds
from agents.settings import fingerprint, training_protocol
from studies.running.directory import RunSpec
from studies.running.run import build

TRIED_STEPS = 160
"""Agent steps played to find out how fast a run is; the first half is not timed."""


@dataclass(frozen=True)
class Trial:
    """What was found out.

    Attributes:
        seconds_a_step: Seconds of an agent step once the agent learns.
        gpu_bytes: Most that PyTorch held of the GPU's memory, with a small replay; 0 on a CPU.
    """

    seconds_a_step: float
    gpu_bytes: int = 0


class Trials:
    """Trials on this machine, one for each kind of run, made when it is first asked for.

    Args:
        device: Torch device.
        threads: Torch threads a run.
    """

    def __init__(self, device: str, threads: int) -> None:
        self.device, self.threads = device, threads
        self.made: dict[Hashable, Trial] = {}

    def of(self, spec: RunSpec) -> Trial:
        """Return what is known of a run such as `spec`; try one if nothing is."""
        kind = work(spec)
        if kind not in self.made:
            self.made[kind] = self._try(spec)
        return self.made[kind]

    def _try(self, spec: RunSpec) -> Trial:
        if self.device == "cpu":
            return Trial(seconds_a_step(spec, self.device, self.threads))
        torch.cuda.reset_peak_memory_stats()
        seconds = seconds_a_step(spec, self.device, self.threads)
        return Trial(seconds, torch.cuda.max_memory_reserved())


def work(spec: RunSpec) -> Hashable:
    """Return what makes a step of a run take as long as another's."""
    settings = spec.settings
    protocol = fingerprint(training_protocol(settings))
    return spec.game, spec.extractor, protocol, settings.replay_compression


def seconds_a_step(
    spec: RunSpec,
    device: str,
    threads: int,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Return the seconds an agent step takes once the agent learns, measured on this machine.

    Evaluations and checkpoints come on top. What was tried is gone from memory afterwards.

    Args:
        spec: A run such as those to be trained; nothing is written.
        device: Torch device.
        threads: Torch threads.
        clock: Tells the seconds.
    """
    torch.set_num_threads(threads)
    settings = dataclasses.replace(spec.settings, replay_size=1_000, learning_starts=1)
    model = build(dataclasses.replace(spec, settings=settings), device)
    model.set_logger(Logger(None, []))
    model.restart_environments(environment_seeds(0, 0, settings.num_envs))
    model.exploration_schedule = lambda _: settings.final_epsilon
    half = TRIED_STEPS // 2
    model.learn(half, log_interval=TRIED_STEPS, reset_num_timesteps=False)
    began = clock()
    model.learn(half, log_interval=TRIED_STEPS, reset_num_timesteps=False)
    taken = clock() - began
    assert model.env is not None
    model.env.close()
    # SB3's callback keeps `learn`'s variables, the model among them, which keeps the callback.
    del model
    gc.collect()
    if device != "cpu":
        torch.cuda.empty_cache()
    return taken / half
