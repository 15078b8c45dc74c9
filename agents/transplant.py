"""One set of weights in several networks, and what their pools do to its size.

Rows that differ in nothing but an aggregator have the same parameters under the same names, so
nature's weights go into every twin and half of it. What then differs is the aggregator alone.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from agents.extractors import ZooExtractor
from agents.layers import Gain


def transplant(source: nn.Module, target: nn.Module) -> tuple[str, ...]:
    """Copy every parameter of `source` to the parameter of the same name in `target`.

    Buffers stay: a pick's places and a gain belong to the architecture.

    Returns:
        The parameters of `target` for which `source` has none, left as they were.

    Raises:
        ValueError: Naming what has no place of its shape; nothing is copied then.
    """
    given, places = dict(source.named_parameters()), dict(target.named_parameters())
    misfits = [
        f"{name} {tuple(value.shape)}"
        for name, value in given.items()
        if name not in places or places[name].shape != value.shape
    ]
    if misfits:
        raise ValueError(f"expected a place for every parameter, found none for {misfits}")
    with torch.no_grad():
        for name, value in given.items():
            places[name].copy_(value)
    return tuple(name for name in places if name not in given)


def coarsen(module: nn.Module, bits: int = 9) -> None:
    """Round the parameters of `module` to multiples of 2^−bits, and make it float64.

    With inputs in multiples of 2^−8 and torch's initial weights every sum in nature's stack is then
    a whole number of 2^−35 and below 2^14, which float64 holds exactly. Sums that are exact do not
    depend on their order, and so not on how a convolution goes about adding its products: two
    networks that compute the same function give the same bits. (Algorithms that add other things
    than the products, Winograd's or by FFT, are not covered; on a CPU none is taken in float64.)
    """
    module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_((parameter * 2**bits).round() / 2**bits)


def rms(a: Float[Tensor, "*shape"]) -> float:
    """Return the root of the mean square of all values."""
    return float(a.double().square().mean().sqrt())


def restore_rms(
    reference: ZooExtractor, target: ZooExtractor, observations: Float[Tensor, "n c h w"]
) -> tuple[float, ...]:
    """Set the gains in `target` so that activations behind them are as large as in `reference`.

    Gain number k is set, from the first on, to make the RMS over `observations` behind it that
    behind convolution number k of `reference`: of the layer that it, its pool and its convolution
    replace together.

    Args:
        reference: Nature, usually.
        target: A row with gains, usually with the same weights.
        observations: Network inputs in [0, 1].

    Returns:
        The gains.
    """
    wanted = []
    with torch.no_grad():
        a = observations
        for name, stage in reference.stages.named_children():
            a = stage(a)
            if name.startswith("conv"):
                wanted.append(rms(a))
        gains: list[float] = []
        a = observations
        for stage in target.stages.children():
            if isinstance(stage, Gain):
                gains.append(wanted[len(gains)] / rms(a))
                stage.gain.fill_(gains[-1])
            a = stage(a)
    return tuple(gains)
