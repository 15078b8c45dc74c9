"""Study files: W&B sweep grids, read without W&B.

The same file serves `wandb sweep` with `wandb agent`, and `python train.py --study`. A study is a
whole grid: methods that draw their points leave holes, and holes cannot be compared.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from commandline import BadInput, choose

Value = str | int | float

PARAMETERS: Mapping[str, type] = MappingProxyType(
    {
        "game": str,
        "extractor": str,
        "seed": int,
        "preset": str,
        "study_name": str,
        "steps": int,
        "learning_rate": float,
        "update_every": int,
        "replay_size": int,
        "replay_compression": str,
        "precision": str,
        "checkpoint_every": int,
        "eval_every": int,
        "eval_games": int,
        "readout_every": int,
    }
)
"""What a study may set: options of train.py that shape a run. How many run at a time, where and on
which device is the machine's business."""

PROGRAM = "train.py"
"""Whose options a study sets."""

IGNORED = ("name", "description", "project", "entity", "metric")
"""What only W&B reads."""

KEYS = ("program", "command", *IGNORED, "method", "parameters")
"""What a study file may have."""

IN_THE_PATH = ("game", "extractor", "seed", "study_name")
"""Parameters by which run directories differ anyway."""

PLACEHOLDER = re.compile(r"\{(\w+)\}")
"""A setting in a study's name, as in `tune_catch-rate{learning_rate}`."""

MOST_RUNS = 100_000

MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Grid:
    """A study.

    Attributes:
        path: The file.
        points: One for each run: what it sets, by option of train.py; seeds in rounds, so that a
            study that is stopped has as many whole rounds as possible.
    """

    path: Path
    points: tuple[Mapping[str, Value], ...]


def read(path: Path) -> Grid:
    """Return the study in a file.

    Raises:
        BadInput: If it cannot be read, is no grid, or sets what no run has.
    """
    content = _load(path)
    if "method" not in content:
        raise BadInput(f"{path}: expected method: grid, got no method")
    if content["method"] != "grid":
        raise BadInput(
            f"{path}: method: expected grid, got {str(content['method'])[:40]!r}; a study compares "
            "all rows at all seeds, and a search that draws its points leaves some out"
        )
    for key in content:
        if key not in KEYS:
            raise BadInput(
                f"{path}: expected {', '.join(KEYS)}; got "
                f"{str(key)[:40]!r}, which would end runs early or leave some out"
            )
    _check_program(path, content)
    axes = _axes(path, content.get("parameters"))
    varied = [name for name, v in axes.items() if len(v) > 1 and name not in IN_THE_PATH]
    axes.setdefault("study_name", (path.stem + "".join(f"-{n}{{{n}}}" for n in varied),))
    runs = 1
    for values in axes.values():
        runs *= len(values)
    if runs > MOST_RUNS:
        raise BadInput(f"{path}: expected at most {MOST_RUNS:,} runs, got {runs:,}")
    for given in axes["study_name"]:
        for name in varied:
            if name not in PLACEHOLDER.findall(str(given)):
                raise BadInput(
                    f"{path}: parameters: study_name: expected {{{name}}} in it, because {name} "
                    f"has {len(axes[name])} values whose runs need folders of their own; got "
                    f"{_shown(given)}"
                )
    # The seed varies slowest.
    names = sorted(axes, key=lambda name: name != "seed")
    cross = itertools.product(*(axes[name] for name in names))
    return Grid(path, tuple(dict(zip(names, point, strict=True)) for point in cross))


def folder_name(study_name: str, settings: Mapping[str, Value | None]) -> str:
    """Return the folder of a study: its name, with the settings that it names in braces put in.

    A setting that a study varies so becomes part of the path, whoever calls: `wandb agent` hands
    over one point at a time and cannot say what the others are.

    Args:
        study_name: Such as `tune_catch-rate{learning_rate}`.
        settings: What may be named.

    Raises:
        BadInput: If it names something else, or is not the name of one folder.
    """

    def put_in(match: re.Match[str]) -> str:
        value = settings[choose("--study-name", match[1], settings)]
        return f"{value:g}" if isinstance(value, float) else str(value)

    name = PLACEHOLDER.sub(put_in, study_name)
    if name in (".", "..") or "/" in name or "\0" in name or not name.strip():
        raise BadInput(f"--study-name: expected the name of one folder, got {name!r}")
    return name


def _load(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path}: expected a study file, got {path.stat().st_size:,} bytes")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadInput(f"--study: expected a file, cannot read {path}: {why}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise BadInput(f"{path}: expected YAML, got {why or type(error).__name__}") from None
    if not isinstance(content, dict):
        raise BadInput(f"{path}: expected a W&B sweep, got a {type(content).__name__}")
    return content


def _check_program(path: Path, content: Mapping[str, Any]) -> None:
    """Raise `BadInput` if an agent of W&B would run something else than `--study` does."""
    program = content.get("program", PROGRAM)
    if not isinstance(program, str) or Path(program).name != PROGRAM:
        raise BadInput(f"{path}: program: expected {PROGRAM}, got {_shown(program)}")
    command = content.get("command", [])
    if not isinstance(command, list):
        raise BadInput(f"{path}: command: expected a list of words, got {_shown(command)}")
    for word in command:
        option = str(word).removeprefix("--").split("=")[0].replace("-", "_")
        if str(word).startswith("--") and option in PARAMETERS:
            raise BadInput(
                f"{path}: command: expected what shapes a run under parameters:, got {_shown(word)}"
            )


def _axes(path: Path, parameters: object) -> dict[str, Sequence[Value]]:
    if not isinstance(parameters, dict) or not parameters:
        raise BadInput(f"{path}: parameters: expected options of train.py, got none")
    axes: dict[str, Sequence[Value]] = {}
    for given, setting in parameters.items():
        name = str(given).replace("-", "_")
        choose(f"{path}: parameters", name, PARAMETERS, "python train.py --help")
        if name in axes:
            raise BadInput(f"{path}: parameters: {name}: expected once, got twice")
        if not isinstance(setting, dict) or set(setting) not in ({"value"}, {"values"}):
            raise BadInput(
                f"{path}: parameters: {name}: expected value: or values:, got {_shown(setting)}"
            )
        values = setting["values"] if "values" in setting else [setting["value"]]
        if not isinstance(values, list) or not values:
            raise BadInput(f"{path}: parameters: {name}: expected a list, got {_shown(values)}")
        axes[name] = tuple(dict.fromkeys(_value(path, name, v) for v in values))
    return axes


def _value(path: Path, name: str, value: object) -> Value:
    kind = PARAMETERS[name]
    if kind is float and isinstance(value, str):
        # YAML 1.1 reads 1e-4 as a word, because it has no point.
        with contextlib.suppress(ValueError):
            value = float(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadInput(f"{path}: parameters: {name}: expected {kind.__name__}, got {_shown(value)}")
    assert isinstance(value, str | int | float)
    return value


def _shown(value: object) -> str:
    return repr(value)[:80]
