"""What a network can be trained to say in the supervised regime: examples, loss, and skill.

A task is data and two functions. `analysis.supervised` trains any of them the same way; each task's
module says where its examples come from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, Shaped
from torch import Tensor

from analysis.networks import Observations
from analysis.pictures.splits import Part
from analysis.readings import Reading

Targets = Shaped[np.ndarray, "n *targets"]

Outputs = Float32[np.ndarray, "n outputs"]


@dataclass(frozen=True)
class Examples:
    """Inputs and what should be said of them.

    Attributes:
        observations: Network inputs.
        targets: As the task's loss takes them.
    """

    observations: Observations
    targets: Targets

    def __len__(self) -> int:
        return len(self.observations)


@dataclass(frozen=True)
class Judged:
    """How good outputs are.

    Attributes:
        skill: 0 at chance, 1 if perfect; decides which weights are kept.
        beside: Other numbers by name, for the curve.
    """

    skill: float
    beside: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class Task(Protocol):
    """One thing to be learnt.

    No scene is in two of its parts. Condition, measure and gain are as in
    `analysis.measurements`.
    """

    @property
    def name(self) -> str:
        """What is asked."""
        ...

    @property
    def game(self) -> str:
        """Whose pictures."""
        ...

    @property
    def condition(self) -> str:
        """What else was set."""
        ...

    @property
    def measure(self) -> str:
        """The measure that its skill is."""
        ...

    @property
    def gain(self) -> str:
        """The measure of what was learnt last."""
        ...

    @property
    def outputs(self) -> int:
        """Units of the last layer."""
        ...

    @property
    def parts(self) -> Mapping[Part, Examples]:
        """The examples."""
        ...

    def loss(self, outputs: Float[Tensor, "n outputs"], targets: Tensor) -> Float[Tensor, ""]:
        """Return what is minimised: the mean over a batch."""
        ...

    def judge(self, outputs: Outputs, part: Part) -> Judged:
        """Return how good the outputs are for all examples of a part, in order."""
        ...


@runtime_checkable
class ManySided(Protocol):
    """A task that is judged by more than its skill."""

    def readings(
        self, outputs: Outputs, curve: Sequence[Mapping[str, float]]
    ) -> tuple[Reading, ...]:
        """Return what claims use, in place of the skill and its gain.

        Args:
            outputs: For the test examples, in order, by the weights that were kept.
            curve: Of the run, with what `judge` has beside the skill.
        """
        ...


def content_hash(task: Task) -> str:
    """Hash everything that a task asks: two tasks with one hash can be compared."""
    digest = hashlib.sha256()
    digest.update(f"{task.name} {task.game} {task.condition} {task.outputs}".encode())
    for name in sorted(task.parts):
        examples = task.parts[name]
        digest.update(examples.observations.tobytes())
        digest.update(examples.targets.tobytes())
    return digest.hexdigest()[:12]
