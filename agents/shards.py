"""The replay on disk: what was added between two checkpoints, in a file that is never changed.

A shard holds the slots `start` to `stop` of the replay, counted from the beginning of the run, so
that a checkpoint costs only what is new and a shard can be dropped once the ring has overwritten
all of it. It is an ordinary npz archive (`numpy.load(path, allow_pickle=False)` reads it), written
and read in pieces: nothing is held in memory twice, and nothing is believed before it was checked.

Compressed at zlib's level 1, frames of Pong shrink to a sixtieth at some 500 MB/s a core.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

import numpy as np

from agents.replay import FrameReplayBuffer
from commandline import BadInput

COLUMNS = ("frames", "actions", "rewards", "dones", "timeouts", "ages")
"""Arrays of the replay with one entry a slot and environment."""

PIECE = 64
"""Slots compressed or unpacked at a time."""


@dataclass(frozen=True, order=True)
class Span:
    """Slots `start` to `stop` (exclusive), counted from the beginning of the run."""

    start: int
    stop: int

    @property
    def name(self) -> str:
        """The shard's file name."""
        return f"{self.start:010d}-{self.stop:010d}.npz"

    @classmethod
    def of(cls, name: str) -> Span:
        """Return the span that a file name tells of.

        Raises:
            BadInput: If it is no shard's name; in particular if it leads out of the folder.
        """
        match = re.fullmatch(r"([0-9]{10})-([0-9]{10})\.npz", name, re.ASCII)
        if not match or int(match[1]) >= int(match[2]):
            raise BadInput(f"expected the name of a replay shard, got {name[:80]!r}")
        return cls(int(match[1]), int(match[2]))


def live(buffer: FrameReplayBuffer, steps_added: int) -> Span:
    """Return the slots that the ring still holds after `steps_added` slots were added to it."""
    # One slot of the ring is the next to be written; its frame is not part of the past.
    return Span(max(0, steps_added - (buffer.length - 1)), steps_added)


def write(buffer: FrameReplayBuffer, span: Span, path: Path) -> None:
    """Write the slots of `span`, all of them still in the ring, so that they are on the disk."""
    finals = {
        key: buffer.final_frames[ring_key]
        for key, ring_key in _final_keys(buffer, span)
        if ring_key in buffer.final_frames
    }
    frame_shape = buffer.frames.shape[2:]
    with path.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name in COLUMNS:
                column = getattr(buffer, name)
                shape = (span.stop - span.start, *column.shape[1:])
                with _member(archive, name, column.dtype, shape) as member:
                    for ring in _pieces(buffer, span):
                        member.write(np.ascontiguousarray(column[ring]).data.cast("B"))
            keys = np.array(sorted(finals), np.int64)
            with _member(archive, "final_keys", keys.dtype, keys.shape) as member:
                member.write(keys.tobytes())
            shape = (len(keys), *frame_shape)
            with _member(archive, "final_frames", np.dtype(np.uint8), shape) as member:
                for key in keys:
                    member.write(finals[int(key)].tobytes())
        file.flush()
        os.fsync(file.fileno())


def read(buffer: FrameReplayBuffer, span: Span, wanted: Span, path: Path) -> None:
    """Bring those slots of a shard back into the ring that lie in `wanted`.

    Raises:
        BadInput: If the file is damaged or holds anything but the arrays of `span`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [*COLUMNS, "final_keys", "final_frames"]
            if sorted(archive.namelist()) != sorted(f"{name}.npy" for name in names):
                raise BadInput(f"{path}: expected the arrays {', '.join(names)}")
            for name in COLUMNS:
                _read_column(buffer, name, span, wanted, archive)
            _read_finals(buffer, span, wanted, archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        # RuntimeError: zipfile's word for an encrypted member. NotImplementedError is one too.
        why = str(error) if isinstance(error, BadInput) else repr(error)
        raise BadInput(f"{path.name}: expected a replay shard, got {why}") from None


@contextmanager
def _member(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> Iterator[BufferedIOBase]:
    """Give a member to write to, behind its header."""
    # A plain name, so that the archive says nothing of when it was written.
    with cast(BufferedIOBase, archive.open(f"{name}.npy", "w", force_zip64=True)) as member:
        header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(member, header)
        yield member


def _pieces(buffer: FrameReplayBuffer, span: Span) -> Iterator[slice]:
    """Yield the span as slices of the ring, none of them wrapping around."""
    at = span.start
    while at < span.stop:
        slot = at % buffer.length
        count = min(PIECE, span.stop - at, buffer.length - slot)
        yield slice(slot, slot + count)
        at += count


def _final_keys(buffer: FrameReplayBuffer, span: Span) -> Iterator[tuple[int, int]]:
    """Yield, for each slot and environment, its key in the file and its key in the buffer."""
    for slot in range(span.start, span.stop):
        for e in range(buffer.n_envs):
            yield slot * buffer.n_envs + e, slot % buffer.length * buffer.n_envs + e


@contextmanager
def _opened(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any]
) -> Iterator[tuple[BufferedIOBase, tuple[int, ...]]]:
    """Give a member behind its header, and the shape the header gives; types are checked."""
    with cast(BufferedIOBase, archive.open(f"{name}.npy")) as member:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):
            raise ValueError(f"{name} in npy version {version}")
        shape, fortran, found = np.lib.format.read_array_header_1_0(member)
        # An object array, which would be unpickled, has another type and ends here.
        if found != dtype or fortran:
            raise ValueError(f"{name} of type {found}, expected {dtype}")
        yield member, shape


def _exactly(member: BufferedIOBase, size: int) -> bytes:
    """Return the next `size` bytes."""
    found = member.read(size)
    if len(found) != size:
        raise EOFError("the file ends early")
    return found


_MOST: Mapping[str, int] = {"dones": 1, "timeouts": 1}
"""Greatest byte in a column that has one."""


def _read_column(
    buffer: FrameReplayBuffer, name: str, span: Span, wanted: Span, archive: zipfile.ZipFile
) -> None:
    column = getattr(buffer, name)
    with _opened(archive, name, column.dtype) as (member, shape):
        expected = (span.stop - span.start, *column.shape[1:])
        if shape != expected:
            raise ValueError(f"{name} of shape {shape}, expected {expected}")
        row_bytes = column[0].nbytes
        actions = int(buffer.action_space.n)  # type: ignore[attr-defined]
        most = {**_MOST, "actions": actions - 1, "ages": buffer.stack - 1}.get(name)
        at = span.start
        while at < span.stop:
            slot = at % buffer.length
            count = min(PIECE, span.stop - at, buffer.length - slot)
            flat = np.frombuffer(_exactly(member, count * row_bytes), column.dtype)
            piece = flat.reshape(count, *column.shape[1:])
            if most is not None and count and int(piece.view(np.uint8).max()) > most:
                raise ValueError(f"{name} above {most}")
            if name == "rewards" and not np.isfinite(piece).all():
                raise ValueError("rewards that are no numbers")
            skip = min(max(0, wanted.start - at), count)
            column[slot + skip : slot + count] = piece[skip:]
            at += count
        if member.read(1):
            raise ValueError(f"{name} longer than its header says")


def _read_finals(
    buffer: FrameReplayBuffer, span: Span, wanted: Span, archive: zipfile.ZipFile
) -> None:
    n_envs = buffer.n_envs
    with _opened(archive, "final_keys", np.dtype(np.int64)) as (member, shape):
        if len(shape) != 1 or shape[0] > (span.stop - span.start) * n_envs:
            raise ValueError(f"final_keys of shape {shape}")
        keys = np.frombuffer(_exactly(member, shape[0] * 8), np.int64)
    if len(keys) and (keys[0] < span.start * n_envs or keys[-1] >= span.stop * n_envs):
        raise ValueError("final_keys outside the shard")
    if (np.diff(keys) <= 0).any():
        raise ValueError("final_keys out of order")
    with _opened(archive, "final_frames", np.dtype(np.uint8)) as (member, shape):
        frame_shape = buffer.frames.shape[2:]
        if shape != (len(keys), *frame_shape):
            raise ValueError(f"final_frames of shape {shape}")
        size = int(np.prod(frame_shape))
        for key in keys:
            frame = np.frombuffer(_exactly(member, size), np.uint8).reshape(frame_shape).copy()
            slot, e = divmod(int(key), n_envs)
            if slot >= wanted.start:
                buffer.final_frames[slot % buffer.length * n_envs + e] = frame
