"""Where a replay buffer keeps its frames when not in a plain array: compressed, or on a GPU.

Both are indexed as the array would be – `frames[slot]`, `frames[slot, environment]`,
`frames[first:last]` – and give and take `uint8` arrays, so that whoever saves or reads frames need
not know which it is.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Bool, Int, UInt8
from torch import Tensor

COMPRESSION_LEVEL = 1
"""zlib's fastest: a frame of Pong takes 217 bytes, of Breakout 350 (random play); level 6, twice as
slow, takes 157 and 278."""

COMPRESSED_FRAME_BYTES = 450
"""What to expect of a compressed frame and Python's own 41 bytes, with room for busier pictures."""

Index = int | np.integer | slice | tuple[int | np.integer, int | np.integer]


class CompressedFrames:
    """Frames kept compressed, 16 to 25 times smaller, at the price of slower sampling.

    Args:
        shape: (slots, environments, height, width); all frames start black.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        black = zlib.compress(bytes(shape[2] * shape[3]), COMPRESSION_LEVEL)
        self._packed = [[black] * shape[1] for _ in range(shape[0])]

    @property
    def nbytes(self) -> int:
        """Bytes held, Python's own for each frame included."""
        return sum(sys.getsizeof(one) + 8 for row in self._packed for one in row)

    def __getitem__(self, index: Index) -> UInt8[np.ndarray, ...]:
        if isinstance(index, tuple):
            return self._unpack(self._packed[int(index[0])][int(index[1])])
        if isinstance(index, slice):
            rows = range(*index.indices(self.shape[0]))
            empty = np.zeros((0, *self.shape[1:]), np.uint8)
            return np.stack([self[row] for row in rows]) if rows else empty
        return np.stack([self._unpack(one) for one in self._packed[int(index)]])

    def __setitem__(self, index: Index, frames: UInt8[np.ndarray, ...]) -> None:
        if isinstance(index, tuple):
            self._packed[int(index[0])][int(index[1])] = self._pack(frames)
        elif isinstance(index, slice):
            for row, value in zip(range(*index.indices(self.shape[0])), frames, strict=True):
                self[row] = value
        else:
            self._packed[int(index)] = [self._pack(frame) for frame in frames]

    @staticmethod
    def _pack(frame: UInt8[np.ndarray, "h w"]) -> bytes:
        return zlib.compress(frame.tobytes(), COMPRESSION_LEVEL)

    def _unpack(self, packed: bytes) -> UInt8[np.ndarray, "h w"]:
        return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(self.shape[2:])


class DeviceFrames:
    """Frames kept in a device's memory, where stacks are also put together.

    Unmeasured on a GPU so far; on the CPU its samples equal the plain array's.

    Args:
        shape: (slots, environments, height, width); all frames start black.
        device: Torch device.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        self.shape = shape
        self._frames = torch.zeros(shape, dtype=torch.uint8, device=device)

    @property
    def nbytes(self) -> int:
        """Bytes held on the device."""
        return self._frames.nbytes

    def __getitem__(self, index: Index) -> UInt8[np.ndarray, ...]:
        found: np.ndarray = self._frames[index].cpu().numpy()
        return found

    def __setitem__(self, index: Index, frames: UInt8[np.ndarray, ...]) -> None:
        given = torch.from_numpy(np.ascontiguousarray(frames))
        self._frames[index] = given.to(self._frames.device, non_blocking=True)

    def stacks(
        self,
        where: Int[np.ndarray, "b s"],
        envs: Int[np.ndarray, " b"],
        missing: Bool[np.ndarray, "b s"],
        newest: Mapping[int, UInt8[np.ndarray, "h w"]],
    ) -> UInt8[Tensor, "b s h w"]:
        """Return stacks of the frames at `where`, black where `missing`; only indices travel.

        Args:
            where: Slots of each stack, oldest first.
            envs: Environment of each stack.
            missing: Frames from before a reset.
            newest: Frames to take in place of a stack's last one, by row.
        """
        device = self._frames.device

        def sent(array: np.ndarray) -> Tensor:
            return torch.from_numpy(array).to(device, non_blocking=True)

        stacks = self._frames[sent(where), sent(envs)[:, None]]
        for row, frame in newest.items():
            stacks[row, -1] = sent(frame)
        return stacks * ~sent(missing)[:, :, None, None]
