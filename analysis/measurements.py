"""Measurements: one number for one row, seed, regime and game; and how they are found on disk.

Whoever measures writes `measurements*.json` or `measurements*.parquet`, anywhere below a run
directory or `results/`, with `save`; whoever judges reads them with `collect`. Scenes, places and
games are averaged before a number comes here: the unit is the seed.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import pandas as pd

from agents import architectures, ownfile
from agents.checkpoints import write_bytes
from analysis.verdicts.rules import Regime
from commandline import BadInput, choose
from envs.games import GAMES


@dataclass(frozen=True)
class Measure:
    """What a number of this name is.

    Attributes:
        meaning: In words, with the unit and the range.
        endless: Whether it may be infinite: something that was never reached.
    """

    meaning: str
    endless: bool = False


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        # supervised WHERE
        "where_r2": Measure("R² of the ball's place on unseen scenes, mean of x and y; to 1"),
        "where_gain": Measure("gain of where_r2 in the last quarter of the updates"),
        "jnd_px": Measure("JND on the last features, geometric mean of x and y; screen px", True),
        "updates_to_4px": Measure("updates until the RMSE is 4 screen px or less", True),
        "place_bits": Measure("cross-fitted bits of the ball's 8 × 8 place cell, nature's weights"),
        "place_rmse_px": Measure(
            "RMSE of a probe of place behind the pool named, same weights; px"
        ),
        "coarse_r2": Measure("MLP probe R² of the ball's coarse cell, last features; to 1"),
        "phase_r2": Measure("MLP probe R² of the stride phase (sin, cos 2πx/8); to 1"),
        # supervised potential reward
        "reward_share": Measure("explainable share of the potential reward; to 1"),
        "reward_gain": Measure("gain of reward_share in the last quarter of the updates"),
        "reward_shift": Measure("RMS change over SD of the output, input shifted 1–4 px"),
        # WHAT
        "what_skill": Measure("accuracy above chance over 1 − chance; 0 chance, 1 perfect"),
        "what_gain": Measure("gain of what_skill in the last quarter of the updates"),
        "what_shift": Measure("RMS change over SD of the outputs, input shifted 1–4 px"),
        "what_over_flat": Measure(
            "what_skill over that of the flat map projected to as many", True
        ),
        "test_error": Measure("error on what was held out, at equal training loss; above 0"),
        # counting
        "presence_auc": Measure("AUC of whether there is an object; .5 to 1"),
        "count_r2": Measure("R² of how many objects, 1 to 4; to 1"),
        "count_place_r2": Measure("R² of the objects' place in the same scenes; to 1"),
        "count_gain": Measure("largest gain in R² in the last quarter of the updates"),
        # reinforcement
        "score": Measure("(curve area − random) / (N − random); 0 random, 1 the reference"),
        "score_gain": Measure("gain of the score in the last quarter of the agent steps"),
        "q_shift": Measure("RMS |ΔQ| over SD Q, input shifted by 1 px"),
        "action_kappa": Measure("κ of the effective actions before and after shifts of 1–4 px"),
        # no network, or none that is trained
        "place_share": Measure("1 − Var E[G | all but place] / Var E[G | state], noise-corrected"),
        "place_share_alone": Measure("Var E[G | place] / Var E[G | state], noise-corrected"),
        "equivariance": Measure("cosine of ball-only responses, shifts 1–7 px, interior; to 1"),
        "equivariance_at_stride": Measure("the same at multiples of the stride; to 1"),
        # checks of the machinery
        "blank_r2": Measure("probe R² of place on a blank field"),
        "corner_dq": Measure("largest |ΔQ| against nature with nature's weights"),
        "erased_r2": Measure("probe R² of place on frames whose ball was erased"),
    }
)
"""Every measure that a verdict can use, by name."""

REFERENCES: Mapping[str, str] = MappingProxyType(
    {
        "ram_oracle": "a net that reads the RAM instead of the picture",
        "ball_tracker": "the scripted player that reads the RAM",
        "random_player": "the same game played on at random",
        "raw_pixels": "probes on the network's input itself",
    }
)
"""Rows that are no network of the zoo."""


@dataclass(frozen=True)
class Measurement:
    """One number.

    Attributes:
        measure: What was measured, a key of `MEASURES`.
        row: On which row of the zoo (a width allowed), own extractor, or key of `REFERENCES`.
        seed: Of the run or initialisation, 0 or more.
        regime: In which regime.
        game: In which game.
        value: The number; never NaN, and infinite only where the measure may be.
        condition: What else was set, as `held`, `glyph=8,cell=2`; empty if nothing.
        budget: Updates or agent steps behind it; 0 if none.
        fingerprint: Of what has to agree between numbers that are compared: data, protocol,
            training; neither row, seed nor learning rate.
        commit: Of the code that made it, where no file beside it says so; empty if nobody knows.
    """

    measure: str
    row: str
    seed: int
    regime: Regime
    game: str
    value: float
    condition: str = ""
    budget: int = 0
    fingerprint: str = ""
    commit: str = ""

    def __post_init__(self) -> None:
        choose("measure", self.measure, MEASURES, "analysis/measurements.py")
        choose("game", self.game, GAMES)
        if self.row not in REFERENCES and not ownfile.is_own(self.row):
            architectures.find(self.row, "row")
        if self.seed < 0 or self.budget < 0:
            raise BadInput(f"expected seed and budget from 0 on, got {self.seed}, {self.budget}")
        endless = MEASURES[self.measure].endless
        if math.isnan(self.value) or (math.isinf(self.value) and not endless):
            raise BadInput(f"{self.measure}: expected a finite number, got {self.value}")

    @property
    def key(self) -> tuple[str | int, ...]:
        """What it is a number of."""
        return tuple(v for k, v in asdict(self).items() if k not in ("value", "commit"))


def collect(paths: Iterable[Path]) -> list[Measurement]:
    """Return every measurement at or below the paths, each once; see `locate`."""
    return [measurement for measurement, _ in locate(paths)]


def locate(paths: Iterable[Path]) -> list[tuple[Measurement, Path]]:
    """Return every measurement at or below the paths, each once, with its file.

    Raises:
        BadInput: If a path does not exist, a file cannot be read, or two files give two numbers
            for one thing.
    """
    found: dict[tuple[str | int, ...], tuple[Measurement, Path]] = {}
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise BadInput(f"{path}: expected a run directory or a folder of them, got nothing")
        files = [path] if path.is_file() else sorted(path.rglob("measurements*.*"))
        for file in files:
            if file.suffix not in (".json", ".parquet") or file.resolve() in seen:
                continue
            seen.add(file.resolve())
            for measurement in load(file):
                before, where = found.setdefault(measurement.key, (measurement, file))
                if before.value != measurement.value:
                    raise BadInput(
                        f"{file}: expected one {measurement.measure} of {measurement.row}, seed "
                        f"{measurement.seed}; got {measurement.value:g}, and {before.value:g} in "
                        f"{where}"
                    )
    return list(found.values())


def load(file: Path) -> list[Measurement]:
    """Return the measurements of one JSON or parquet file.

    Raises:
        BadInput: Naming the file and what is wrong with it.
    """
    try:
        if file.suffix == ".parquet":
            records = pd.read_parquet(file).to_dict("records")
        else:
            records = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{file}: expected measurements, cannot be read: {error}") from None
    if not isinstance(records, list):
        raise BadInput(f"{file}: expected a list of measurements, got {type(records).__name__}")
    return [_measurement(record, f"{file}, entry {i}") for i, record in enumerate(records)]


def _measurement(record: Any, where: str) -> Measurement:
    names = {f.name for f in fields(Measurement)}
    needed = {"measure", "row", "seed", "regime", "game", "value"}
    given = set(record) if isinstance(record, dict) else set()
    if wrong := sorted(given - names) + sorted(needed - given):
        raise BadInput(f"{where}: expected {', '.join(sorted(names))}; wrong: {', '.join(wrong)}")
    kinds = {"seed": int, "budget": int, "value": float}
    try:
        choose("regime", str(record["regime"]), get_args(Regime))
        return Measurement(**{str(k): kinds.get(str(k), str)(v) for k, v in record.items()})
    except (TypeError, ValueError) as error:
        raise BadInput(f"{where}: {error}") from None


def save(measurements: Sequence[Measurement], file: Path) -> None:
    """Write measurements as JSON (`Infinity` as the word `inf`) or parquet, by the suffix.

    A reader sees the old file or the new one, never half of one.
    """
    records = [asdict(m) for m in measurements]
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.tmp")
    if file.suffix == ".parquet":
        pd.DataFrame(records, columns=[f.name for f in fields(Measurement)]).to_parquet(beside)
    else:
        write_bytes(beside, _as_json(records).encode())
    os.replace(beside, file)


def _as_json(records: Sequence[dict[str, Any]]) -> str:
    for record in records:
        if math.isinf(record["value"]):
            record["value"] = str(record["value"])
        if not record["commit"]:
            del record["commit"]
    lines = ",\n  ".join(json.dumps(r, ensure_ascii=False, allow_nan=False) for r in records)
    return f"[\n  {lines}\n]\n"
