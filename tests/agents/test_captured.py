"""The recorded update equals the plain one (needs a CUDA device); what cannot be is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3.common.logger import Logger

import envs
from agents.captured import recording
from agents.dqn import BallparkDQN
from agents.extractors import policy_kwargs
from agents.settings import Settings
from commandline import BadInput
from envs.games import CATCH


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_recorded_update_equals_the_plain_one(precision: str) -> None:
    settings = Settings(steps=2_000, num_envs=2, replay_size=400, update_every=2,
                        learning_starts=50, precision=precision)  # fmt: skip
    recorded, plain = (
        BallparkDQN(envs.make(CATCH, 2, seed=0), settings, policy_kwargs("nature"), 0, "cuda")
        for _ in range(2)
    )
    rng = np.random.default_rng(0)
    assert recorded.env is not None
    observations = recorded.env.reset()
    for _ in range(60):
        actions = rng.integers(3, size=2)
        following, rewards, dones, infos = recorded.env.step(actions)
        assert isinstance(following, np.ndarray)
        seen = following.copy()
        for i in np.flatnonzero(dones):
            seen[i] = infos[i]["terminal_observation"]
        recorded.replay_buffer.add(observations, seen, actions, rewards, dones, infos)
        observations = following
    start = [p.detach().clone() for p in plain.q_net.parameters()]
    for _ in range(10):
        batch = recorded.replay_buffer.sample(32)
        recorded._captured = recorded._captured or recorded._capture(batch)
        recorded._captured(batch)
        plain._update(batch)
    for before, mine, theirs in zip(
        start, recorded.q_net.parameters(), plain.q_net.parameters(), strict=True
    ):
        moved = (theirs - before).abs().max().item()
        assert moved > 1e-4
        torch.testing.assert_close(mine, theirs, rtol=0, atol=moved * 0.05)


def test_what_cannot_be_recorded_is_said_in_one_line() -> None:
    why = "CUDA error: operation not permitted when stream is capturing\nFor debugging consider"
    expected = r"docs/adding-an-extractor\.md.*not permitted when stream"
    with pytest.raises(BadInput, match=expected) as caught, recording():
        raise RuntimeError(why)
    assert "\n" not in str(caught.value)
    with pytest.raises(torch.OutOfMemoryError), recording():
        raise torch.OutOfMemoryError("a card that is full")


WAITS = """
from agents.architectures import find
from agents.extractors import ZooExtractor

class Waits(ZooExtractor):
    def __init__(self, observation_space):
        super().__init__(observation_space, find("gap@0.125"))

    def forward(self, observations):
        observations.sum().item()
        return super().forward(observations)
"""


@pytest.mark.gpu
def test_an_extractor_that_waits_for_the_gpu_is_refused(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(WAITS)
    settings = Settings(
        steps=2_000, num_envs=2, replay_size=400, update_every=2, learning_starts=50
    )
    kwargs = policy_kwargs(f"{tmp_path / 'waits.py'}:Waits")
    model = BallparkDQN(envs.make(CATCH, 2, seed=0), settings, kwargs, 0, "cuda")
    model.set_logger(Logger(None, []))
    model.restart_environments([1, 2])
    with pytest.raises(BadInput, match="adding-an-extractor"):
        model.learn(100, log_interval=1_000, reset_num_timesteps=False)
