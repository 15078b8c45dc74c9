"""The potential reward as a task: from the picture to the sign of the next point.

One rollout a state to train on: its sign is a draw whose mean the network has to find. Judged by
the explainable share (`analysis.worth.explained`): on the test states, of which there are sixteen
rollouts each, and, to choose the best weights, on validation states with four each. The formula is
the same for both, each with its own s² and K.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from analysis.pictures.splits import Part
from analysis.tasks.task import Examples, Judged, Outputs
from analysis.worth.explained import Ceiling
from analysis.worth.rewards import Rewards


@dataclass(frozen=True)
class Reward:
    """The task `reward`; see `analysis.tasks.task.Task`.

    Attributes:
        game: Whose pictures.
        parts: Targets are means of the rollouts, `float32 (n, 1)`: a single one in `train`.
        ceilings: What there is to foretell of each part.
        condition: The opponent arm as the claims call it.
    """

    game: str
    parts: Mapping[Part, Examples]
    ceilings: Mapping[Part, Ceiling]
    condition: str
    name: str = "reward"
    measure: str = "reward_share"
    gain: str = "reward_gain"
    outputs: int = 1

    def loss(self, outputs: Float[Tensor, "n outputs"], targets: Tensor) -> Float[Tensor, ""]:
        """Return the mean squared error; rewards are in [−1, 1]."""
        return nn.functional.mse_loss(outputs, targets)

    def judge(self, outputs: Outputs, part: Part) -> Judged:
        """Return the explainable share; beside it the MSE against ḡ and the correlation with it.

        A single rollout leaves s² open: for `train` it is that of the test states.
        """
        said, known = outputs[:, 0].astype(np.float64), self.ceilings[part]
        constant = said.std() == 0 or known.mean.std() == 0
        return Judged(
            known.share(said),
            {
                "mse": float(np.square(said - known.mean).mean()),
                "correlation": 0.0 if constant else float(np.corrcoef(said, known.mean)[0, 1]),
            },
        )


def reward(rewards: Rewards) -> Reward:
    """Return the task on a set of potential rewards."""
    return Reward(
        rewards.frames.game,
        MappingProxyType(
            {
                part: Examples(
                    rewards.frames.observations[drawn.index],
                    drawn.rewards.mean(axis=1, keepdims=True).astype(np.float32),
                )
                for part, drawn in rewards.parts.items()
            }
        ),
        MappingProxyType(rewards.ceilings()),
        rewards.condition,
    )
