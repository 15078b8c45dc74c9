"""What is saved comes back; what is damaged is refused in one line."""

from __future__ import annotations

import json
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


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[BallparkDQN, Path]:
    model = agent(0)
    model.restart_environments([1, 2])
    model.learn(60, reset_num_timesteps=False)
    folder = tmp_path_factory.mktemp("run") / "checkpoint"
    checkpoints.save(model, folder)
    return model, folder


def test_a_checkpoint_brings_everything_back(trained: tuple[BallparkDQN, Path]) -> None:
    model, folder = trained
    other = agent(1)
    assert checkpoints.load(other, folder) == model.num_timesteps == 60
    for name, tensor in model.policy.state_dict().items():
        assert tensor.equal(other.policy.state_dict()[name]), name
    mine, theirs = (m.policy.optimizer.state_dict()["state"] for m in (model, other))
    assert mine.keys() == theirs.keys()
    assert len(mine) > 0
    for index, slots in mine.items():
        for name, tensor in slots.items():
            assert tensor.equal(theirs[index][name])
    for name in model.rngs:
        assert model.rngs[name].bit_generator.state == other.rngs[name].bit_generator.state
    assert (model._n_updates, model._n_calls) == (other._n_updates, other._n_calls)
    assert model._n_updates > 0


def test_saving_again_replaces_and_leaves_nothing_beside(trained: tuple[BallparkDQN, Path]) -> None:
    model, folder = trained
    checkpoints.save(model, folder)
    assert [p.name for p in folder.parent.iterdir()] == ["checkpoint"]
    assert {p.suffix for p in folder.iterdir()} == {".safetensors", ".json"}, "no pickles"


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    digests = {checkpoints.save_weights(agent(3).q_net, tmp_path / f"{i}") for i in range(3)}
    assert len(digests) == 1
    assert checkpoints.save_weights(agent(4).q_net, tmp_path / "other") not in digests


def test_damage_is_refused(trained: tuple[BallparkDQN, Path], tmp_path: Path) -> None:
    weights = tmp_path / "agent.safetensors"
    checkpoints.save_weights(agent(0).q_net, weights)
    with pytest.raises(BadInput, match="expected the weights of another network"):
        checkpoints.load_weights(agent(0, "gap").q_net, weights)
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BadInput, match="expected weights in safetensors"):
        checkpoints.load_weights(agent(0).q_net, weights)
    with pytest.raises(BadInput, match="expected weights in safetensors"):
        checkpoints.load_weights(agent(0).q_net, tmp_path / "missing")


def test_another_version_is_refused(trained: tuple[BallparkDQN, Path], tmp_path: Path) -> None:
    _, folder = trained
    state = json.loads((folder / "state.json").read_text())
    (tmp_path / "state.json").write_text(json.dumps({**state, "format": 99}))
    with pytest.raises(BadInput, match="expected format 1, got 99"):
        checkpoints.load(agent(0), tmp_path)
    (tmp_path / "state.json").write_text("[]")
    with pytest.raises(BadInput, match="expected a JSON object, got a list"):
        checkpoints.load(agent(0), tmp_path)


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
