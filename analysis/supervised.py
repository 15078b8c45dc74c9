"""The supervised regime: a whole network trained end to end on one task.

The same optimiser, updates, examples and batches for every row; only the learning rate is the
row's own, chosen on other seeds (`analysis.tasks.tuning`). Float32 throughout. The weights that did
best on the validation scenes are judged on the test scenes. A run that was stopped goes on with the
same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from agents.checkpoints import save_weights
from agents.settings import fingerprint
from analysis.descent import adam_of, descend, is_silent
from analysis.networks import CHUNK, Network, Observations, build
from analysis.pictures.splits import Part
from analysis.supervised_checkpoint import Checkpoint, Row, copied
from analysis.tasks.batches import Batches
from analysis.tasks.task import Judged, Outputs, Task, content_hash
from commandline import BadInput

STUCK = 0.05
"""Skill that a run has to reach once, or it never left the mean."""


@dataclass(frozen=True)
class SupervisedSettings:
    """How a network is trained.

    Attributes:
        updates: Of the weights.
        batch_size: Examples in each.
        learning_rate: Of Adam, after the warm-up; falls to 0 along a cosine.
        warmup: Updates over which it rises from 0.
        max_grad_norm: To which gradients are clipped.
        look_every: Updates between points of the curve.
        save_every: Updates between checkpoints.
        stop_at_loss: At which mean loss between two points of the curve training ends, and the last
            weights are judged in place of the best; never, unless set.
    """

    updates: int = 20_000
    batch_size: int = 64
    learning_rate: float = 3e-4
    warmup: int = 500
    max_grad_norm: float = 1.0
    look_every: int = 500
    save_every: int = 2_000
    stop_at_loss: float | None = None

    def __post_init__(self) -> None:
        # The gain of the last quarter is read off the curve.
        quarters = 4 * self.look_every
        if self.updates < quarters or self.updates % quarters:
            raise BadInput(f"--updates: expected a multiple of {quarters:,}, got {self.updates:,}")

    def facts(self) -> dict[str, Any]:
        """Return what is set, for a run's card."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def looks(self) -> int:
        """How many points the curve has over the whole budget."""
        return self.updates // self.look_every

    def rate(self, update: int) -> float:
        """Return the learning rate of update number `update`, from 0."""
        if update < self.warmup:
            return self.learning_rate * (update + 1) / self.warmup
        done = (update - self.warmup) / max(1, self.updates - self.warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        network: With the weights that did best on the validation scenes, or the last ones if
            training was to end at a loss.
        curve: One row each `look_every` updates.
        judged: On the test scenes.
        last: Skill of the last weights on the test scenes.
        gain: Of the best validation skill so far in the last quarter of the updates.
        silent: Whether training ended because nothing could come of it any more: see
            `analysis.descent.is_silent`.
        fingerprint: Of task and settings, without row, seed and learning rate.
    """

    network: Network
    curve: list[Row]
    judged: Judged
    last: float
    gain: float
    silent: bool
    fingerprint: str

    @property
    def stuck(self) -> bool:
        """Whether it never left the mean."""
        return max(row["skill"] for row in self.curve) < STUCK

    def reached(self, name: str, at_most: float) -> float:
        """Return the updates until a column of the curve was that small first; infinite if never.

        Args:
            name: Of the column, such as `rmse_px`.
            at_most: In its unit.
        """
        return next((r["update"] for r in self.curve if r[name] <= at_most), math.inf)


def late_gain(skills: Sequence[float], looks: int) -> float:
    """Return by how much the best skill so far grew in the last quarter of a budget; 0 or more.

    The best weights are judged, so that a network that collapses late is not still learning, and
    does not hide others that are.

    Args:
        skills: At each look; fewer than planned where training ended early.
        looks: Planned.
    """
    return max(skills) - max(skills[: max(1, looks * 3 // 4)])


def protocol(task: Task, settings: SupervisedSettings) -> str:
    """Return the fingerprint of what has to agree between rows that are compared."""
    kept = {k: v for k, v in settings.facts().items() if k not in ("learning_rate", "save_every")}
    return fingerprint({"task": content_hash(task), **kept})


def train(
    spec: str,
    task: Task,
    seed: int,
    settings: SupervisedSettings,
    folder: Path,
    tell: Callable[[int, list[Row]], None] = lambda updates, curve: None,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train one network on one task, or go on where an earlier call stopped.

    Args:
        spec: A row of the zoo, a width allowed, or the reader's own extractor.
        task: What to learn.
        seed: Of initial weights and batches.
        settings: How.
        folder: Of this run; made if missing. What lies there belongs to the same run.
        tell: Is told after every update how many there were, and the curve.
        stop: Is asked after every update whether to write a checkpoint and leave.

    Raises:
        Stopped: If it was asked to.
        BadInput: If there is no such row, or the checkpoint is damaged or of another run.
        FloatingPointError: If the loss is no number any more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = _Kept(spec, task, seed, settings)
    done = kept.load(folder)
    targets = torch.from_numpy(task.parts["train"].targets)
    # Channels last, as networks want them: once for all, and not in every batch.
    pictures = torch.from_numpy(task.parts["train"].observations).permute(0, 2, 3, 1).contiguous()
    batches = Batches(len(targets), settings.batch_size, seed)
    kept.network.train()
    saves = range(0, settings.updates, settings.save_every)
    for update in range(done, settings.updates):
        if kept.arrived:
            break
        for group in kept.adam.param_groups:
            group["lr"] = settings.rate(update)
        chosen = torch.from_numpy(batches[update])
        observations = pictures.index_select(0, chosen).permute(0, 3, 1, 2)
        loss = task.loss(kept.network(observations), targets[chosen])
        descend(loss, kept.network, kept.adam, settings.max_grad_norm)
        kept.loss_sum += loss.detach()
        if (update + 1) % settings.look_every == 0:
            kept.look(update + 1)
        tell(update + 1, kept.curve)
        stopping = stop()
        last = kept.arrived or update + 1 == settings.updates
        if stopping or last or update + 1 in saves:
            kept.save(folder, update + 1)
        if stopping:
            raise Stopped
    return kept.finish(folder)


class Stopped(Exception):  # noqa: N818  (a wish, not an error)
    """The run was asked to stop and has written its checkpoint."""


def outputs_of(network: Network, observations: Observations) -> Outputs:
    """Return what a network says of each input."""
    with torch.inference_mode():
        parts = [network(part) for part in torch.split(torch.from_numpy(observations), CHUNK)]
    made: Outputs = torch.cat(parts).float().numpy()
    return made


class _Kept(Checkpoint):
    """What a run has made so far, and how good it is.

    Attributes:
        task: What is learnt.
        settings: How.
        silent: Whether the network was at the last look; see `analysis.descent.is_silent`.
    """

    def __init__(self, spec: str, task: Task, seed: int, settings: SupervisedSettings) -> None:
        self.task, self.settings = task, settings
        network = build(spec, seed, task.outputs)
        facts = {
            "extractor": spec,
            "task": task.name,
            "game": task.game,
            "condition": task.condition,
            "seed": seed,
            "settings": settings.facts(),
            "fingerprint": protocol(task, settings),
        }
        super().__init__(network, adam_of(network, settings.learning_rate), facts)
        self.silent = False

    @property
    def arrived(self) -> bool:
        """Whether training ends here: the loss is where it was to, or nothing more can come."""
        goal = self.settings.stop_at_loss
        return self.silent or (
            goal is not None and bool(self.curve) and self.curve[-1]["loss"] <= goal
        )

    def load(self, folder: Path) -> int:
        """Take up the checkpoint in the folder, as it was when it was written."""
        done = super().load(folder)
        if self.curve and self.curve[-1]["update"] == done:
            self.silent = self._is_silent()
        return done

    def judge(self, part: Part) -> Judged:
        return self.task.judge(outputs_of(self.network, self.task.parts[part].observations), part)

    def look(self, update: int) -> None:
        """Add a point to the curve; keep the weights if they are the best so far."""
        loss = float(self.loss_sum) / self.settings.look_every
        self.loss_sum.zero_()
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} at update {update}")
        judged = self.judge("validation")
        # Of equals the latest: a skill may be at its best on these scenes before it is elsewhere.
        if all(judged.skill >= row["skill"] for row in self.curve):
            self.best = copied(self.network)
        self.curve.append({"update": update, "loss": loss, "skill": judged.skill, **judged.beside})
        self.silent = self._is_silent()

    def _is_silent(self) -> bool:
        return is_silent(self.network, self.adam, self.task.parts["train"].observations)

    def finish(self, folder: Path) -> Trained:
        """Judge the last weights, and the best ones where they count; write those that do."""
        last = self.judge("test").skill
        if self.settings.stop_at_loss is None:
            self.network.load_state_dict(self.best)
        self.network.eval()
        gain = late_gain([row["skill"] for row in self.curve], self.settings.looks)
        save_weights(self.network, folder / "network.safetensors")
        return Trained(
            self.network,
            self.curve,
            self.judge("test"),
            last,
            gain,
            self.silent,
            self.facts["fingerprint"],
        )
