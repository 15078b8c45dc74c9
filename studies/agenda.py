"""What of a study is left to do: runs that are not finished, or have not got their rows yet."""

from __future__ import annotations

import shlex
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from agents import tuned
from commandline import BadInput, counted, typed
from studies.launch import Outcome, launch
from studies.measuring.scored_run import train_and_score
from studies.publish import Publisher, is_published
from studies.running.directory import RunSpec, State, state
from studies.running.worker import Options, train_run
from studies.tunings import tuning_study

NOWHERE = Path("none")
"""What to type behind --results for no rows at all."""


def rows_folder(asked: Path | None, *, study: bool) -> Path | None:
    """Return the folder of published rows, `None` where rows are neither read nor written.

    Args:
        asked: What stood behind --results, if anything did.
        study: Whether a study file was given.

    Raises:
        BadInput: If it is a file.
    """
    if asked is None:
        return Path("results") if study else None
    if asked.is_file():
        raise BadInput(f"--results: expected a folder or none, got a file: {asked}")
    return None if asked == NOWHERE else asked


@dataclass(frozen=True)
class Agenda:
    """Runs, and what is to be done with each.

    Attributes:
        specs: All of them, in order.
        results: The folder of published rows, `None` where rows do not count.
        states: By title, of those that have no row.
    """

    specs: Sequence[RunSpec]
    results: Path | None
    states: Mapping[str, State]

    @classmethod
    def of(cls, specs: Sequence[RunSpec], results: Path | None) -> Agenda:
        """Find out how far each run is.

        Raises:
            BadInput: If a directory or a row belongs to a run with other settings, or the learning
                rate of a run to be trained is being chosen.
        """
        rest = [s for s in specs if results is None or not is_published(s, results)]
        agenda = cls(specs, results, {spec.title: state(spec) for spec in rest})
        for spec in agenda.to_train:
            if spec.rate_from == "open":
                raise BadInput(
                    f"--extractor: {spec.extractor}: expected a row whose learning rate for "
                    f"{spec.game} is chosen, got one that is being tuned ({tuned.FOLDER}); finish "
                    "that (python -m studies.tune says how), or, without --study, give "
                    "--learning-rate"
                )
        return agenda

    @property
    def todo(self) -> list[RunSpec]:
        """Runs to be trained, and finished ones that were killed before their final score."""
        if self.results is not None:
            return [s for s in self.specs if s.title in self.states]
        return [s for s in self.specs if self.states[s.title] is not State.FINISHED]

    @property
    def to_train(self) -> list[RunSpec]:
        """Those of them that are not finished."""
        return [s for s in self.todo if self.states[s.title] is not State.FINISHED]

    def tell(self, console: Console) -> None:
        """Say what is skipped and what goes on; clear away what finished runs no longer need."""
        if published := len(self.specs) - len(self.states):
            which = f"{counted(published, 'run')} of {len(self.specs)}"
            console.print(f"{which} published in {self.results} before: skipped")
        for spec in self.specs:
            found = self.states.get(spec.title)
            if found is State.FINISHED and self.results is None:
                console.print(f"{spec.title}: finished before, skipped ({spec.directory})")
            elif found is State.FINISHED:
                console.print(f"{spec.title}: finished before; scored and published now")
            elif found is State.INTERRUPTED:
                console.print(f"{spec.title}: goes on from its last checkpoint")
            if found is State.FINISHED:
                # It may have been killed between its last file and this.
                shutil.rmtree(spec.directory / "checkpoint", ignore_errors=True)
        if chosen := sum(spec.rate_from == "tuned" for spec in self.to_train):
            of = f"{counted(chosen, 'run')} of {len(self.to_train)} (results/tuning)"
            console.print(f"learning rates: tuned for {of}")
        untuned = [tuning_study(s) for s in self.to_train if s.rate_from == "preset"]
        for study, runs in Counter(filter(None, untuned)).items():
            told = f"{counted(runs, 'run')} of {len(self.to_train)} at the preset's, not tuned"
            console.print(f"learning rates: {told}; {study} chooses one for each row")

    def do(self, options: Options, console: Console, **more: Any) -> Outcome:
        """Train what is to be trained and, where rows count, score it and publish its row.

        Args:
            options: What all runs share.
            console: Where progress is drawn.
            more: For `studies.launch.launch`.
        """
        if self.results is None:
            return launch(self.todo, train_run, options, console, **more)
        publisher = Publisher(self.results)
        outcome = launch(self.todo, train_and_score, options, console, done=publisher, **more)
        return replace(outcome, failed=(*outcome.failed, *publisher.failed))

    @property
    def ending(self) -> str:
        """What to say when nothing is left."""
        runs = "the run" if len(self.specs) == 1 else f"all {len(self.specs)} runs"
        if self.results is not None:
            return f"{runs}: published in {self.results}"
        where = list(dict.fromkeys(str(spec.root / spec.study) for spec in self.specs))
        return f"{runs}: finished, in {shlex.join(where)}; next: {typed('evaluate.py', *where)}"
