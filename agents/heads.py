"""Layers that end a stack: what becomes of the last map.

Shapes: n pictures, c channels, h rows, w columns.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812  (as everywhere)
from jaxtyping import Float
from torch import Tensor, nn


class GlobalMean(nn.Module):
    """The mean of each channel; (n, c, h, w) → (n, c, 1, 1) (Lin et al. 2014)."""

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c 1 1"]:
        """Return the means."""
        return a.mean(dim=(2, 3), keepdim=True)


class GlobalMax(nn.Module):
    """The greatest value of each channel; (n, c, h, w) → (n, c, 1, 1)."""

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c 1 1"]:
        """Return the maxima."""
        return a.amax(dim=(2, 3), keepdim=True)


class LearnedMean(nn.Conv2d):
    """A learned sum over each channel's cells; (n, c, h, w) → (n, c, 1, 1), no bias.

    b_k = Σ_ij w_kij · a_kij: a depthwise convolution as large as its map. With all w at 1 / (h·w)
    it is the global mean.

    Args:
        channels: Channels of the map.
        side: Side of the square map.
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__(channels, channels, side, groups=channels, bias=False)

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c 1 1"]:
        """Return the weighted sums."""
        return super().forward(a)


class Sort(nn.Module):
    """The values of each channel in ascending order; (n, c, h, w) → (n, c, h·w).

    It keeps every value and no place, so it is blind to any permutation of the map's cells.
    """

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c k"]:
        """Return the sorted values."""
        return a.flatten(2).sort(dim=2).values


class SpatialSoftmax(nn.Module):
    """Where each channel is; (n, c, h, w) → (n, c, 2), x and y in [−1, 1].

    p = softmax over the channel's cells of a / t, then x = Σ p · x_cell and y = Σ p · y_cell
    (Levine et al. 2016; the temperature t is learned as in Finn et al. 2016, here by its logarithm,
    so that it stays above 0; it starts at 1).
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_temperature = nn.Parameter(torch.zeros(1))

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c 2"]:
        """Return the expected places."""
        n, c, h, w = a.shape
        p = F.softmax(a.flatten(2) / self.log_temperature.exp(), dim=2).view(n, c, h, w)
        x = torch.linspace(-1, 1, w, dtype=a.dtype, device=a.device)
        y = torch.linspace(-1, 1, h, dtype=a.dtype, device=a.device)
        return torch.stack(((p.sum(2) * x).sum(2), (p.sum(3) * y).sum(2)), dim=2)


def squash(s: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
    """Return s · |s| / (1 + |s|²): the same direction, length below 1 (Sabour 2017, eq. 1)."""
    square = s.square().sum(dim=-1, keepdim=True)
    # A rectified capsule may well be 0, where the root's slope would be infinite.
    length = (square + 1e-12).sqrt()
    return s * length / (1 + square)


class Capsules(nn.Module):
    """Routing by agreement; (n, c, h, w) → (n, count, size) (Sabour et al. 2017).

    `primary` neighbouring channels of one cell, squashed, make an input capsule u_i. Each predicts
    each output capsule, û_ik = u_i W_ik. Weights c_ik = softmax over k of b_ik, outputs
    v_k = squash(Σ_i c_ik û_ik); from b = 0 on, each round adds the agreement û_ik · v_k to b_ik.
    Gradients flow through all rounds.

    Args:
        channels: Channels of the map, a multiple of `primary`.
        side: Side of the square map.
        count: Output capsules.
        size: Numbers in an output capsule.
        primary: Numbers in an input capsule.
        routings: Rounds, at least 1.
    """

    def __init__(
        self, channels: int, side: int, count: int, size: int, primary: int, routings: int
    ) -> None:
        super().__init__()
        self.primary = primary
        self.routings = routings
        inputs = channels // primary * side * side
        self.weight = nn.Parameter(torch.empty(inputs, primary, count, size))
        bound = 1 / math.sqrt(primary)  # torch's for a linear layer with so many inputs
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, a: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k d"]:
        """Return the output capsules."""
        n, c, h, w = a.shape
        grouped = a.view(n, c // self.primary, self.primary, h * w).transpose(2, 3)
        u = squash(grouped.reshape(n, -1, self.primary))
        votes = torch.einsum("nij,ijkd->nikd", u, self.weight)
        agreement = torch.zeros(votes.shape[:3], dtype=votes.dtype, device=votes.device)
        for left in reversed(range(self.routings)):
            v = squash(torch.einsum("nik,nikd->nkd", F.softmax(agreement, dim=2), votes))
            if left:
                agreement = agreement + torch.einsum("nikd,nkd->nik", votes, v)
        return v
