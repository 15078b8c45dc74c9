"""One network to be trained without a game: what it is, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agents import extractors
from analysis.supervised import SupervisedSettings
from analysis.tasks import catalogue
from analysis.tasks.tuning import TUNING_UPDATES

Stage = Literal["tuning", "tuned", "common"]


@dataclass(frozen=True)
class SupervisedRun:
    """One network to be trained on one task.

    Attributes:
        stage: What for.
        task: A key of `analysis.tasks.catalogue.TASKS`.
        game: Whose pictures.
        condition: Of the task.
        row: Of the zoo, a width allowed.
        seed: Of weights and batches.
        settings: How it is trained.
        root: The folder of all runs.
        results: The folder of published rows.
    """

    stage: Stage
    task: str
    game: str
    condition: str
    row: str
    seed: int
    settings: SupervisedSettings
    root: Path
    results: Path

    @property
    def place(self) -> Path:
        """Where it lies, below `root` and below `results`."""
        what = f"{self.task}-{self.condition}" if self.condition else self.task
        name, usual = f"seed{self.seed}", SupervisedSettings.updates
        if self.stage == "tuning":
            name, usual = f"rate{self.settings.learning_rate:g}-{name}", TUNING_UPDATES
        if self.settings.updates != usual:
            name = f"updates{self.settings.updates}-{name}"
        row = extractors.directory_name(self.row)
        return Path("supervised", self.stage, what, self.game, row, name)

    @property
    def network(self) -> str:
        """The row that is trained: the condition may say something about the network."""
        return catalogue.TASKS[self.task].network(self.row, self.condition)

    @property
    def title(self) -> str:
        """What it is called while it is at work."""
        return "/".join(self.place.parts[1:])

    @property
    def directory(self) -> Path:
        """Where its checkpoint lies while it is at work."""
        return self.root / self.place

    @property
    def published(self) -> Path:
        """Its row."""
        return self.results / self.place.parent / f"{self.place.name}.json"

    @property
    def measurements(self) -> Path:
        """What claims can use of it; of a run at the common rate, which decides none, the same."""
        name = self.place.name
        named = f"measurements-{name}.json" if self.stage == "tuned" else f"readings-{name}.parquet"
        return self.results / self.place.parent / named

    @property
    def probes(self) -> Path:
        """What probes find in its features, and in the controls."""
        return self.results / self.place.parent / f"probes-{self.place.name}.parquet"

    @property
    def length(self) -> int:
        """Updates."""
        return self.settings.updates
