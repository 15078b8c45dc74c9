"""The list of files that make up a checkpoint, with their sizes and checksums."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.checkpoints import sha256
from agents.shards import Span
from commandline import BadInput

FORMAT = 2
"""Version of a checkpoint's layout; 1 had no replay."""

POLICY, TRAINING, STATE = "policy.safetensors", "training.safetensors", "state.json"
"""The files of a checkpoint beside its manifest."""


@dataclass(frozen=True)
class Part:
    """What is known of a file: its size in bytes and its SHA-256."""

    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Part:
        """Read a file's facts from the disk."""
        return cls(path.stat().st_size, sha256(path))


@dataclass(frozen=True)
class Manifest:
    """A checkpoint's files, its shards, and the agent step it was written at."""

    step: int
    files: Mapping[str, Part]
    shards: Mapping[Span, Part]

    def as_json(self) -> dict[str, Any]:
        """Return what `parse_manifest` reads."""
        return {
            "format": FORMAT,
            "step": self.step,
            "files": {name: vars(part) for name, part in self.files.items()},
            "shards": {span.name: vars(part) for span, part in sorted(self.shards.items())},
        }


def parse_manifest(content: Mapping[str, Any]) -> Manifest:
    """Read a manifest; no name in it can lead out of the checkpoint.

    Raises:
        BadInput: If it is of another version or is no manifest.
    """
    if content.get("format") != FORMAT:
        raise BadInput(f"expected format {FORMAT}, got {str(content.get('format'))[:80]}")
    step, files, spans = (content.get(key) for key in ("step", "files", "shards"))
    if not isinstance(step, int) or isinstance(step, bool) or step < 1:
        raise BadInput(f"manifest.json: expected an agent step, got {str(step)[:80]}")
    if not isinstance(files, Mapping) or not isinstance(spans, Mapping) or not spans:
        raise BadInput("manifest.json: expected files and shards")
    if set(files) != {POLICY, TRAINING, STATE}:
        odd = sorted(str(name)[:80] for name in set(files) ^ {POLICY, TRAINING, STATE})
        raise BadInput(f"manifest.json: expected {POLICY}, {TRAINING} and {STATE}; see {odd[0]!r}")
    return Manifest(
        step,
        {name: _part(part) for name, part in files.items()},
        {Span.of(name): _part(part) for name, part in spans.items()},
    )


def _part(given: object) -> Part:
    if isinstance(given, Mapping) and set(given) == {"size", "sha256"}:
        size, digest = given["size"], given["sha256"]
        good_size = isinstance(size, int) and not isinstance(size, bool) and size >= 0
        if good_size and isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest):
            return Part(size, digest)
    raise BadInput(f"manifest.json: expected a size and a SHA-256, got {str(given)[:80]}")
