"""SB3's DQN with what the comparison needs, and nothing else changed.

- exploration is drawn for each environment (SB3 draws once for all of them);
- every random number comes from a generator that was passed in;
- optionally the online network chooses and the target network values (van Hasselt et al. 2016);
- no `.item()` in the loop: losses are summed on the device and read when a row is logged;
- channels-last weights, fused Adam and, if asked for, bfloat16 arithmetic with float32 weights.

Pictures are scaled to [0, 1] in one place, `scaled`; `docs/performance.md` says what each change
gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from gymnasium import spaces
from jaxtyping import Float, Int64, UInt8
from stable_baselines3 import DQN
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.dqn.policies import QNetwork
from torch import Tensor, nn
from torch.nn import functional

from agents.captured import CapturedUpdate
from agents.precision import Bfloat16Copy, float32_means_float32
from agents.replay import FrameReplayBuffer
from agents.settings import Settings


def generators(seed: int) -> dict[str, np.random.Generator]:
    """Return the independent generators of a run, derived from its one seed."""
    names = ("exploration", "replay")
    children = np.random.SeedSequence(entropy=seed, spawn_key=(0,)).spawn(len(names))
    return {n: np.random.default_rng(child) for n, child in zip(names, children, strict=True)}


def environment_seeds(seed: int, boundary: int, num_envs: int) -> list[int]:
    """Return the seeds with which the environments start after boundary `boundary` of a run."""
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(1, boundary))
    return [int(s) for s in sequence.generate_state(num_envs)]


def initialisation_seed(seed: int) -> int:
    """Return torch's seed for the initial weights of a run."""
    return int(np.random.SeedSequence(entropy=seed, spawn_key=(2,)).generate_state(1)[0])


class BallparkDQN(DQN):
    """DQN for `uint8 (n, 4, 84, 84)` observations and discrete actions.

    Args:
        env: The training environments.
        settings: Hyperparameters.
        policy_kwargs: From `agents.extractors.policy_kwargs`.
        seed: The run's seed; weights, exploration and replay are derived from it.
        device: Torch device.
    """

    replay_buffer: FrameReplayBuffer

    def __init__(
        self,
        env: VecEnv,
        settings: Settings,
        policy_kwargs: Mapping[str, Any],
        seed: int,
        device: str = "cpu",
    ) -> None:
        self.settings = settings
        self.rngs = generators(seed)
        self.updates_since_read = 0
        self._copies: tuple[Bfloat16Copy, Bfloat16Copy] | None = None
        self._captured: CapturedUpdate | None = None
        float32_means_float32()  # all that trains, plays or is measured is built here
        # A step counter on the device, so that the whole update can be recorded there.
        adam = {"fused": True, "capturable": torch.device(device).type == "cuda"}
        super().__init__(
            "CnnPolicy",
            env,
            learning_rate=settings.learning_rate,
            buffer_size=settings.replay_size,
            learning_starts=settings.learning_starts,
            batch_size=settings.batch_size,
            gamma=settings.discount,
            train_freq=max(1, settings.update_every // settings.num_envs),
            gradient_steps=max(1, settings.num_envs // settings.update_every),
            replay_buffer_class=FrameReplayBuffer,
            replay_buffer_kwargs={
                "n_steps": settings.n_steps,
                "gamma": settings.discount,
                "rng": self.rngs["replay"],
                "compressed": settings.replay_compression == "zlib",
            },
            target_update_interval=settings.target_update_every,
            exploration_fraction=min(1.0, settings.exploration_steps / settings.steps),
            exploration_final_eps=_epsilon_at_end(settings),
            max_grad_norm=settings.max_grad_norm,
            policy_kwargs={**policy_kwargs, "optimizer_kwargs": adam},
            seed=initialisation_seed(seed),
            device=device,
        )
        self._loss_sum = torch.zeros((), device=self.device)
        self._q_sum = torch.zeros((), device=self.device)

    def _setup_model(self) -> None:
        super()._setup_model()
        # Convolutions are faster on the CPU when channels lie next to each other.
        nn.Module.to(self.policy, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._copies = None
        if self.settings.precision == "bfloat16":
            self._copies = (Bfloat16Copy(self.q_net), Bfloat16Copy(self.q_net_target))

    def predict(
        self,
        observation: UInt8[np.ndarray, "n 4 84 84"] | dict[str, np.ndarray],
        state: tuple[np.ndarray, ...] | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
        """Choose actions epsilon-greedily, for each environment apart."""
        assert isinstance(observation, np.ndarray)
        epsilon = 0.0 if deterministic else self.exploration_rate
        return self.act(observation, epsilon, self.rngs["exploration"]), state

    def act(
        self, observations: UInt8[np.ndarray, "n 4 84 84"], epsilon: float, rng: np.random.Generator
    ) -> Int64[np.ndarray, " n"]:
        """Choose an action for each observation: random with probability `epsilon`, else greedy.

        The same numbers are drawn whatever the outcome, so that runs stay comparable.
        """
        n = len(observations)
        explores = rng.random(n) < epsilon
        actions = rng.integers(cast(spaces.Discrete, self.action_space).n, size=n)
        if not explores.all():
            actions = np.where(explores, actions, self.q_values(observations).argmax(axis=1))
        return actions

    def q_values(
        self, observations: UInt8[np.ndarray, "n 4 84 84"]
    ) -> Float[np.ndarray, "n actions"]:
        """Return the value of every action, in discounted clipped reward."""
        self.policy.set_training_mode(False)
        with torch.inference_mode(), self.autocast():
            pictures = torch.as_tensor(observations, device=self.device)
            return self.values(self._networks()[0], pictures).cpu().numpy()

    def autocast(self) -> torch.autocast:
        """Return the context in which networks are run: bfloat16 if the settings say so."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._copies is not None)

    def values(self, net: QNetwork, observations: UInt8[Tensor, "n c h w"]) -> Float[Tensor, "n a"]:
        """Return a network's value of every action as float32; call it within `autocast`."""
        features = net.features_extractor(scaled(observations, next(net.parameters()).dtype))
        q: Tensor = net.q_net(features).float()
        return q

    def _networks(self) -> tuple[QNetwork, QNetwork]:
        """Return the online and the target network, as they are run."""
        if self._copies is None:
            return self.q_net, self.q_net_target
        online, target = self._copies
        return online.net, target.net

    def _on_step(self) -> None:
        super()._on_step()
        every = max(self.target_update_interval // self.n_envs, 1)
        if self._copies is not None and self._n_calls % every == 0:
            self._copies[1].refresh()

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        assert isinstance(self._last_obs, np.ndarray)
        # SB3's `learning_starts` also holds updates back after a resume; play does not change then.
        warming_up = self.num_timesteps < self.settings.learning_starts
        epsilon = 1.0 if warming_up else self.exploration_rate
        actions = self.act(self._last_obs, epsilon, self.rngs["exploration"])
        return actions, actions

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Make `gradient_steps` updates on batches of `batch_size` (Huber loss, Adam)."""
        self.policy.set_training_mode(True)
        for _ in range(gradient_steps):
            batch = self.replay_buffer.sample(batch_size)
            if self.device.type == "cuda":
                self._captured = self._captured or self._capture(batch)
                self._captured(batch)
            else:
                self._update(batch)
        self._n_updates += gradient_steps
        self.updates_since_read += gradient_steps

    def _update(self, batch: ReplayBufferSamples) -> None:
        """Make one update, without waiting for the device."""
        assert batch.discounts is not None
        online, target_net = self._networks()
        with self.autocast():
            with torch.no_grad():
                q_t = self.values(target_net, batch.next_observations)
                chooser = q_t
                if self.settings.double:
                    chooser = self.values(online, batch.next_observations)
                bootstrap = q_t.gather(1, chooser.argmax(dim=1, keepdim=True))
                target = batch.rewards + (1 - batch.dones) * batch.discounts * bootstrap
            q_tm1 = self.values(online, batch.observations).gather(1, batch.actions)
        loss = functional.smooth_l1_loss(q_tm1, target)
        if self._copies is None:
            self.policy.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self._copies is not None:
            self._copies[0].hand_over_gradients()
        torch.nn.utils.clip_grad_norm_(list(self.q_net.parameters()), self.max_grad_norm)
        self.policy.optimizer.step()
        if self._copies is not None:
            self._copies[0].refresh()
        self._loss_sum += loss.detach()
        self._q_sum += q_tm1.detach().mean()

    def _capture(self, batch: ReplayBufferSamples) -> CapturedUpdate:
        copies = [copy.net for copy in self._copies or ()]
        return CapturedUpdate(
            self._update,
            [self.q_net, self.q_net_target, *copies],
            self.policy.optimizer,
            [self._loss_sum, self._q_sum],
            batch,
        )

    def read_losses(self) -> dict[str, float]:
        """Return mean loss and mean Q since the last call, and start anew; empty if no update."""
        if not self.updates_since_read:
            return {}
        means = {
            "train/loss": self._loss_sum.item() / self.updates_since_read,
            "train/q_mean": self._q_sum.item() / self.updates_since_read,
        }
        self._loss_sum.zero_()
        self._q_sum.zero_()
        self.updates_since_read = 0
        return means

    def restart_environments(self, seeds: list[int]) -> None:
        """Cross a boundary: cut the running episodes and reset every environment with `seeds`."""
        assert self.env is not None
        self.replay_buffer.cut()
        self._last_obs = self.env.reset(seeds)  # type: ignore[call-arg, assignment]

    def return_to(self, seeds: list[int], actions: UInt8[np.ndarray, "t n"]) -> None:
        """Bring the environments back to where they were: reset, then the actions taken since.

        Neither replay nor counters change: they have seen all this before.
        """
        assert self.env is not None
        self._last_obs = self.env.reset(seeds)  # type: ignore[call-arg, assignment]
        for row in actions:
            self._last_obs = self.env.step(row)[0]  # type: ignore[assignment]


def scaled(observations: UInt8[Tensor, "n c h w"], dtype: torch.dtype) -> Float[Tensor, "n c h w"]:
    """Return pictures in [0, 1], channels last.

    Grey values up to 255 are exact in bfloat16, so that converting before dividing rounds once, as
    converting after would.
    """
    return observations.contiguous(memory_format=torch.channels_last).to(dtype).div_(255)


def _epsilon_at_end(settings: Settings) -> float:
    """Return where a run shorter than the exploration ends on its way from 1 down."""
    done = min(1.0, settings.steps / settings.exploration_steps)
    return 1.0 + done * (settings.final_epsilon - 1.0)
