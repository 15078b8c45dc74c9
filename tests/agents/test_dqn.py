"""Our DQN is SB3's where it should be, and differs only where it says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN

import envs
from agents.dqn import BallparkDQN, environment_seeds, generators, initialisation_seed
from agents.extractors import policy_kwargs
from agents.settings import Settings
from envs.games import CATCH

SMALL = Settings(
    steps=2_000, num_envs=2, replay_size=400, learning_starts=50, update_every=2, n_steps=1
)


def agent(settings: Settings = SMALL, seed: int = 0, row: str = "nature") -> BallparkDQN:
    env = envs.make(CATCH, settings.num_envs, seed=0)
    return BallparkDQN(env, settings, policy_kwargs(row), seed)


def fill(model: Any, steps: int = 60) -> None:
    """Play at random, straight into the buffer."""
    rng = np.random.default_rng(0)
    observations = model.env.reset([1, 2])
    for _ in range(steps):
        actions = rng.integers(3, size=2)
        following, rewards, dones, infos = model.env.step(actions)
        seen = following.copy()
        for i in np.flatnonzero(dones):
            seen[i] = infos[i]["terminal_observation"]
        model.replay_buffer.add(observations, seen, actions, rewards, dones, infos)
        observations = following


@pytest.mark.parametrize("row", ["nature", "half_max"])
def test_updates_equal_stock_sb3s_in_float32(row: str) -> None:
    ours = agent(row=row)
    stock = DQN(
        "CnnPolicy",
        envs.make(CATCH, 2, seed=0),
        learning_rate=SMALL.learning_rate,
        buffer_size=SMALL.replay_size,
        policy_kwargs=policy_kwargs(row),
        seed=initialisation_seed(0),
        device="cpu",
    )
    fill(ours)
    start = [p.clone() for p in ours.q_net.parameters()]
    for mine, theirs in zip(start, stock.q_net.parameters(), strict=True):
        assert mine.equal(theirs), "the two start with different weights"
    batches = [ours.replay_buffer.sample(32) for _ in range(8)]
    ours.replay_buffer.sample = iterate(batches)  # type: ignore[method-assign]
    stock.replay_buffer.sample = iterate(batches)  # type: ignore[method-assign, union-attr]
    stock._logger = silent()
    for _ in range(8):
        ours.train(1, 32)
        stock.train(1, 32)
    for before, mine, theirs in zip(
        start, ours.q_net.parameters(), stock.q_net.parameters(), strict=True
    ):
        moved = (theirs - before).abs().max().item()
        assert moved > 1e-4, "nothing was learned"
        # Adam's first steps divide by tiny gradients, so rounding shows; 1 % of the way moved.
        torch.testing.assert_close(mine, theirs, rtol=0, atol=moved * 0.01)


def iterate(batches: list[Any]) -> Callable[..., Any]:
    left = iter(batches)
    return lambda *_, **__: next(left)


def silent() -> Any:
    from stable_baselines3.common.logger import Logger

    return Logger(None, [])


@pytest.mark.parametrize("double", [False, True])
def test_the_loss_by_hand(double: bool) -> None:
    settings = Settings(
        steps=2_000, num_envs=2, replay_size=400, learning_starts=50, update_every=2,
        n_steps=3, discount=0.9, double=double,
    )  # fmt: skip
    model = agent(settings)
    fill(model)
    with torch.no_grad():  # so that online and target networks disagree about the best action
        for p in model.q_net_target.parameters():
            p.add_(torch.randn(p.shape, generator=torch.Generator().manual_seed(1)) * 0.1)
    batch = model.replay_buffer.sample(32)
    model.replay_buffer.sample = iterate([batch])  # type: ignore[method-assign]
    expected, disagreements = 0.0, 0
    with torch.no_grad():
        for i in range(32):
            one = slice(i, i + 1)
            target_values = model.q_net_target(batch.next_observations[one])[0]
            online_values = model.q_net(batch.next_observations[one])[0]
            disagreements += int(target_values.argmax() != online_values.argmax())
            best = target_values[online_values.argmax()] if double else target_values.max()
            target = batch.rewards[i] + (1 - batch.dones[i]) * batch.discounts[i] * best
            error = float(model.q_net(batch.observations[one])[0, batch.actions[i, 0]] - target)
            expected += 0.5 * error**2 if abs(error) < 1 else abs(error) - 0.5
    assert disagreements > 0
    model.train(1, 32)
    assert model.read_losses()["train/loss"] == pytest.approx(expected / 32, rel=1e-4)
    assert model.read_losses() == {}, "losses are read once"


def test_exploration_is_drawn_for_each_environment() -> None:
    model = agent()
    observations = np.repeat(envs.make(CATCH, 1, seed=0).reset([1]), 3_000, axis=0)
    greedy = int(model.q_values(observations[:1]).argmax())
    actions = model.act(observations, 0.3, np.random.default_rng(0))
    assert (actions == greedy).mean() == pytest.approx(0.7 + 0.3 / 3, abs=0.03)
    assert (model.act(observations, 0.0, np.random.default_rng(0)) == greedy).all()
    assert len(set(model.act(observations, 1.0, np.random.default_rng(0)))) == 3


def test_everything_follows_from_the_seed() -> None:
    def first_weights(seed: int) -> torch.Tensor:
        return next(agent(seed=seed).q_net.parameters())

    assert first_weights(1).equal(first_weights(1))
    assert not first_weights(1).equal(first_weights(2))
    draws = [generators(seed)[name].random() for seed in (1, 2) for name in generators(0)]
    assert len(set(draws)) == 4, "generators are independent of each other and of other seeds"
    assert generators(1)["replay"].random() == generators(1)["replay"].random()
    seeds = [s for run in range(20) for b in range(20) for s in environment_seeds(run, b, 4)]
    assert len(set(seeds)) == len(seeds), "no environment of any run repeats another's games"


def test_exploration_falls_over_the_steps_that_were_set() -> None:
    settings = Settings(steps=1_000, exploration_steps=500, final_epsilon=0.1, num_envs=2,
                        replay_size=400, update_every=2)  # fmt: skip
    schedule = agent(settings).exploration_schedule
    assert schedule(1.0) == 1.0
    assert schedule(0.75) == pytest.approx(0.55)  # half of the exploration is over
    assert schedule(0.5) == pytest.approx(0.1)
    assert schedule(0.0) == pytest.approx(0.1)
    short = Settings(steps=250, exploration_steps=500, final_epsilon=0.1, num_envs=2,
                     replay_size=400, update_every=2)  # fmt: skip
    assert agent(short).exploration_schedule(0.0) == pytest.approx(0.55), "not squeezed"


def test_a_boundary_cuts_the_running_episodes_and_keeps_their_end() -> None:
    model = agent()
    fill(model, steps=10)
    last = model.replay_buffer.gather(np.array([9]), np.array([0]))
    model.restart_environments([7, 8])
    cut = model.replay_buffer.gather(np.array([9]), np.array([0]))
    assert cut.next_observations.equal(last.next_observations)
    assert cut.dones.item() == 0, "a truncated episode is bootstrapped"
    assert isinstance(model._last_obs, np.ndarray)
    np.testing.assert_array_equal(model._last_obs, envs.make(CATCH, 2, seed=0).reset([7, 8]))


@pytest.mark.parametrize("row", ["nature", "spatial_softmax", "capsule", "gap_learned"])
def test_bfloat16_copies_do_what_autocast_does(row: str) -> None:
    """The same losses as plain autocast over float32 weights; the copies follow every change."""
    model = agent(dataclasses.replace(SMALL, precision="bfloat16", target_update_every=8), row=row)
    plain = agent(dataclasses.replace(SMALL, target_update_every=8), row=row)
    fill(model)
    for m in (model, plain):
        m.set_logger(silent())
    for step in range(6):
        batch = model.replay_buffer.sample(32)
        model.replay_buffer.sample = iterate([batch])  # type: ignore[method-assign]
        model.train(1, 32)
        del model.replay_buffer.sample
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                bootstrap = plain.values(plain.q_net_target, batch.next_observations).amax(1, True)
                target = batch.rewards + (1 - batch.dones) * 0.99 * bootstrap
            q = plain.values(plain.q_net, batch.observations).gather(1, batch.actions)
        loss = torch.nn.functional.smooth_l1_loss(q, target)
        plain.policy.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain.q_net.parameters(), 10)
        plain.policy.optimizer.step()
        assert model.read_losses()["train/loss"] == pytest.approx(loss.item(), rel=0.02), step
        for m in (model, plain):
            m._on_step()
    assert model._copies is not None
    for copy, master in zip(model._copies, (model.q_net, model.q_net_target), strict=True):
        for mine, theirs in zip(copy.net.parameters(), master.parameters(), strict=True):
            assert mine.dtype == torch.bfloat16
            assert mine.equal(theirs.to(torch.bfloat16)), "the copy is stale"
    model.policy.load_state_dict(agent(seed=9, row=row).policy.state_dict())
    for copy, master in zip(model._copies, (model.q_net, model.q_net_target), strict=True):
        for mine, theirs in zip(copy.net.parameters(), master.parameters(), strict=True):
            assert mine.equal(theirs.to(torch.bfloat16)), "the copy did not follow what was loaded"


def test_float32_is_not_rounded_to_tf32() -> None:
    """On a GPU, where PyTorch's convolutions are unless somebody says otherwise."""
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True
    agent()
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
