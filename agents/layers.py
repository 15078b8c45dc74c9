"""Pooling and other layers on maps that torch lacks; those that end a stack are in `agents.heads`.

Shapes: n pictures, c channels, h rows, w columns. Values are floats of any precision; none of these
layers but `Residual` has anything to learn.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (as everywhere)
from jaxtyping import Float
from torch import Tensor, nn

PICK_ENTROPY = 4_052_015
"""Where the places of `CellPick` are drawn from: a fixed number, so that they are part of the
architecture and the same in every run."""


class ConvRelu(nn.Conv2d):
    """A convolution and the ReLU behind it: max(0, w ∗ a + b); (n, c, h, w) → (n, c', h', w')."""

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """Return the rectified map."""
        return torch.relu(super().forward(a))


class Residual(nn.Module):
    """IMPALA's residual block, (n, c, h, w) → the same: a + v ∗ relu(u ∗ relu(a)).

    u and v are 3 × 3 convolutions with bias and padding 1 (Espeholt et al. 2018, figure 3).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return the map with the block's correction added."""
        correction: Tensor = self.second(F.relu(self.first(F.relu(a))))
        return a + correction


class MedianPool(nn.Module):
    """The median of each size × size cell; (n, c, h, w) → (n, c, ⌈h/size⌉, ⌈w/size⌉).

    Of an even number of values it is the mean of the two middle ones. The last cells hold what is
    left of the map, and their median is that of the values which they have.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c i j"]:
        """Return the map of medians."""
        n, c, h, w = a.shape
        s, i, j = self.size, -(-h // self.size), -(-w // self.size)
        # What the last cells lack is filled with +∞, which sorts behind everything there is.
        whole = F.pad(a, (0, j * s - w, 0, i * s - h), value=torch.inf)
        cells = whole.view(n, c, i, s, j, s).transpose(3, 4).reshape(n, c, i, j, s * s)
        ordered = cells.sort(dim=-1).values
        rows = torch.full((i,), s, device=a.device)
        rows[-1] = h - (i - 1) * s
        columns = torch.full((j,), s, device=a.device)
        columns[-1] = w - (j - 1) * s
        count = (rows[:, None] * columns).expand(n, c, i, j).unsqueeze(-1)
        lower, upper = ordered.gather(-1, (count - 1) // 2), ordered.gather(-1, count // 2)
        return ((lower + upper) / 2).squeeze(-1)


class BlurPool(nn.Module):
    """Blur and subsample; (n, c, h, w) → the same divided by size, rounded up.

    For each factor of two in `size`: the map is reflected at its border by one cell, filtered with
    [1 2 1]ᵀ[1 2 1] / 16, and every second value of it kept (Zhang 2019, "Making convolutional
    networks shift-invariant again", filter Tri-3). [1 2 1] is [1 1] twice, so two means of
    2 × 2 do it, the second at stride 2.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < 2 or size & (size - 1):
            raise ValueError(f"expected a size that is a power of two from 2 on, got {size}")
        self.octaves = size.bit_length() - 1

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c i j"]:
        """Return the blurred and subsampled map."""
        for _ in range(self.octaves):
            a = F.avg_pool2d(F.avg_pool2d(F.pad(a, (1, 1, 1, 1), mode="reflect"), 2, 1), 2, 2)
        return a


class CornerPick(nn.Module):
    """The top-left value of each size × size cell; (n, c, h, w) → (n, c, ⌈h/size⌉, ⌈w/size⌉).

    b[i, j] = a[size·i, size·j]. Behind a convolution of stride s it is that convolution at stride
    s·size: subsampling with the aggregation left out.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c i j"]:
        """Return every size-th value of every size-th row."""
        return a[:, :, :: self.size, :: self.size]


class CellPick(nn.Module):
    """One fixed place of each size × size cell; (n, c, h, w) → (n, c, ⌈h/size⌉, ⌈w/size⌉).

    b[k, i, j] = a[k, size·i + y_k, size·j + x_k], where (y_k, x_k) is drawn once for each channel
    k, the same in all runs and networks, from the layer's ordinal. A cell that the map's edge cuts
    short gives its last row or column where the place is cut off.

    Args:
        size: Side of a cell.
        channels: Channels of the map.
        ordinal: Which picking layer of its network it is, from 1.
    """

    place: Tensor

    def __init__(self, size: int, channels: int, ordinal: int) -> None:
        super().__init__()
        self.size = size
        rng = np.random.default_rng(np.random.SeedSequence([PICK_ENTROPY, ordinal]))
        self.register_buffer("place", torch.from_numpy(rng.integers(size, size=(channels, 2))))

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c i j"]:
        """Return the picked values."""
        n, c, h, w = a.shape
        i, j = -(-h // self.size), -(-w // self.size)
        corner_y = self.size * torch.arange(i, device=a.device)
        corner_x = self.size * torch.arange(j, device=a.device)
        y = (corner_y + self.place[:, :1]).clamp(max=h - 1)
        x = (corner_x + self.place[:, 1:]).clamp(max=w - 1)
        flat = (y[:, :, None] * w + x[:, None, :]).view(1, c, i * j).expand(n, -1, -1)
        return a.flatten(2).gather(2, flat).view(n, c, i, j)


class Gain(nn.Module):
    """A fixed factor: b = gain · a, any shape."""

    gain: Tensor

    def __init__(self, value: float) -> None:
        super().__init__()
        self.register_buffer("gain", torch.tensor(value))

    def forward(self, a: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the scaled values."""
        return a * self.gain


class Coordinates(nn.Module):
    """Two more channels, x and y of each cell; (n, c, h, w) → (n, c + 2, h, w).

    x runs from −1 in the first column to 1 in the last, y likewise over the rows (Liu et al. 2018,
    "An intriguing failing of convolutional neural networks and the CoordConv solution").
    """

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """Return the map with its coordinates behind it."""
        n, _, h, w = a.shape
        x = torch.linspace(-1, 1, w, dtype=a.dtype, device=a.device).expand(n, 1, h, w)
        y = torch.linspace(-1, 1, h, dtype=a.dtype, device=a.device)[:, None].expand(n, 1, h, w)
        return torch.cat((a, x, y), dim=1)
