"""The frame-sharing buffer against SB3's own, on random episodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer

from agents.frames import CompressedFrames, DeviceFrames
from agents.replay import FrameReplayBuffer, bytes_needed
from envs import make
from envs.games import PONG

SIDE = 5
SPACE = spaces.Box(0, 255, (4, SIDE, SIDE), np.uint8)
ACTIONS = spaces.Discrete(6)


@dataclass
class Tape:
    """A fake game: random frames, and episode ends of every kind at random moments."""

    rng: np.random.Generator
    n_envs: int
    stacks: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def frame(self) -> np.ndarray:
        return self.rng.integers(1, 256, (SIDE, SIDE), dtype=np.uint8)

    def reset_one(self, e: int) -> None:
        self.stacks[e] = 0
        self.stacks[e, -1] = self.frame()

    def reset(self) -> np.ndarray:
        self.stacks = np.zeros((self.n_envs, *SPACE.shape), np.uint8)
        for e in range(self.n_envs):
            self.reset_one(e)
        return self.stacks.copy()

    def step(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Return (next obs for the learner, obs to go on with, rewards, dones, infos)."""
        self.stacks[:, :-1] = self.stacks[:, 1:].copy()
        for e in range(self.n_envs):
            self.stacks[e, -1] = self.frame()
        seen = self.stacks.copy()
        infos: list[dict[str, Any]] = [{} for _ in range(self.n_envs)]
        dones = np.zeros(self.n_envs, bool)
        for e in range(self.n_envs):
            kind = self.rng.choice(
                ["goes on", "game over", "life lost", "time"], p=[0.7, 0.1, 0.1, 0.1]
            )
            dones[e] = kind != "goes on"
            infos[e]["TimeLimit.truncated"] = bool(kind == "time")
            if kind in ("game over", "time"):
                self.reset_one(e)
        rewards = self.rng.normal(size=self.n_envs).astype(np.float32)
        return seen, self.stacks.copy(), rewards, dones, infos


def filled(
    seed: int,
    n_envs: int,
    capacity: int,
    steps: int,
    n_steps: int,
    gamma: float,
    store: str = "array",
) -> Any:
    """Feed the same tape to both buffers, crossing a boundary now and then."""
    rng = np.random.default_rng(seed)
    theirs: ReplayBuffer
    if n_steps == 1:
        theirs = ReplayBuffer(capacity * n_envs, SPACE, ACTIONS, "cpu", n_envs)
    else:
        theirs = NStepReplayBuffer(
            capacity * n_envs, SPACE, ACTIONS, "cpu", n_envs, n_steps=n_steps, gamma=gamma
        )
    ours = FrameReplayBuffer(
        capacity * n_envs, SPACE, ACTIONS, "cpu", n_envs, n_steps=n_steps, gamma=gamma, rng=rng
    )
    if store == "compressed":
        ours.frames = CompressedFrames(ours.frames.shape)
    elif store == "device":
        ours.frames = DeviceFrames(ours.frames.shape, torch.device("cpu"))
    tape = Tape(rng, n_envs)
    obs = tape.stacks.copy()
    for _ in range(steps):
        next_obs, onward, rewards, dones, infos = tape.step()
        actions = rng.integers(6, size=n_envs)
        ours.add(obs, next_obs, actions, rewards, dones, infos)
        boundary = rng.random() < 0.1
        if boundary:  # SB3 has no such thing: there, the transition is stored as truncated
            for e in range(n_envs):
                infos[e]["TimeLimit.truncated"] |= not dones[e]
            dones, onward = np.ones(n_envs, bool), tape.reset()
            ours.cut()
        theirs.add(obs, next_obs, actions, rewards, dones, infos)
        obs = onward
    return ours, theirs


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_envs=st.integers(1, 3),
    capacity=st.integers(2, 12),
    steps=st.integers(1, 40),
    n_steps=st.integers(1, 4),
    gamma=st.sampled_from([0.9, 0.99, 1.0]),
    store=st.sampled_from(["array", "compressed", "device"]),
)
def test_every_transition_equals_sb3s(
    seed: int, n_envs: int, capacity: int, steps: int, n_steps: int, gamma: float, store: str
) -> None:
    ours, theirs = filled(seed, n_envs, capacity, steps, n_steps, gamma, store)
    size = min(steps, capacity)
    assert ours.size() == theirs.size() == size
    age = np.arange(size)  # how many steps ago each transition was added
    their_slots = (theirs.pos - 1 - age) % capacity
    np.random.seed(seed % 2**32)  # noqa: NPY002  (SB3 draws its environments from here)
    expected = theirs._get_samples(their_slots)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    envs = np.random.randint(0, high=n_envs, size=(size,))  # noqa: NPY002
    got = ours.gather((ours.pos - 1 - age) % ours.length, envs)
    for name in ("observations", "next_observations", "actions", "dones"):
        assert getattr(got, name).equal(getattr(expected, name)), name
    np.testing.assert_allclose(got.rewards, expected.rewards, rtol=1e-6, atol=1e-6)
    if n_steps > 1:
        np.testing.assert_allclose(got.discounts, expected.discounts, rtol=1e-6)
    else:
        np.testing.assert_allclose(got.discounts, gamma, rtol=1e-6)


def test_sampling_reaches_every_transition_and_nothing_else() -> None:
    ours, _ = filled(0, 2, 6, 30, 1, 0.99)
    seen = {
        (int(row[0, 0]), int(row[-1, -1])) for row in ours.sample(2000).observations[:, -1].numpy()
    }
    everything = ours.gather(
        np.repeat((ours.pos - 1 - np.arange(6)) % ours.length, 2), np.tile([0, 1], 6)
    )
    assert seen == {(int(r[0, 0]), int(r[-1, -1])) for r in everything.observations[:, -1].numpy()}


def test_same_seed_same_sample_other_seed_other_sample() -> None:
    def rewards(seed: int) -> Any:
        ours, _ = filled(0, 2, 8, 30, 3, 0.9)
        ours.rng = np.random.default_rng(seed)
        return ours.sample(16).rewards

    assert rewards(1).equal(rewards(1))
    assert not rewards(1).equal(rewards(2))


def test_an_observation_that_does_not_continue_is_refused() -> None:
    ours, _ = filled(0, 1, 8, 3, 1, 0.9)
    ours.dones[(ours.pos - 1) % ours.length] = True
    stray = np.full((1, *SPACE.shape), 7, np.uint8)
    with pytest.raises(ValueError, match="expected an observation that continues"):
        ours.add(stray, stray, np.zeros(1), np.zeros(1), np.zeros(1, bool), [{}])


def test_memory_is_an_eighth_of_sb3s() -> None:
    space = spaces.Box(0, 255, (4, 84, 84), np.uint8)
    ours = FrameReplayBuffer(1000, space, ACTIONS, "cpu", 4, rng=np.random.default_rng(0))
    theirs = ReplayBuffer(1000, space, ACTIONS, "cpu", 4)
    stored = theirs.observations.nbytes + theirs.next_observations.nbytes
    assert stored / 1000 == 56_448
    assert bytes_needed(1000) / 1000 <= 7_100
    assert ours.nbytes <= bytes_needed(1000 + 4 * 4)


@pytest.mark.parametrize("store", ["compressed", "device"])
def test_other_stores_are_indexed_like_the_array(store: str) -> None:
    shape = (6, 2, SIDE, SIDE)
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    frames: Any = (
        CompressedFrames(shape)
        if store == "compressed"
        else DeviceFrames(shape, torch.device("cpu"))
    )
    assert not frames[:].any()
    frames[0] = array[0]
    frames[1:5] = array[1:5]
    frames[5, 0], frames[5, 1] = array[5, 0], array[5, 1]
    np.testing.assert_array_equal(frames[:], array)
    np.testing.assert_array_equal(frames[3], array[3])
    np.testing.assert_array_equal(frames[4, 1], array[4, 1])
    assert frames[2:2].shape == (0, 2, SIDE, SIDE)


def test_pong_takes_less_than_800_bytes_a_transition_compressed() -> None:
    env = make(PONG, 4, seed=0)
    observations = env.reset([0, 1, 2, 3])
    buffer = FrameReplayBuffer(2_000, env.observation_space, env.action_space, "cpu", 4,
                               rng=np.random.default_rng(0), compressed=True)  # fmt: skip
    rng = np.random.default_rng(1)
    for _ in range(500):
        actions = rng.integers(6, size=4)
        following, rewards, dones, infos = env.step(actions)
        seen = following.copy()
        for i in np.flatnonzero(dones):
            seen[i] = infos[i]["terminal_observation"]
        buffer.add(observations, seen, actions, rewards, dones, infos)
        observations = following
    assert buffer.size() == 500
    assert buffer.nbytes / 2_000 <= 800
