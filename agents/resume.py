"""What a run needs to go on as if it had never stopped, bit for bit on a CPU.

```
checkpoint/
  000000025000/          a complete checkpoint, by agent step; the newest two are kept
    manifest.json        size and SHA-256 of every file that belongs to it, written last
    policy.safetensors   online and target network
    training.safetensors Adam's moments, sums of losses, actions since the boundary, torch's state
    state.json           counters, generators, what the run itself has to remember
  replay/                shards that checkpoints share (`agents.shards`)
```

A checkpoint is written beside the others, renamed, read back, and only then does an older one go.
No file here can run code, and none is believed: sizes, names, shapes and types are compared with
what this agent has before anything is allocated.

The emulator's state cannot be saved. It is played again instead: from the last boundary, at which
all environments were reset with known seeds, through the actions taken since.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from agents import shards
from agents.checkpoints import (
    load_tensors,
    load_weights,
    read_json,
    save_tensors,
    write_json,
)
from agents.dqn import BallparkDQN
from agents.inspection import REPLAY, check_cover, read_card, size_limits, verify
from agents.manifest import FORMAT, POLICY, STATE, TRAINING, Manifest, Part, parse_manifest
from agents.shards import Span
from agents.state import State, parse_state
from agents.tensors import expected_tensors, restore_tensors, training_tensors
from commandline import BadInput


@dataclass(frozen=True)
class Resumed:
    """Where a run goes on.

    Attributes:
        step: Agent steps done.
        actions: `uint8 (t, n)`, played in each environment since the last boundary.
        observation_sha256: Of the observation the agent saw last, which playing these actions has
            to lead to.
        run: What the run itself wanted to remember.
        notes: A line for each newer checkpoint that could not be used.
    """

    step: int
    actions: UInt8[np.ndarray, "t n"]
    observation_sha256: str
    run: dict[str, Any]
    notes: tuple[str, ...] = ()


def exists(folder: Path) -> bool:
    """Say whether `folder` holds a checkpoint, readable or not, of this or another version."""
    return bool(steps_saved(folder)) or (folder / "state.json").exists()


def steps_saved(folder: Path) -> list[int]:
    """Return the agent steps of the checkpoints in `folder`, newest first."""
    if not folder.is_dir():
        return []
    names = [p.name for p in folder.iterdir() if p.is_dir()]
    return sorted(int(n) for n in names if len(n) == 12 and n.isascii() and n.isdigit())[::-1]


def observation_digest(model: BallparkDQN) -> str:
    """Return the SHA-256 of what the agent sees now."""
    assert isinstance(model._last_obs, np.ndarray)
    return hashlib.sha256(np.ascontiguousarray(model._last_obs).data).hexdigest()


class CheckpointStore:
    """The checkpoints of one run; a process works on it alone (`studies.running.lock`).

    Args:
        folder: The `checkpoint` folder of a run directory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.good: int | None = None
        """Agent step of the newest checkpoint known to be whole."""
        self._shards: dict[Span, Part] = {}

    def save(
        self, model: BallparkDQN, actions: UInt8[np.ndarray, "t n"], run: Mapping[str, Any]
    ) -> None:
        """Write a checkpoint of the model as it stands between two rollouts.

        Args:
            model: Has taken at least one step.
            actions: What was played since the last boundary.
            run: What the run itself has to remember; JSON.

        Raises:
            OSError: If it cannot be written, for want of space say; the last one stands then.
        """
        step = model.num_timesteps
        if step == self.good:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        beside, final = self._at(step, ".new"), self._at(step)
        try:
            self._save_shard(model)
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            manifest = Manifest(step, self._save_files(model, actions, run, beside), self._shards)
            write_json(beside / "manifest.json", manifest.as_json())
            if final.exists():  # damaged, or it would have been the one we started from
                shutil.rmtree(final)
            os.replace(beside, final)
            _sync(self.folder)
            try:
                verify(self._files(manifest, new_only=True))
            except BadInput as error:
                shutil.rmtree(final)
                raise OSError(f"{error}; the disk does not keep what is written") from None
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            for leftover in (self.folder / REPLAY).glob("*.new"):
                leftover.unlink(missing_ok=True)
            raise
        self._prune({step, self.good})
        self.good = step

    def _save_shard(self, model: BallparkDQN) -> None:
        """Write the slots that no shard holds yet; let go of shards that the ring overwrote."""
        buffer = model.replay_buffer
        alive = shards.live(buffer, buffer.steps_added)
        known = {s: part for s, part in self._shards.items() if s.stop > alive.start}
        span = Span(max([alive.start, *(s.stop for s in known)]), alive.stop)
        if span.start < span.stop:
            folder = self.folder / REPLAY
            folder.mkdir(exist_ok=True)
            beside = folder / f"{span.name}.new"
            shards.write(buffer, span, beside)
            os.replace(beside, folder / span.name)
            _sync(folder)
            known[span] = Part.of(folder / span.name)
        self._shards = known

    def _save_files(
        self, model: BallparkDQN, actions: np.ndarray, run: Mapping[str, Any], folder: Path
    ) -> dict[str, Part]:
        digests = {
            POLICY: save_tensors(model.policy.state_dict(), folder / POLICY),
            TRAINING: save_tensors(training_tensors(model, actions), folder / TRAINING),
        }
        write_json(folder / STATE, State.of(model, observation_digest(model), run).as_json())
        files = {name: Part.of(folder / name) for name in (POLICY, TRAINING, STATE)}
        for name, digest in digests.items():
            if files[name].sha256 != digest:
                raise OSError(f"{name}: what was read back is not what was written")
        return files

    def load(self, model: BallparkDQN) -> Resumed:
        """Bring a freshly built model back to the newest checkpoint that is whole.

        Raises:
            BadInput: If none is.
        """
        if not steps_saved(self.folder) and (self.folder / "state.json").exists():
            found = read_json(self.folder / "state.json").get("format")
            raise BadInput(f"{self.folder}: expected a checkpoint of format {FORMAT}, got {found}")
        problems: list[str] = []
        for step in steps_saved(self.folder):
            try:
                resumed = self._load(model, step)
            except BadInput as error:
                problems.append(f"checkpoint at agent step {step:,}: {_inside(error, self.folder)}")
                continue
            self.good = step
            notes = [f"{problem}; went back to {step:,}" for problem in problems]
            return dataclasses.replace(resumed, notes=tuple(notes))
        raise BadInput(
            f"{self.folder}: expected a checkpoint that can be read; {'; '.join(problems)}"
        )

    def _load(self, model: BallparkDQN, step: int) -> Resumed:
        folder = self._at(step)
        manifest = parse_manifest(read_card(folder / "manifest.json"))
        if manifest.step != step:
            raise BadInput(f"expected agent step {step}, got {manifest.step}")
        verify(self._files(manifest), size_limits(model))
        state = parse_state(read_card(folder / STATE), model, step)
        check_cover(model, manifest.shards, state.steps_added)
        tensors = load_tensors(folder / TRAINING, expected_tensors(model, state.n_updates > 0))
        load_weights(model.policy, folder / POLICY)
        restore_tensors(model, tensors)
        buffer = model.replay_buffer
        buffer.final_frames.clear()
        alive = shards.live(buffer, state.steps_added)
        for span in sorted(manifest.shards):
            shards.read(buffer, span, alive, self.folder / REPLAY / span.name)
        expected = tensors["expected"].numpy()
        buffer.steps_added = state.steps_added
        buffer.pos = state.steps_added % buffer.length
        buffer.full = state.steps_added >= buffer.capacity
        buffer._expected = expected
        buffer.frames[buffer.pos] = expected[:, -1]
        state.restore(model)
        self._shards = dict(manifest.shards)
        actions = tensors["actions"].numpy()
        return Resumed(step, actions, state.observation_sha256, state.run)

    def _at(self, step: int, suffix: str = "") -> Path:
        return self.folder / f"{step:012d}{suffix}"

    def _files(self, manifest: Manifest, *, new_only: bool = False) -> dict[Path, Part]:
        """Return every file of a checkpoint; of the shards only the newest one, if asked."""
        newest = max(manifest.shards, default=None)
        files = {self._at(manifest.step) / name: part for name, part in manifest.files.items()}
        for span, part in manifest.shards.items():
            if not new_only or span == newest:
                files[self.folder / REPLAY / span.name] = part
        return files

    def _prune(self, keep: set[int | None]) -> None:
        """Remove checkpoints other than those kept, and shards that none of them names."""
        named = {span.name for span in self._shards}
        for path in self.folder.iterdir():
            if path.name == REPLAY or path.name in {f"{s:012d}" for s in keep if s is not None}:
                continue
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for step in steps_saved(self.folder):
            with contextlib.suppress(BadInput):  # damaged since it was read: it needs none
                manifest = parse_manifest(read_json(self._at(step) / "manifest.json"))
                named |= {span.name for span in manifest.shards}
        for path in (self.folder / REPLAY).iterdir():
            if path.name not in named:
                path.unlink()


def _sync(folder: Path) -> None:
    """Make the names in a folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _inside(error: BadInput, folder: Path) -> str:
    """Return what went wrong, with paths as they are inside the checkpoint."""
    return " ".join(str(error).replace(f"{folder}{os.sep}", "").split())
