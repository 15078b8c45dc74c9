"""Networks run in bfloat16, with float32 weights behind them; and float32 that is float32.

Autocast alone converts every weight at every forward pass, the target network's too, although that
one changes once in a thousand steps. Here bfloat16 copies of the weights are kept beside the
float32 ones and converted when those change. The arithmetic is the same; a test holds it to that.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from stable_baselines3.dqn.policies import QNetwork
from torch import nn


def float32_means_float32() -> None:
    """Keep a GPU from rounding float32 to TF32's ten bits of mantissa, in this process.

    PyTorch allows that in cuDNN's convolutions unless told otherwise. An agent trained with it
    would bear the fingerprint of one trained in float32, and scores or measures taken with it would
    be of other Q-values than on a CPU. Changes nothing on a CPU, nor in bfloat16.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False  # PyTorch's default, unless somebody changed it


class Bfloat16Copy:
    """A network whose parameters are bfloat16 copies of another's.

    Buffers stay float32, and so do the operations that autocast keeps in it.

    Args:
        master: The float32 network; when a state dictionary is loaded into it, the copy follows.
    """

    def __init__(self, master: QNetwork) -> None:
        self.net = copy.deepcopy(master)
        self.masters = list(master.parameters())
        self.copies = list(self.net.parameters())
        for parameter in self.copies:
            parameter.data = parameter.data.to(torch.bfloat16)
        master.register_load_state_dict_post_hook(self._follow)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def refresh(self) -> None:
        """Copy the float32 weights again; call it when they have changed."""
        for mine, theirs in zip(self.copies, self.masters, strict=True):
            mine.copy_(theirs)

    @torch.no_grad()
    def hand_over_gradients(self) -> None:
        """Give the float32 weights the gradients that a backward pass has left here."""
        for mine, theirs in zip(self.copies, self.masters, strict=True):
            if mine.grad is None:
                theirs.grad = None
            elif theirs.grad is None:
                theirs.grad = mine.grad.float()
            else:
                theirs.grad.copy_(mine.grad)
            mine.grad = None

    def _follow(self, module: nn.Module, incompatible_keys: Any) -> None:
        self.refresh()
