"""The learning rate of each row, as tuning has chosen it; what was not tuned keeps the preset's.

A row that was stuck at every rate was tuned, too: to the preset's. A row whose tuning is not done
has no rate yet; `train.py` refuses to train it, because its runs would have to be thrown away.

`results/tuning/*.json` is the one place where chosen rates stand, written by `python -m
studies.tune`. A rate holds for one game, one row and one way of training: the same row at another
width, or with another replay, was not tuned.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from agents.checkpoints import read_json
from agents.settings import Settings, fingerprint, resolve, training_protocol
from commandline import BadInput, told

FOLDER = Path(__file__).resolve().parent.parent / "results" / "tuning"
"""Where the choices lie."""

Source = Literal["given", "tuned", "preset", "open"]
"""Where a learning rate comes from: whoever typed it or built the run, tuning, or the preset;
`open` is the preset's in the place of one that tuning has not chosen yet."""

Key = tuple[str, str, str]
"""Game, row, training fingerprint."""

Choice = float | Literal["preset", "open"]
"""A rate; the preset's, where the row was stuck at each; or none yet."""


@functools.cache
def table(folder: Path) -> Mapping[Key, Choice]:
    """Return what is known of each row that tuning runs were made of.

    Raises:
        BadInput: If a file cannot be read, or two choose for the same row.
    """
    found: dict[Key, Choice] = {}
    for path in sorted(folder.glob("*.json")):
        content = read_json(path)
        try:
            game, protocol = str(content["game"]), str(content["training_fingerprint"])
            rates: dict[str, Choice] = {str(row): "open" for row in content.get("open", ())}
            rates |= {str(row): "preset" for row in content.get("stuck", ())}
            rates |= {str(row): float(chosen["rate"]) for row, chosen in content["rows"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{path}: expected chosen learning rates, got {told(error)}") from None
        for row, rate in rates.items():
            if isinstance(rate, float) and not (math.isfinite(rate) and rate > 0):
                raise BadInput(f"{path}: {row}: expected a learning rate above 0, got {rate}")
            if (game, row, protocol) in found:
                raise BadInput(f"{path}: {row}: expected one rate for {game}, got two")
            found[game, row, protocol] = rate
    return MappingProxyType(found)


def settings_of(
    preset: str,
    game: str,
    row: str,
    overrides: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> tuple[Settings, Source]:
    """Return the settings of a run, and where its learning rate comes from.

    Args:
        preset: A name in `PRESETS`.
        game: A name in `envs.games.GAMES`.
        row: As `--extractor` names it, with its width.
        overrides: What the user asked for instead; `None` values are left alone.
        folder: Where the choices lie, if not in `FOLDER`.

    Raises:
        BadInput: If the settings do not fit together, or a choice cannot be read.
    """
    settings = resolve(preset, game, overrides)
    if overrides and overrides.get("learning_rate") is not None:
        return settings, "given"
    choice = table(folder or FOLDER).get((game, row, fingerprint(training_protocol(settings))))
    if choice is None:
        return settings, "preset"
    if choice == "open":
        return settings, "open"
    return (settings if choice == "preset" else replace(settings, learning_rate=choice)), "tuned"


def reference_score(
    game: str, row: str, protocol: str, steps: int, folder: Path | None = None
) -> float | None:
    """Return how high a row's learning curve lay at the rate that tuning chose.

    `nature`'s tuning seeds at the same budget are what counts as 1 where a game has no such score.

    Args:
        game: A name in `envs.games.GAMES`.
        row: As `--extractor` names it, with its width.
        protocol: The training fingerprint.
        steps: Agent steps of a run.
        folder: Where the choices lie, if not in `FOLDER`.

    Returns:
        Mean height over all agent steps, mean of the tuning seeds, raw score; `None` if the row was
        not tuned this way and at this length.

    Raises:
        BadInput: If a file cannot be read.
    """
    for path in sorted((folder or FOLDER).glob("*.json")):
        content = read_json(path)
        try:
            asked = (content["game"], content["training_fingerprint"], content["steps"])
            chosen = content["rows"].get(row)
            if asked != (game, protocol, steps) or chosen is None:
                continue
            heights = chosen["rates"][f"{chosen['rate']:g}"]["heights"].values()
            return statistics.mean(map(float, heights))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{path}: expected tuned rows, got {told(error)}") from None
    return None
