"""Finished runs whose agents never learned, and pictures to show them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agents import checkpoints
from agents.settings import resolve
from studies.running.directory import RunSpec, config
from studies.running.run import build


def finished(folder: Path, row: str) -> Path:
    """Write a run directory with an agent that never learned."""
    spec = RunSpec("s", "catch", row, 0, resolve("demo", "catch"), folder)
    spec.directory.mkdir(parents=True)
    model = build(spec, "cpu")
    checkpoints.write_json(spec.directory / "config.json", config(spec))
    digest = checkpoints.save_weights(model.q_net, spec.directory / "agent.safetensors")
    facts = {"sha256": digest, "steps": 123, "updates": 7}
    checkpoints.write_json(spec.directory / "agent.json", facts)
    return spec.directory


def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 4, 84, 84), dtype=np.uint8)
