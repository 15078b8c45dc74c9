"""Which study chooses the learning rate of a run, of the `tune_*.yaml` that lie here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from agents.settings import fingerprint, resolve, training_protocol
from agents.tuned import Key
from studies import grid
from studies.running.directory import RunSpec

FOLDER = Path(__file__).resolve().parent
"""Where the study files lie."""

NOT_SETTINGS = (*grid.IN_THE_PATH, "preset", "learning_rate")
"""What a study sets beside the way of training."""


@cache
def _studies() -> Mapping[Key, str]:
    found: dict[Key, str] = {}
    for path in sorted(FOLDER.glob("tune_*.yaml")):
        for point in grid.read(path).points:
            game, row = str(point["game"]), str(point["extractor"])
            overrides = {name: v for name, v in point.items() if name not in NOT_SETTINGS}
            settings = resolve(str(point["preset"]), game, overrides)
            key = (game, row, fingerprint(training_protocol(settings)))
            found[key] = f"{FOLDER.name}/{path.name}"
    return found


def tuning_study(spec: RunSpec) -> str | None:
    """Return the study that chooses a rate for a run's row, game and way of training, if any."""
    protocol = fingerprint(training_protocol(spec.settings))
    return _studies().get((spec.game, spec.extractor, protocol))
