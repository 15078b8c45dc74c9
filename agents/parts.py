"""The parts a network is made of, as frozen data, without torch.

Each part is a description: `agents.geometry` does arithmetic on it, `agents.extractors` builds the
module it describes, `agents.layers` and `agents.heads` hold those that torch lacks. Maps are
written (channels, rows, columns); every map here is square.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

ROUND_TO = 8
"""Scaled channel numbers are multiples of this, in channels, as capsules of 8 and vector units
like them; below it every whole number will do."""


def scale(units: int, width: float) -> int:
    """Multiply a number of channels or units by `width` and round it.

    One channel stays one channel at any width: there the number is what the row is about.
    """
    if units == 1:
        return 1
    wanted = units * width
    if wanted < ROUND_TO:
        return max(1, int(wanted + 0.5))
    return int(wanted / ROUND_TO + 0.5) * ROUND_TO


@dataclass(frozen=True)
class Part:
    """Anything that can stand in a stack."""

    kind: ClassVar[str]
    """Name of the stages built from it; they are numbered by kind: `conv1`, `pool1`, `conv2`."""

    def scaled(self, width: float) -> Part:
        """Return this part with its channels multiplied by `width`; most have none of their own."""
        return self


@dataclass(frozen=True)
class Conv(Part):
    """A convolution with bias, and the ReLU behind it.

    Attributes:
        channels: Output channels.
        kernel: Side of the square kernel, in cells of the map it reads.
        stride: Step of the kernel, in the same cells.
        padding: Zeros added on each side, or "circular": the map is a torus and keeps its size.
        dilation: Distance between neighbouring taps, in the same cells.
    """

    kind: ClassVar[str] = "conv"
    channels: int
    kernel: int
    stride: int = 1
    padding: int | Literal["circular"] = 0
    dilation: int = 1

    def scaled(self, width: float) -> Conv:
        """Return this convolution with its channels multiplied by `width`."""
        return replace(self, channels=scale(self.channels, width))


@dataclass(frozen=True)
class LinearConv(Conv):
    """A convolution with bias and no ReLU."""


@dataclass(frozen=True)
class Relu(Part):
    """max(0, a), where a stack leaves it open (IMPALA puts it before its convolutions)."""

    kind: ClassVar[str] = "relu"


@dataclass(frozen=True)
class Residual(Part):
    """IMPALA's residual block: a + conv(relu(conv(relu(a)))), both 3 × 3 (Espeholt 2018)."""

    kind: ClassVar[str] = "residual"


@dataclass(frozen=True)
class Pool(Part):
    """One number for each `size` × `size` cell of each channel; cells do not overlap.

    Where the map's side is no multiple of `size`, the last cells hold what is left (torch's
    `ceil_mode`). The subclasses say which number: the aggregator.
    """

    kind: ClassVar[str] = "pool"
    size: int


@dataclass(frozen=True)
class MaxPool(Pool):
    """The greatest value of the cell."""


@dataclass(frozen=True)
class AvgPool(Pool):
    """The mean of the cell."""


@dataclass(frozen=True)
class MedianPool(Pool):
    """The median of the cell; of the two middle values their mean."""


@dataclass(frozen=True)
class CornerPick(Pool):
    """The cell's top-left value: what a strided convolution would have kept."""


@dataclass(frozen=True)
class CellPick(Pool):
    """The value at one place of the cell, fixed for each channel once and for all by lot."""


@dataclass(frozen=True)
class BlurPool(Pool):
    """Binomial blur and every second value, once for each factor of two in `size` (Zhang 2019)."""


@dataclass(frozen=True)
class OverlapPool(Part):
    """IMPALA's pooling: overlapping windows on a padded map (Espeholt 2018)."""

    kind: ClassVar[str] = "pool"
    size: int = 3
    stride: int = 2
    padding: int = 1


@dataclass(frozen=True)
class OverlapMax(OverlapPool):
    """The greatest value of the window."""


@dataclass(frozen=True)
class OverlapAvg(OverlapPool):
    """The mean of the window; padding does not count."""


@dataclass(frozen=True)
class AdaptivePool(Part):
    """Pooling to `side` × `side` cells of nearly equal size, which may overlap by one."""

    kind: ClassVar[str] = "pool"
    side: int


@dataclass(frozen=True)
class AdaptiveAvg(AdaptivePool):
    """The mean of each cell."""


@dataclass(frozen=True)
class AdaptiveMax(AdaptivePool):
    """The greatest value of each cell."""


@dataclass(frozen=True)
class GlobalPool(Part):
    """One number for a whole channel."""

    kind: ClassVar[str] = "pool"


@dataclass(frozen=True)
class GlobalMean(GlobalPool):
    """The mean of the channel (Lin et al. 2014)."""


@dataclass(frozen=True)
class GlobalMax(GlobalPool):
    """The greatest value of the channel."""


@dataclass(frozen=True)
class LearnedMean(GlobalPool):
    """A sum over the channel's cells with weights that are learned, for each channel its own."""


@dataclass(frozen=True)
class Gain(Part):
    """Multiplication by a fixed number.

    Attributes:
        value: The factor; without a unit.
    """

    kind: ClassVar[str] = "gain"
    value: float


@dataclass(frozen=True)
class Coordinates(Part):
    """Two more channels that hold each cell's own x and y in [-1, 1] (Liu et al. 2018)."""

    kind: ClassVar[str] = "coordinates"


@dataclass(frozen=True)
class Sort(Part):
    """The values of each channel in ascending order: what is there, and nothing of where."""

    kind: ClassVar[str] = "sort"


@dataclass(frozen=True)
class SpatialSoftmax(Part):
    """Expected x and y of each channel under a softmax over its cells (Levine et al. 2016)."""

    kind: ClassVar[str] = "softmax"


@dataclass(frozen=True)
class Capsules(Part):
    """Primary capsules, routed by agreement to fewer and larger ones (Sabour et al. 2017).

    Attributes:
        count: Output capsules; they count as channels when a row is scaled.
        size: Numbers in an output capsule.
        primary_size: Channels of one cell that make up an input capsule.
        routings: Rounds of routing.
    """

    kind: ClassVar[str] = "capsules"
    count: int = 16
    size: int = 16
    primary_size: int = 8
    routings: int = 3

    def scaled(self, width: float) -> Capsules:
        """Return this layer with the number of its output capsules multiplied by `width`."""
        return replace(self, count=scale(self.count, width))
