"""The RAM oracle: a network that reads the console's memory instead of the picture.

What it explains of the potential reward is what could be foretold at all, from as many states and
rollouts as the others get. Where it stays below .8 no verdict hangs on the potential reward. It is
several small networks trained side by side, whose mean counts (Lakshminarayanan et al. 2017): what
it is for is to be as good as the data allow. Like every network it is trained on the training
states, keeps the weights that were best on the validation states, and is judged on the test states.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor, nn

from analysis.pictures.splits import Part
from analysis.readings import Measured, Reading
from analysis.worth.explained import Ceiling
from analysis.worth.ram_features import features
from analysis.worth.rewards import Rewards
from envs.games import find


@dataclass(frozen=True)
class OracleSettings:
    """How the oracle is trained; chosen on validation states.

    Attributes:
        members: Networks side by side.
        hidden: Units of each of two hidden layers.
        epochs: Passes over the training states.
        batch_size: States in each update.
        learning_rate: Of Adam; falls to 0 along a cosine.
        weight_decay: Decoupled from the gradient (Loshchilov and Hutter 2019).
        dropout: Share of hidden units left out while training.
        with_bytes: Whether the members read all bytes too, beside what is decoded from them.
    """

    members: int = 8
    hidden: int = 64
    epochs: int = 30
    batch_size: int = 200
    learning_rate: float = 3e-3
    weight_decay: float = 1.0
    dropout: float = 0.1
    with_bytes: bool = False


class Members(nn.Module):
    """Several perceptrons on the same inputs: (n, inputs) → (members, n)."""

    def __init__(self, inputs: int, settings: OracleSettings, generator: torch.Generator) -> None:
        super().__init__()
        sizes = (inputs, settings.hidden, settings.hidden, 1)
        self.dropout, self.generator = settings.dropout, generator
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for before, after in pairwise(sizes):
            drawn = torch.randn(settings.members, before, after, generator=generator)
            self.weights.append(nn.Parameter(drawn * (2 / before) ** 0.5))
            self.biases.append(nn.Parameter(torch.zeros(settings.members, 1, after)))

    def forward(self, given: Float[Tensor, "n inputs"]) -> Float[Tensor, "members n"]:
        """Return what each member says."""
        flow = given.expand(len(self.biases[0]), *given.shape)
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            flow = torch.baddbmm(bias, flow, weight)
            if layer < last:
                flow = torch.relu(flow)
                if self.training and self.dropout:
                    kept = torch.rand(flow.shape, generator=self.generator) >= self.dropout
                    flow = flow * kept / (1 - self.dropout)
        return flow[..., 0]


def standardised(rewards: Rewards, *, with_bytes: bool) -> dict[Part, Float32[np.ndarray, "n f"]]:
    """Return the features of each part, by mean and spread of the training states.

    What never changes among those is 0 everywhere, and nothing lies further out than 5.
    """
    game = find(rewards.frames.game)
    raw = {
        part: features(game, rewards.frames.ram[drawn.index], with_bytes=with_bytes)
        for part, drawn in rewards.parts.items()
    }
    centre, spread = raw["train"].mean(axis=0), raw["train"].std(axis=0)
    scale = np.where(spread > 0, spread, np.inf)
    return {
        part: ((values - centre) / scale).clip(-5, 5).astype(np.float32)
        for part, values in raw.items()
    }


def ram_oracle(rewards: Rewards, seed: int, settings: OracleSettings | None = None) -> Measured:
    """Train the oracle and judge it.

    Args:
        rewards: Potential rewards of an emulated game.
        seed: Of weights, batches and dropout.
        settings: How.

    Returns:
        A table of shares by epoch and part, and the reading `reward_share` of row `ram_oracle`.
    """
    settings = settings or OracleSettings()
    generator = torch.Generator().manual_seed(seed)
    known = rewards.ceilings()
    given = {
        part: torch.from_numpy(values)
        for part, values in standardised(rewards, with_bytes=settings.with_bytes).items()
    }
    targets = torch.from_numpy(rewards.parts["train"].rewards.mean(axis=1).astype(np.float32))
    network = Members(given["train"].shape[1], settings, generator)
    adam = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, settings.epochs)
    rows: list[dict[str, float | str]] = []
    best, said = -np.inf, np.zeros(0)
    for epoch in range(1, settings.epochs + 1):
        _epoch(network, adam, given["train"], targets, settings.batch_size, generator)
        cosine.step()
        shares = {part: known[part].share(_says(network, given[part])) for part in given}
        rows += [
            {"epoch": epoch, "part": p, "kind": "share", "value": s} for p, s in shares.items()
        ]
        if shares["validation"] > best:
            best, said = shares["validation"], _says(network, given["test"])
    rows += [
        {"epoch": 0, "part": "test", "kind": kind, "value": value}
        for kind, value in _judged(known["test"], said).items()
    ]
    share = known["test"].share(said)
    reading = Reading("reward_share", share, rewards.condition, row="ram_oracle")
    return Measured(pd.DataFrame(rows), (reading,))


def _epoch(
    network: Members,
    adam: torch.optim.Optimizer,
    given: Tensor,
    targets: Tensor,
    size: int,
    generator: torch.Generator,
) -> None:
    network.train()
    order = torch.randperm(len(targets), generator=generator)
    for rows in torch.split(order, size):
        # The sum over members: each has its own weights, and none should learn more slowly for
        # having company.
        loss = (network(given[rows]) - targets[rows]).square().mean(dim=1).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()


def _says(network: Members, given: Tensor) -> Float64[np.ndarray, " n"]:
    network.eval()
    with torch.inference_mode():
        mean: Float64[np.ndarray, " n"] = network(given).mean(dim=0).double().numpy()
    return mean


def _judged(known: Ceiling, said: Float64[np.ndarray, " n"]) -> dict[str, float]:
    return {
        "best share": known.share(said),
        "mse": float(np.square(said - known.mean).mean()),
        "correlation": float(np.corrcoef(said, known.mean)[0, 1]),
        "explainable variance": known.explainable,
        "noise": known.noise,
    }
