"""Weights that are saved come back; what is damaged is refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import envs
from agents import checkpoints
from agents.dqn import BallparkDQN
from agents.extractors import policy_kwargs
from agents.settings import Settings
from commandline import BadInput
from envs.games import CATCH

SMALL = Settings(steps=2_000, num_envs=2, replay_size=400, learning_starts=20, update_every=2)


def agent(seed: int, row: str = "nature") -> BallparkDQN:
    return BallparkDQN(envs.make(CATCH, 2, seed=0), SMALL, policy_kwargs(row), seed)


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    digests = {checkpoints.save_weights(agent(3).q_net, tmp_path / f"{i}") for i in range(3)}
    assert len(digests) == 1
    assert checkpoints.save_weights(agent(4).q_net, tmp_path / "other") not in digests


def test_damage_is_refused(tmp_path: Path) -> None:
    weights = tmp_path / "agent.safetensors"
    checkpoints.save_weights(agent(0).q_net, weights)
    with pytest.raises(BadInput, match="expected the weights of another network"):
        checkpoints.load_weights(agent(0, "gap").q_net, weights)
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BadInput, match="expected weights in safetensors"):
        checkpoints.load_weights(agent(0).q_net, weights)
    with pytest.raises(BadInput, match="expected weights in safetensors"):
        checkpoints.load_weights(agent(0).q_net, tmp_path / "missing")


def test_a_tensor_of_another_type_is_refused(tmp_path: Path) -> None:
    network = agent(0).q_net
    halves = {name: t.to(torch.bfloat16) for name, t in network.state_dict().items()}
    checkpoints.save_tensors(halves, tmp_path / "w")
    with pytest.raises(BadInput, match=r"expected the weights of another network.*BF16"):
        checkpoints.load_weights(network, tmp_path / "w")


@pytest.mark.parametrize("content", [b"[]", b"3", b"", b"{", b"\xff", b"[" * 100_000])
def test_json_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(BadInput, match="expected a JSON"):
        checkpoints.read_json(tmp_path / "x.json")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_where_there_is_none() -> None:
    with pytest.raises(BadInput, match="PyTorch finds no CUDA device"):
        checkpoints.device_for("cuda")
    assert checkpoints.device_for("auto") == "cpu"


def test_greedy_play_survives_the_round_trip(tmp_path: Path) -> None:
    checkpoints.save_weights(agent(5).q_net, tmp_path / "w")
    other = agent(6)
    observations = np.random.default_rng(0).integers(0, 256, (8, 4, 84, 84), dtype=np.uint8)
    before = other.q_values(observations)
    checkpoints.load_weights(other.q_net, tmp_path / "w")
    np.testing.assert_array_equal(other.q_values(observations), agent(5).q_values(observations))
    assert not np.array_equal(before, other.q_values(observations))
