"""What an agent in training is made of beside its weights: Adam, losses, actions, generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from agents.dqn import BallparkDQN
from commandline import BadInput

MOMENTS = ("exp_avg", "exp_avg_sq")
"""Adam's state that has a parameter's shape; beside them `step`, a single number."""


def _parameters(model: BallparkDQN) -> Sequence[Tensor]:
    return [p for group in model.policy.optimizer.param_groups for p in group["params"]]


def training_tensors(model: BallparkDQN, actions: np.ndarray) -> dict[str, Tensor]:
    """Return everything of an agent in training that is a tensor, but its weights.

    Args:
        model: Has taken at least one step.
        actions: `uint8 (t, n)`, played in each environment since the last boundary.
    """
    expected = model.replay_buffer._expected
    assert expected is not None, "a checkpoint before the first step"
    tensors = {
        "loss_sum": model._loss_sum,
        "q_sum": model._q_sum,
        "actions": torch.from_numpy(actions),
        "expected": torch.from_numpy(expected),
        # No code here uses it, but an extractor of the reader's own may: dropout, say.
        "torch_generator": torch.get_rng_state(),
    }
    if model.device.type == "cuda":
        tensors["cuda_generator"] = torch.cuda.get_rng_state(model.device)
    for i, slots in model.policy.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{i}.{name}": torch.as_tensor(t) for name, t in slots.items()}
    return tensors


def expected_tensors(
    model: BallparkDQN, learned: bool
) -> dict[str, tuple[tuple[int | None, ...], torch.dtype]]:
    """Return names, shapes and types of `training_tensors`.

    Args:
        model: Freshly built.
        learned: Whether updates were made; before the first one Adam remembers nothing.
    """
    buffer = model.replay_buffer
    expected: dict[str, tuple[tuple[int | None, ...], torch.dtype]] = {
        "loss_sum": ((), torch.float32),
        "q_sum": ((), torch.float32),
        "actions": ((None, buffer.n_envs), torch.uint8),
        "expected": ((buffer.n_envs, *buffer.obs_shape), torch.uint8),
        "torch_generator": ((None,), torch.uint8),
    }
    if model.device.type == "cuda":
        expected["cuda_generator"] = ((None,), torch.uint8)
    if learned:
        for i, p in enumerate(_parameters(model)):
            expected[f"optimizer.{i}.step"] = ((), torch.float32)
            expected |= {f"optimizer.{i}.{m}": (tuple(p.shape), p.dtype) for m in MOMENTS}
    return expected


def restore_tensors(model: BallparkDQN, tensors: Mapping[str, Tensor]) -> None:
    """Give a freshly built model the tensors that `expected_tensors` describes.

    Raises:
        BadInput: If they are not of this game or PyTorch.
    """
    if (tensors["actions"] >= int(model.action_space.n)).any():  # type: ignore[attr-defined]
        raise BadInput("training.safetensors: expected actions of this game")
    state: dict[int, dict[str, Tensor]] = {}
    for i, p in enumerate(_parameters(model)):
        if f"optimizer.{i}.step" in tensors:
            moments = {m: torch.empty_like(p.detach()) for m in MOMENTS}
            for m, tensor in moments.items():  # laid out in memory like the weights they belong to
                tensor.copy_(tensors[f"optimizer.{i}.{m}"])
            state[i] = {"step": tensors[f"optimizer.{i}.step"], **moments}
    groups = model.policy.optimizer.state_dict()["param_groups"]
    model.policy.optimizer.load_state_dict({"state": state, "param_groups": groups})
    model._loss_sum.copy_(tensors["loss_sum"])
    model._q_sum.copy_(tensors["q_sum"])
    try:
        torch.set_rng_state(tensors["torch_generator"])
        if model.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["cuda_generator"], model.device)
    except (RuntimeError, TypeError) as error:
        raise BadInput(f"training.safetensors: expected torch's generator, got {error}") from None
