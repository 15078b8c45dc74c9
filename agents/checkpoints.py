"""Weights and facts on disk, in formats that cannot run code.

Tensors go to safetensors files, everything else to JSON; nothing here writes or reads a pickle.
`agents.resume` builds on this what a run needs to go on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from commandline import BadInput

HEADER_BYTES = 1_000_000
"""Most bytes of a safetensors file that are not tensors; more is not one of ours."""

DTYPES: Mapping[torch.dtype, str] = {
    torch.float32: "F32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""What safetensors calls the types that occur here."""


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` so that a reader sees the old file or the new one, never half of one."""
    beside = path.with_name(path.name + ".tmp")
    write_bytes(beside, (json.dumps(content, indent=2) + "\n").encode())
    os.replace(beside, path)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is on the disk, not only on its way there."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`.

    Raises:
        BadInput: If there is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: expected a JSON file, got {error}") from None
    if not isinstance(content, dict):
        raise BadInput(f"{path}: expected a JSON object, got a {type(content).__name__}")
    return content


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_weights(module: nn.Module, path: Path) -> str:
    """Write a module's weights and return the SHA-256 of the file.

    The same weights give the same bytes: no metadata (safetensors orders it at random), plain
    layout (channels-last tensors are made contiguous).
    """
    return save_tensors(module.state_dict(), path)


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> str:
    """Write named tensors and return the SHA-256 of what was to be written."""
    content = to_bytes(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    )
    write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def load_weights(module: nn.Module, path: Path, stored: torch.dtype | None = None) -> None:
    """Load weights written by `save_weights` into a module of the same shapes.

    Args:
        module: Changed in place.
        path: A safetensors file.
        stored: The type that all of them have there, if it is not the module's own.

    Raises:
        BadInput: If the file is missing or damaged, or its names, shapes or types differ.
    """
    wanted = module.state_dict()
    module.load_state_dict(
        load_tensors(path, {n: (tuple(t.shape), stored or t.dtype) for n, t in wanted.items()})
    )


def load_tensors(
    path: Path, expected: Mapping[str, tuple[tuple[int | None, ...], torch.dtype]]
) -> dict[str, Tensor]:
    """Read exactly the tensors that are expected; nothing is allocated before it was compared.

    Args:
        path: A safetensors file.
        expected: By name the shape, with `None` where any length will do, and the type.

    Raises:
        BadInput: If the file is missing or damaged, or a name, shape or type differs.
    """
    try:
        with safe_open(path, "pt") as file:
            found = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            facts = {n: (tuple(s.get_shape()), s.get_dtype()) for n, s in found.items()}
            for name in sorted(facts.keys() | expected.keys()):
                wanted = expected.get(name)
                if name not in facts or wanted is None or not _fits(facts[name], wanted):
                    given = facts.get(name, "nothing")
                    raise BadInput(
                        f"{path}: expected the weights of another network; first difference: "
                        f"{name[:80]!r} is {given}, expected {wanted or 'nothing'}"
                    )
            # Copied: what safetensors hands out is the file itself, mapped into memory.
            return {name: file.get_tensor(name).clone() for name in expected}
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{path}: expected weights in safetensors, got {error}") from None


def _fits(
    found: tuple[tuple[int, ...], str], wanted: tuple[tuple[int | None, ...], torch.dtype]
) -> bool:
    (shape, kind), (pattern, dtype) = found, wanted
    return (
        len(shape) == len(pattern)
        and all(p is None or s == p for s, p in zip(shape, pattern, strict=True))
        and kind == DTYPES.get(dtype)
    )


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
