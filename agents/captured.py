"""One update as a CUDA graph: recorded once, replayed without Python or a synchronisation.

Unmeasured so far: it is guarded by tests that need a GPU (`pytest -m gpu`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import torch
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from torch import Tensor, nn

from commandline import BadInput, told

Update = Callable[[ReplayBufferSamples], None]

WARM_UPS = 3
"""Updates run before the recording, as PyTorch's notes on CUDA graphs ask."""


@contextmanager
def recording() -> Iterator[None]:
    """Say in one line what is wrong with a network that cannot be recorded.

    There is no way back to the plain update: what CUDA does after a recording that failed is not
    known to leave weights, random numbers and memory as they were.

    Raises:
        BadInput: If it waits for the device, or does anything else that a recording forbids.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise BadInput(
            "--extractor: expected a network whose update can be recorded on a GPU, without "
            ".item(), .cpu(), nonzero() or an if on a tensor's value (docs/adding-an-extractor.md)"
            f"; --device cpu trains it as it is; got {told(error)}"
        ) from error


class CapturedUpdate:
    """Replays a recorded update on new batches.

    The warm-up runs real updates, so weights and optimizer state are put back afterwards, in place:
    the graph remembers addresses.

    Args:
        update: Makes one update from a batch, without synchronising.
        modules: Whose parameters the update changes or copies.
        optimizer: Built with `capturable=True`.
        sums: Tensors that the update adds to.
        example: A batch of the size that all others will have, on the device.

    Raises:
        BadInput: If the update cannot be recorded.
    """

    def __init__(
        self,
        update: Update,
        modules: list[nn.Module],
        optimizer: torch.optim.Optimizer,
        sums: list[Tensor],
        example: ReplayBufferSamples,
    ) -> None:
        assert example.discounts is not None
        self.batch = ReplayBufferSamples(*(cast(Tensor, t).clone() for t in example))
        tensors = [p for module in modules for p in module.parameters()] + sums
        before = [t.detach().clone() for t in tensors]
        known = {p: _clones(state) for p, state in optimizer.state.items()}
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                update(self.batch)
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        optimizer.zero_grad(set_to_none=True)
        with recording(), torch.cuda.graph(self.graph):
            update(self.batch)
        with torch.no_grad():
            for tensor, value in zip(tensors, before, strict=True):
                tensor.copy_(value)
            for parameter, state in optimizer.state.items():
                for name, tensor in state.items():
                    if parameter in known:
                        tensor.copy_(known[parameter][name])
                    else:
                        tensor.zero_()  # Adam's moments and step counter before its first step

    def __call__(self, batch: ReplayBufferSamples) -> None:
        """Make one update with `batch`; returns before the device has finished."""
        for mine, given in zip(self.batch, batch, strict=True):
            cast(Tensor, mine).copy_(cast(Tensor, given), non_blocking=True)
        self.graph.replay()


def _clones(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in state.items()}
