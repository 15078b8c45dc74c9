"""Anyone's own features extractor, from a file that is named on the command line."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from commandline import BadInput, choose

SHOWN = 8
"""Hexadecimal digits of a hash by which versions of a file are told apart."""


@dataclass(frozen=True)
class OwnExtractor:
    """A class in a file, loaded.

    Attributes:
        path: The file.
        class_name: The class in it.
        sha256: Of the file's bytes, hexadecimal: which version of it was run.
        kind: The class itself.
    """

    path: Path
    class_name: str
    sha256: str
    kind: type[BaseFeaturesExtractor]

    @property
    def directory(self) -> str:
        """A folder's name for its runs: another version of the file gets another folder."""
        return f"{self.class_name}-{self.sha256[:SHOWN]}"


def versioned(label: str, sha256: str) -> str:
    """Return the name under which numbers of a network go: of a reader's own with its version.

    Args:
        label: As `config.json` names it: `nature@0.5`, `my_net.py:MyNet`.
        sha256: Of the reader's file, or its beginning; empty for a row of the zoo.
    """
    return f"{label}-{sha256[:SHOWN]}" if sha256 and is_own(label) else label


def is_own(spec: str) -> bool:
    """Whether `spec` names a file, rather than a row of the zoo."""
    return ":" in spec or spec.endswith(".py")


def load(spec: str) -> OwnExtractor:
    """Run the file of `path/to/file.py:ClassName` and return the class.

    The file has to stand alone but for installed packages: its hash is what tells versions apart.

    Raises:
        BadInput: If there is no such file or class, if the file does not run, or if the class is
            not a `BaseFeaturesExtractor`.
    """
    where, _, class_name = spec.rpartition(":")
    path = Path(where)
    if path.suffix != ".py" or not class_name.isidentifier():
        raise BadInput(f"--extractor: expected path/to/file.py:ClassName, got {spec!r}")
    if not path.is_file():
        raise BadInput(f"--extractor: expected a file, found none at {where}")
    source = path.read_bytes()
    sha256 = hashlib.sha256(source).hexdigest()
    module = _run(path, source, f"_own_extractor_{path.stem}_{sha256}")
    offered = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, BaseFeaturesExtractor)
        and value.__module__ == module.__name__
    }
    if not offered:
        raise BadInput(
            f"--extractor: expected a subclass of stable_baselines3's BaseFeaturesExtractor in "
            f"{where}, found none"
        )
    return OwnExtractor(
        path, class_name, sha256, offered[choose(f"--extractor: in {where}", class_name, offered)]
    )


def _run(path: Path, source: bytes, name: str) -> ModuleType:
    """Run `source`, which was read from `path`, as the module `name`, once in a process."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses and pickle look it up there
    try:
        # Compiled from the bytes that were hashed: the file may change in between.
        exec(compile(source, str(path), "exec"), vars(module))
    except Exception as error:
        del sys.modules[name]
        raise BadInput(f"--extractor: {path} does not run: {_reason(error, path)}") from None
    return module


def _reason(error: Exception, path: Path) -> str:
    """Say on one line what went wrong, and on which line of the file."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    where = f"line {lines[-1]}: " if lines else ""
    return f"{where}{type(error).__name__}: {' '.join(str(error).split())}"


def try_out(own: OwnExtractor, channels: int, side: int) -> tuple[int, int]:
    """Build the class and pass two black pictures through it.

    Returns:
        Its features, and the learned numbers in it. Torch's generator is left as it was.

    Raises:
        BadInput: If it cannot be built from the observation space alone, or if what it returns is
            not (2, features_dim).
    """
    space = spaces.Box(0, 255, (channels, side, side), dtype=np.uint8)
    name = f"{own.path}:{own.class_name}"
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            extractor = own.kind(space)
            given = tuple(extractor(torch.zeros(2, channels, side, side)).shape)
    except Exception as error:
        raise BadInput(
            f"--extractor: {name} fails on (2, {channels}, {side}, {side}) of float32: "
            f"{_reason(error, own.path)}"
        ) from None
    if given != (2, extractor.features_dim):
        raise BadInput(
            f"--extractor: {name} promises {extractor.features_dim} features; expected an output "
            f"of (2, {extractor.features_dim}), got {given}"
        )
    return extractor.features_dim, sum(p.numel() for p in extractor.parameters())
