"""What is compared before a checkpoint is believed: sizes, names, content, and that none lacks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents import shards
from agents.checkpoints import HEADER_BYTES, read_json, sha256
from agents.dqn import BallparkDQN
from agents.manifest import POLICY, STATE, TRAINING, Part
from agents.replay import bytes_needed
from agents.shards import Span
from commandline import BadInput

REPLAY = "replay"
"""Folder of the shards, beside the checkpoints."""

CARD_BYTES = 4_000_000
"""Most that a JSON file of a checkpoint can have."""


def verify(files: Mapping[Path, Part], limits: Mapping[str, int] | None = None) -> None:
    """Compare files with what the manifest says of them.

    Args:
        files: Each with its size and checksum.
        limits: The most bytes believed, by name of the file or of its folder (`size_limits`).

    Raises:
        BadInput: Naming the first file that differs.
    """
    limits = limits or {}
    for path, part in files.items():
        most = limits.get(path.name, limits.get(path.parent.name, part.size))
        if part.size > most:
            raise BadInput(f"{path.name}: expected at most {most:,} bytes, got {part.size:,}")
        if path.is_symlink() or not path.is_file():
            raise BadInput(f"{path.name}: expected a file, found none")
        size = path.stat().st_size
        if size != part.size:
            raise BadInput(f"{path.name}: expected {part.size:,} bytes, got {size:,}")
        if sha256(path) != part.sha256:
            raise BadInput(f"{path.name}: expected the content that the manifest names")


def read_card(path: Path) -> dict[str, Any]:
    """Read one of a checkpoint's JSON files.

    Raises:
        BadInput: If it is larger than it can be, or cannot be read.
    """
    if path.is_file() and path.stat().st_size > CARD_BYTES:
        raise BadInput(f"{path.name}: expected at most {CARD_BYTES:,} bytes, got more")
    return read_json(path)


def size_limits(model: BallparkDQN) -> dict[str, int]:
    """Return the most bytes each file can have, so that nothing absurd is even read."""
    weights = sum(t.nbytes for t in model.policy.state_dict().values())
    buffer = model.replay_buffer
    return {
        POLICY: weights + HEADER_BYTES,
        TRAINING: 2 * weights + buffer.frames[0].nbytes * 8 + 100 * HEADER_BYTES,
        STATE: 4 * HEADER_BYTES,
        # Random bytes do not shrink: a shard can be as large as the ring, and last pictures twice.
        REPLAY: 2 * bytes_needed(buffer.length * buffer.n_envs) + 100 * HEADER_BYTES,
    }


def check_cover(model: BallparkDQN, spans: Mapping[Span, Part], steps_added: int) -> None:
    """Compare the shards with what the ring held.

    Args:
        model: With a replay buffer of the size that the checkpoint is for.
        spans: The shards named.
        steps_added: To the ring until then.

    Raises:
        BadInput: Unless they hold all of it, once.
    """
    alive = shards.live(model.replay_buffer, steps_added)
    at = None
    for span in sorted(spans):
        if span.stop - span.start > model.replay_buffer.length or (
            at is not None and span.start != at
        ):
            raise BadInput(f"expected shards that follow each other, got {span.name}")
        at = span.stop
    if at != alive.stop or min(spans).start > alive.start:
        raise BadInput(f"expected the replay from slot {alive.start} to {alive.stop}, found less")
