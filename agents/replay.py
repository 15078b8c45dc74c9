"""A replay buffer that stores every frame once.

SB3's buffer keeps both four-frame stacks of a transition, 56,448 bytes. Successive stacks share
three frames, so here each agent step adds one frame, 7,056 bytes, and stacks are put together when
they are sampled:

    slot        t-3   t-2   t-1    t    t+1
    frame       f     f     f      f    f        newest picture of each observation
    observation [ f ......... f ]                of slot t
    next observation [ f ......... f ]           of slot t; at an episode's end its last picture
                                                 is kept beside the ring

What is sampled equals SB3's `ReplayBuffer` (n = 1) and `NStepReplayBuffer` (n > 1) bit for bit,
at episode ends, at truncations, at the write head and on wrap-around; `tests/agents/` holds it to
that.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from gymnasium import spaces
from jaxtyping import Int, UInt8
from stable_baselines3.common.buffers import BaseBuffer, ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize

from agents.frames import COMPRESSED_FRAME_BYTES, CompressedFrames, DeviceFrames

MARGIN = 4
"""Slots beyond the capacity: three older frames for the oldest stack, one for the newest next."""

INPUT_SIDE = 84
"""Side of a frame, in network pixels."""

SLOT_OVERHEAD_BYTES = 8
"""Bytes a slot costs beside its frame: action 1, reward 4, done 1, timeout 1, age 1."""


def bytes_needed(capacity: int, *, compressed: bool = False) -> int:
    """Return the bytes that a buffer of `capacity` transitions takes, not counting final frames.

    For compressed frames it is an estimate.
    """
    frame = COMPRESSED_FRAME_BYTES if compressed else INPUT_SIDE**2
    return capacity * (frame + SLOT_OVERHEAD_BYTES)


Stacks = UInt8[np.ndarray, "b s h w"] | UInt8[torch.Tensor, "b s h w"]


class FrameReplayBuffer(ReplayBuffer):
    """Stores each frame once; samples what SB3's buffers would.

    It relies on the stacking contract of `envs.vector`: after a reset the older frames are zero,
    and each later observation drops its oldest frame and adds one. An observation that breaks it
    is refused.

    Args:
        buffer_size: Transitions, over all environments together.
        observation_space: `uint8 (stack, height, width)`, channel first, oldest frame first.
        action_space: Discrete, at most 256 actions.
        device: Where samples go.
        n_envs: Environments stepped together.
        optimize_memory_usage: Refused: it is always so here, and exactly.
        handle_timeout_termination: As in SB3; a truncated episode is bootstrapped.
        n_steps: Steps of the return, at least 1.
        gamma: Discount a step, in [0, 1].
        rng: Where sampled slots are drawn from.
        compressed: Whether frames are kept compressed; what is sampled stays the same.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        device: torch.device | str = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        handle_timeout_termination: bool = True,
        *,
        n_steps: int = 1,
        gamma: float = 0.99,
        rng: np.random.Generator,
        compressed: bool = False,
    ) -> None:
        if optimize_memory_usage or not handle_timeout_termination:
            raise ValueError("frames are always shared here, and timeouts always handled")
        # Not ReplayBuffer's own __init__, which would allocate both stacks of every transition.
        BaseBuffer.__init__(
            self, buffer_size, observation_space, action_space, device, n_envs=n_envs
        )
        assert isinstance(action_space, spaces.Discrete)
        assert action_space.n <= 256, f"expected at most 256 actions, got {action_space.n}"
        self.n_steps, self.gamma, self.rng = n_steps, gamma, rng
        self.optimize_memory_usage, self.handle_timeout_termination = False, True
        self.capacity = max(buffer_size // n_envs, 1)
        self.buffer_size = self.capacity
        self.stack, *frame_shape = self.obs_shape
        self.length = self.capacity + MARGIN
        shape = (self.length, n_envs)
        self.frames = self._store((*shape, *frame_shape), compressed)
        self.actions = np.zeros(shape, np.uint8)
        self.rewards = np.zeros(shape, np.float32)
        self.dones = np.zeros(shape, np.bool_)
        self.timeouts = np.zeros(shape, np.bool_)
        # Agent steps since the reset, up to stack - 1: how many older frames are not zero.
        self.ages = np.zeros(shape, np.uint8)
        # Last pictures of ended episodes, by slot * n_envs + environment.
        self.final_frames: dict[int, np.ndarray] = {}
        self.steps_added = 0
        # The observation after the newest transition, to tell a reset from a lost life.
        self._expected: UInt8[np.ndarray, "e s h w"] | None = None

    def _store(
        self, shape: tuple[int, ...], compressed: bool
    ) -> np.ndarray | CompressedFrames | DeviceFrames:
        if compressed:
            return CompressedFrames(shape)
        if self.device.type == "cuda":
            return DeviceFrames(shape, self.device)
        return np.zeros(shape, np.uint8)

    def size(self) -> int:
        """Return the number of transitions that can be sampled, an environment."""
        return min(self.steps_added, self.capacity)

    @property
    def nbytes(self) -> int:
        """Bytes held by frames and the rest, final frames included."""
        arrays = (self.frames, self.actions, self.rewards, self.dones, self.timeouts, self.ages)
        final = sum(frame.nbytes for frame in self.final_frames.values())
        return sum(a.nbytes for a in arrays) + final

    def add(
        self,
        obs: UInt8[np.ndarray, "e s h w"],
        next_obs: UInt8[np.ndarray, "e s h w"],
        action: np.ndarray,
        reward: np.ndarray,
        done: np.ndarray,
        infos: list[dict[str, Any]],
    ) -> None:
        """Append one transition an environment; arguments as in SB3's `ReplayBuffer.add`.

        Raises:
            ValueError: If an observation neither continues the previous one nor starts with zeros.
        """
        slot = self.pos
        self._place(slot, obs)
        self.actions[slot] = np.reshape(action, self.n_envs)
        self.rewards[slot] = reward
        self.dones[slot] = done
        self.timeouts[slot] = [info.get("TimeLimit.truncated", False) for info in infos]

        self.pos = (slot + 1) % self.length
        self.steps_added += 1
        self.full = self.steps_added >= self.capacity
        self._forget(self.pos)
        self.frames[self.pos] = next_obs[:, -1]
        for e in np.flatnonzero(self.dones[slot]):
            self._keep_final(slot, int(e), next_obs[e, -1])
        self._expected = np.array(next_obs)

    def cut(self) -> None:
        """Truncate the running episodes: what follows starts from a reset.

        The newest transitions keep their real next observation and are bootstrapped; n-step
        returns and stacks do not reach across. Without effect on an empty buffer.
        """
        if self._expected is None:
            return
        slot = (self.pos - 1) % self.length
        for e in np.flatnonzero(~self.dones[slot]):
            self.dones[slot, e] = self.timeouts[slot, e] = True
            self._keep_final(slot, int(e), self._expected[e, -1])

    def _place(self, slot: int, obs: UInt8[np.ndarray, "e s h w"]) -> None:
        """Store the newest frames of `obs` and work out how far back each stack reaches."""
        previous = (slot - 1) % self.length
        for e in range(self.n_envs):
            goes_on = self._expected is not None and np.array_equal(obs[e], self._expected[e])
            if goes_on:
                self.ages[slot, e] = min(int(self.ages[previous, e]) + 1, self.stack - 1)
                # A lost life: the last picture of that episode is this very frame.
                self.final_frames.pop(previous * self.n_envs + e, None)
            elif obs[e, :-1].any() or (self.steps_added and not self.dones[previous, e]):
                raise ValueError(
                    f"environment {e}: expected an observation that continues the previous one, "
                    "or a first one whose older frames are zero"
                )
            else:
                self.ages[slot, e] = 0
        self.frames[slot] = obs[:, -1]

    def _keep_final(self, slot: int, e: int, frame: np.ndarray) -> None:
        self.final_frames[slot * self.n_envs + e] = np.array(frame)

    def _forget(self, slot: int) -> None:
        for e in range(self.n_envs):
            self.final_frames.pop(slot * self.n_envs + e, None)

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> ReplayBufferSamples:
        """Draw transitions uniformly, with replacement; see `gather`."""
        ages = self.rng.integers(self.size(), size=batch_size)
        envs = self.rng.integers(self.n_envs, size=batch_size)
        return self.gather((self.pos - 1 - ages) % self.length, envs)

    def gather(
        self, slots: Int[np.ndarray, " b"], envs: Int[np.ndarray, " b"]
    ) -> ReplayBufferSamples:
        """Return the transitions that start at these slots of these environments.

        Returns:
            Observations and next observations `uint8 (b, 4, 84, 84)`, channels last; actions,
            n-step returns, dones (0 where truncated) and discounts of the bootstrap, each `(b, 1)`.
        """
        newest = (self.pos - 1) % self.length
        steps = np.arange(self.n_steps)
        ahead = (slots[:, None] + steps) % self.length
        rewards = self.rewards[ahead, envs[:, None]]
        # The write head ends a return like a truncation does: what lies beyond is older.
        ends = self.dones[ahead, envs[:, None]] | (ahead == newest)
        last_step = np.where(ends.any(axis=1), ends.argmax(axis=1), self.n_steps - 1)
        counted = steps <= last_step[:, None]
        discounts = np.float32(self.gamma) ** np.arange(self.n_steps, dtype=np.float32)
        returns = (rewards * discounts * counted).sum(axis=1, keepdims=True)
        last = (slots + last_step) % self.length
        terminal = self.dones[last, envs] & ~self.timeouts[last, envs]
        bootstrap = self.gamma ** counted.sum(axis=1, keepdims=True).astype(np.float32)
        return ReplayBufferSamples(
            observations=torch.as_tensor(self._observations(slots, envs), device=self.device),
            actions=self.to_torch(self.actions[slots, envs][:, None].astype(np.int64)),
            next_observations=torch.as_tensor(
                self._next_observations(last, envs), device=self.device
            ),
            dones=self.to_torch(terminal[:, None].astype(np.float32)),
            rewards=self.to_torch(returns.astype(np.float32)),
            discounts=self.to_torch(bootstrap.astype(np.float32)),
        )

    def _observations(self, slots: Int[np.ndarray, " b"], envs: Int[np.ndarray, " b"]) -> Stacks:
        return self._stacks(slots, envs, self.stack - 1, {})

    def _next_observations(
        self, slots: Int[np.ndarray, " b"], envs: Int[np.ndarray, " b"]
    ) -> Stacks:
        ended = {}
        for i in np.flatnonzero(self.dones[slots, envs]):
            final = self.final_frames.get(int(slots[i]) * self.n_envs + int(envs[i]))
            if final is not None:  # else a lost life: the next slot holds that very frame
                ended[int(i)] = final
        return self._stacks(slots, envs, self.stack - 2, ended)

    def _stacks(
        self,
        slots: Int[np.ndarray, " b"],
        envs: Int[np.ndarray, " b"],
        oldest: int,
        newest: dict[int, np.ndarray],
    ) -> Stacks:
        """Put stacks together, from `oldest` slots back on.

        Pixels of a stack lie next to each other in memory, as convolutions want them: OpenCV
        interleaves frames several times faster than NumPy or PyTorch permute them.

        Args:
            slots: Of the transitions.
            envs: Of the transitions.
            oldest: How many slots before the transition's own a stack begins.
            newest: Frames to take in place of the stack's last one, by row.
        """
        back = np.arange(oldest, oldest - self.stack, -1)
        where = (slots[:, None] - back) % self.length
        missing = back > self.ages[slots, envs][:, None]  # before the reset: zero
        if isinstance(self.frames, DeviceFrames):
            return self.frames.stacks(where, envs, missing, newest)
        out = np.empty((len(slots), *self.frames.shape[2:], self.stack), np.uint8)
        for i, row in enumerate(where):
            planes = [self.frames[slot, envs[i]] for slot in row]
            if i in newest:
                planes[-1] = newest[i]
            cv2.merge(planes, out[i])
        rows, frames = np.nonzero(missing)
        out[rows, :, :, frames] = 0
        return out.transpose(0, 3, 1, 2)
