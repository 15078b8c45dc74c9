"""What a layer does to the map it reads: sizes, fields of view and costs, without torch.

Conventions. A *multiply-add* is one of a convolution's or a matrix product's, with learned weights
or (routing) between activations; pooling, fixed blurs, means and ReLUs count nothing. *Sees* is the
side, in network pixels, of the square that one cell of a map can draw on, the frame's border left
aside; where cells see squares of different size, the largest. *Jump* is the distance in network
pixels between the squares of neighbouring cells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from agents.architectures import Architecture
from agents.parts import (
    AdaptivePool,
    BlurPool,
    Capsules,
    Conv,
    Coordinates,
    CornerPick,
    Gain,
    GlobalPool,
    LearnedMean,
    OverlapPool,
    Part,
    Pool,
    Relu,
    Residual,
    Sort,
    SpatialSoftmax,
)
from commandline import BadInput

CHANNELS, SIDE = 4, 84
"""The network's input: frames stacked, and the side of the picture in network pixels."""


@dataclass(frozen=True)
class Step:
    """What stands behind one layer of a stack.

    Attributes:
        name: Of the layer, numbered by kind: `conv1`, `pool1`, `conv2`.
        shape: Of one picture's output: (channels, side, side) for a map.
        sees: Receptive field of one output cell, in network pixels.
        jump: Distance between the fields of neighbouring cells, in network pixels.
        collapsed: Whether a global pool has made one cell of the whole map.
        parameters: Learned numbers of this layer.
        macs: Multiply-adds of this layer for one picture.
    """

    name: str
    shape: tuple[int, ...]
    sees: int = 1
    jump: int = 1
    collapsed: bool = False
    parameters: int = 0
    macs: int = 0

    @property
    def features(self) -> int:
        """Numbers in the output of one picture."""
        return math.prod(self.shape)


class DoesNotFit(BadInput):
    """A layer and the map that it is given do not go together."""


def windows(side: int, size: int, stride: int, *, padding: int = 0, ceil: bool = False) -> int:
    """Return how many windows of `size` a row of `side` cells holds, `stride` apart.

    Args:
        side: Cells of the row.
        size: Cells that a window spans.
        stride: Cells between the starts of neighbouring windows.
        padding: Cells added at each end.
        ceil: Whether a last window that sticks out counts.

    Raises:
        DoesNotFit: If not even one fits, or if something is below what makes sense.
    """
    if size < 1 or stride < 1 or padding < 0:
        raise DoesNotFit(f"expected size and stride from 1 on, got {size} and {stride}")
    room = side + 2 * padding - size
    if room < 0:
        padded = f" (with padding {side + 2 * padding})" if padding else ""
        raise DoesNotFit(f"a window of {size} × {size} on a map of {side} × {side}{padded}")
    return (-(-room // stride) if ceil else room // stride) + 1


def follow(before: Step, part: Part, name: str) -> Step:
    """Return what stands behind `part` if `before` stands in front of it.

    Raises:
        DoesNotFit: If the two do not go together.
    """
    if len(before.shape) != 3:
        raise DoesNotFit(f"it needs a map, and there is none left but {before.features} numbers")
    step = replace(before, name=name, parameters=0, macs=0)
    channels, side, _ = before.shape
    jump = before.jump
    match part:
        case Conv():
            span = part.dilation * (part.kernel - 1) + 1
            if part.padding != "circular":
                new = windows(side, span, part.stride, padding=part.padding)
            elif part.stride == 1 and span <= side:
                new = side
            else:
                raise DoesNotFit(f"a torus takes stride 1 and kernels up to its side, {side}")
            weights = part.kernel**2 * channels * part.channels
            return replace(
                step,
                shape=(part.channels, new, new),
                sees=before.sees + (span - 1) * jump,
                jump=jump * part.stride,
                parameters=weights + part.channels,
                macs=weights * new**2,
            )
        case Residual():
            weights = 2 * 9 * channels**2
            return replace(
                step,
                sees=before.sees + 4 * jump,
                parameters=weights + 2 * channels,
                macs=weights * side**2,
            )
        case Pool():
            new = windows(side, part.size, part.size, ceil=True)
            if isinstance(part, BlurPool) and (part.size == 1 or part.size & (part.size - 1)):
                raise DoesNotFit(f"expected a power of two from 2 on, got {part.size}")
            reach = {BlurPool: 2 * (part.size - 1), CornerPick: 0}.get(type(part), part.size - 1)
            return replace(
                step,
                shape=(channels, new, new),
                sees=before.sees + reach * jump,
                jump=jump * part.size,
            )
        case OverlapPool():
            new = windows(side, part.size, part.stride, padding=part.padding)
            return replace(
                step,
                shape=(channels, new, new),
                sees=before.sees + (part.size - 1) * jump,
                jump=jump * part.stride,
            )
        case AdaptivePool():
            if part.side > side:
                raise DoesNotFit(f"pooling to {part.side} × {part.side} from {side} × {side}")
            cells = range(part.side)
            ends = [(i * side // part.side, -(-(i + 1) * side // part.side)) for i in cells]
            widest = max(end - start for start, end in ends)
            return replace(
                step,
                shape=(channels, part.side, part.side),
                sees=before.sees + (widest - 1) * jump,
            )
        case GlobalPool():
            weights = channels * side**2 if isinstance(part, LearnedMean) else 0
            return replace(
                step, shape=(channels, 1, 1), collapsed=True, parameters=weights, macs=weights
            )
        case Sort():
            return replace(step, shape=(channels, side**2))
        case SpatialSoftmax():
            return replace(step, shape=(channels, 2), parameters=1)
        case Capsules():
            if channels % part.primary_size:
                raise DoesNotFit(
                    f"{channels} channels make no whole number of capsules of {part.primary_size}"
                )
            inputs = channels // part.primary_size * side**2
            votes = inputs * part.count * part.size
            rounds = 2 * part.routings - 1  # sums in each, agreements in all but the last
            return replace(
                step,
                shape=(part.count, part.size),
                parameters=votes * part.primary_size,
                macs=votes * part.primary_size + votes * rounds,
            )
        case Coordinates():
            return replace(step, shape=(channels + 2, side, side))
        case Relu() | Gain():
            return step
        case _:
            raise TypeError(f"no arithmetic is known for {part!r}")


def trace(row: Architecture, channels: int = CHANNELS, side: int = SIDE) -> tuple[Step, ...]:
    """Return what stands behind each layer of `row`, for pictures of `channels` × `side` × `side`.

    Raises:
        DoesNotFit: Naming the layer and the sizes, if a layer does not fit its map.
    """
    steps = []
    here = Step("input", (channels, side, side))
    seen: dict[str, int] = {}
    for number, part in enumerate(row.layers, 1):
        seen[part.kind] = seen.get(part.kind, 0) + 1
        try:
            here = follow(here, part, f"{part.kind}{seen[part.kind]}")
        except DoesNotFit as error:
            raise DoesNotFit(
                f"{row.name}: layer {number}, {part!r}, does not fit: {error}"
            ) from None
        steps.append(here)
    return tuple(steps)
