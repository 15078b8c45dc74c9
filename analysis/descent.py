"""A step of training without a game, and when there is nothing left to be had from more of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

from analysis.networks import HIDDEN, Network, Observations, responses

LONG_GONE = 1e-30
"""Mean of the gradients at which none has come for long: Adam's shrinks by a tenth an update."""


def descend(loss: Tensor, network: nn.Module, adam: Adam, max_grad_norm: float) -> None:
    """Change a network's weights by one step along the clipped gradient of a loss."""
    adam.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), max_grad_norm)
    adam.step()


def adam_of(network: nn.Module, learning_rate: float) -> Adam:
    """Return the optimiser of a network."""
    return Adam(network.parameters(), learning_rate, fused=True)


def is_silent(network: Network, adam: Adam, observations: Observations) -> bool:
    """Say whether a network tells all its examples the same and can never again do otherwise.

    The units of some layer have died: they are 0 for every example, so that nothing of the picture
    gets past them and no gradient gets back to them or to what is in front of them, and so they
    stay. What is behind them is still trained, to the one answer that is best for all. Adam's mean
    of the gradients of the first weights tells that none has come for hundreds of updates.

    Args:
        network: In training.
        adam: Its optimiser.
        observations: What it is trained on.
    """
    mean = adam.state[next(network.parameters())].get("exp_avg")
    if mean is None or bool((mean.abs() > LONG_GONE).any()):
        return False
    hidden = responses(network, observations, [HIDDEN])[HIDDEN]
    return np.allclose(hidden, hidden[0], rtol=1e-5, atol=1e-7)  # but for rounding
