"""Networks without a game: the agent's own weights, and what every layer says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import envs
from agents.dqn import BallparkDQN
from agents.extractors import policy_kwargs
from agents.settings import resolve
from analysis.networks import FEATURES, HIDDEN, OUTPUTS, build, of_agent, responses
from envs.games import CATCH


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    env = envs.make(CATCH, 3, seed=5)
    seen = [env.reset()]
    for _ in range(5):
        env.step_async(np.zeros(3, np.int64))
        seen.append(np.asarray(env.step_wait()[0]))
    return np.concatenate(seen)


def agent(spec: str, seed: int) -> BallparkDQN:
    settings = resolve("fast", "catch", {"replay_size": 64})
    return BallparkDQN(envs.make(CATCH, 1, seed=0), settings, policy_kwargs(spec), seed)


@pytest.mark.parametrize("spec", ["nature@0.25", "half_max@0.25", "gap@0.25"])
def test_starts_where_an_agent_starts(spec: str, pictures: np.ndarray) -> None:
    """Same seed, same function: the agent's Q values are the network's outputs."""
    model = agent(spec, seed=3)
    network = build(spec, seed=3, outputs=len(CATCH.actions))
    wanted = model.q_values(pictures)
    assert np.array_equal(responses(network, pictures, [OUTPUTS])[OUTPUTS], wanted)
    assert np.array_equal(responses(of_agent(model, spec), pictures, [OUTPUTS])[OUTPUTS], wanted)


def test_rows_of_a_seed_share_weights() -> None:
    nature, pooled, other = (
        build(row, seed, 2).extractor.state_dict()["stages.conv1.weight"]
        for row, seed in [("nature@0.25", 0), ("half_max@0.25", 0), ("nature@0.25", 1)]
    )
    assert torch.equal(nature, pooled)
    assert not torch.equal(nature, other)


def test_layers_are_what_the_modules_give(pictures: np.ndarray) -> None:
    """Every layer in order; each is the next one's input, whatever the size of a pass."""
    network = build("half_max@0.25", 0, 6)
    assert network.layers == (
        "conv1", "pool1", "conv2", "pool2", "conv3", FEATURES, HIDDEN, OUTPUTS,
    )  # fmt: skip
    found = responses(network, pictures, network.layers)
    assert found["conv1"].shape == (len(pictures), 8, 39, 39)
    cells = found["conv1"][:, :, :38, :38].reshape(len(pictures), 8, 19, 2, 19, 2)
    assert np.array_equal(cells.max(axis=(3, 5)), found["pool1"][:, :, :19, :19])
    assert np.array_equal(found["conv3"].reshape(len(pictures), -1), found[FEATURES])
    hidden = torch.relu(network.head[0](torch.from_numpy(found[FEATURES])))
    assert np.allclose(hidden.detach().numpy(), found[HIDDEN], atol=1e-6)
    many = np.concatenate([pictures] * 20)
    assert np.allclose(
        responses(network, many)[FEATURES][-len(pictures) :], found[FEATURES], atol=1e-6
    )


def test_unknown_layer(pictures: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected layers among conv1, conv2"):
        responses(build("nature@0.25", 0, 6), pictures, ["pool1"])
