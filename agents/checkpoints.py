"""Weights and training state on disk, in formats that cannot run code.

Tensors go to safetensors files, everything else to JSON; nothing here writes or reads a pickle.
A checkpoint is written beside the old one and renamed, so that a complete one is always there.
It holds weights, target, optimizer, counters and generators, not yet the replay: a resumed run
fills its buffer again before it learns on, and says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from agents.dqn import BallparkDQN
from commandline import BadInput

FORMAT = 1
"""Version of the checkpoint's layout."""


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` so that a reader sees the old file or the new one, never half of one."""
    beside = path.with_name(path.name + ".tmp")
    beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    os.replace(beside, path)


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`.

    Raises:
        BadInput: If there is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: expected a JSON file, got {error}") from None
    if not isinstance(content, dict):
        raise BadInput(f"{path}: expected a JSON object, got a {type(content).__name__}")
    return content


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_weights(module: nn.Module, path: Path) -> str:
    """Write a module's weights and return the SHA-256 of the file.

    The same weights give the same bytes: no metadata (safetensors orders it at random), plain
    layout (channels-last tensors are made contiguous).
    """
    path.write_bytes(to_bytes(_plain(module.state_dict())))
    return sha256(path)


def load_weights(module: nn.Module, path: Path) -> None:
    """Load weights written by `save_weights` into a module of the same shapes.

    Raises:
        BadInput: If the file is missing or damaged, or its names or shapes differ.
    """
    module.load_state_dict(_matching(path, module.state_dict()))


def _matching(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    try:
        given = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{path}: expected weights in safetensors, got {error}") from None
    shapes = {name: tuple(tensor.shape) for name, tensor in given.items()}
    wanted = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    if shapes != wanted:
        odd = sorted(set(shapes.items()) ^ set(wanted.items()))[0]
        raise BadInput(f"{path}: expected the weights of another network; first difference: {odd}")
    return given


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def save(model: BallparkDQN, folder: Path) -> None:
    """Replace the checkpoint in `folder` by the model as it stands, between two rollouts."""
    beside, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for leftover in (beside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    beside.mkdir(parents=True)
    save_weights(model.policy, beside / "policy.safetensors")
    optimizer = to_bytes(_plain(_optimizer_tensors(model)))
    (beside / "optimizer.safetensors").write_bytes(optimizer)
    write_json(
        beside / "state.json",
        {
            "format": FORMAT,
            "num_timesteps": model.num_timesteps,
            "n_calls": model._n_calls,
            "n_updates": model._n_updates,
            "episode_num": model._episode_num,
            "generators": {name: rng.bit_generator.state for name, rng in model.rngs.items()},
        },
    )
    if folder.exists():
        os.replace(folder, old)
    os.replace(beside, folder)
    shutil.rmtree(old, ignore_errors=True)


def load(model: BallparkDQN, folder: Path) -> int:
    """Bring a freshly built model back to a checkpoint; return its agent step.

    Raises:
        BadInput: If the checkpoint is incomplete, damaged or of another version or network.
    """
    state = read_json(folder / "state.json")
    if state.get("format") != FORMAT:
        raise BadInput(f"{folder}: expected format {FORMAT}, got {state.get('format')!r}")
    load_weights(model.policy, folder / "policy.safetensors")
    _load_optimizer(model, folder / "optimizer.safetensors")
    try:
        model.num_timesteps = int(state["num_timesteps"])
        model._n_calls = int(state["n_calls"])
        model._n_updates = int(state["n_updates"])
        model._episode_num = int(state["episode_num"])
        for name, rng in model.rngs.items():
            rng.bit_generator.state = state["generators"][name]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"{folder / 'state.json'}: expected a training state, got {error!r}"
        ) from None
    return model.num_timesteps


def _optimizer_tensors(model: BallparkDQN) -> dict[str, Tensor]:
    """Flatten Adam's state to `index.name`; empty before the first update."""
    state = model.policy.optimizer.state_dict()["state"]
    return {f"{i}.{name}": tensor for i, slots in state.items() for name, tensor in slots.items()}


def _load_optimizer(model: BallparkDQN, path: Path) -> None:
    try:
        flat = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{path}: expected optimizer state, got {error}") from None
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in flat.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    groups = model.policy.optimizer.state_dict()["param_groups"]
    parameters = [p for g in model.policy.optimizer.param_groups for p in g["params"]]
    for number, slots in state.items():
        wanted = tuple(parameters[number].shape)
        if tuple(slots["exp_avg"].shape) != wanted:
            raise BadInput(f"{path}: expected shape {wanted} for parameter {number}")
    model.policy.optimizer.load_state_dict({"state": state, "param_groups": groups})


def device_for(name: str) -> str:
    """Return the torch device to use for `auto`, `cpu` or `cuda`.

    Raises:
        BadInput: If CUDA is asked for where there is none.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInput(
            "--device: expected cpu or auto, got 'cuda' but PyTorch finds no CUDA device"
        )
    return name
