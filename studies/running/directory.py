"""The run directory: which run lies where, and what state it is in.

`runs/<study>/<game>/<extractor>/seed<k>/` holds everything there is to know about a run; whoever
has the directory has the run.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import Any

from agents import extractors, ownfile, resume
from agents.checkpoints import read_json
from agents.settings import Settings, as_dict, fingerprint, training_protocol
from agents.tuned import Source
from commandline import BadInput
from studies.running import lock

FORMAT = 1
"""Version of the layout of `config.json`."""

PACKAGES = ("ale-py", "gymnasium", "numpy", "stable-baselines3", "torch", "wandb")
"""Packages whose versions a run remembers."""


@dataclass(frozen=True)
class RunSpec:
    """One run, before it has begun.

    Attributes:
        study: The comparison it belongs to.
        game: A name in `envs.games.GAMES`.
        extractor: What `agents.extractors` accepts.
        seed: The integer from which every generator is derived.
        settings: Hyperparameters.
        root: The folder of all studies.
        rate_from: Where the learning rate among the settings comes from.
    """

    study: str
    game: str
    extractor: str
    seed: int
    settings: Settings
    root: Path
    rate_from: Source = "given"

    @property
    def directory(self) -> Path:
        """Where the run lies."""
        row = extractors.directory_name(self.extractor)
        return self.root / self.study / self.game / row / f"seed{self.seed}"

    @property
    def label(self) -> str:
        """The extractor as `config.json` names it: where on a disk a file lay says nothing."""
        if not ownfile.is_own(self.extractor):
            return self.extractor
        own = ownfile.load(self.extractor)
        return f"{own.path.name}:{own.class_name}"

    @property
    def name(self) -> str:
        """What people call the run: `pong/half_max/seed3`."""
        return f"{self.game}/{extractors.directory_name(self.extractor)}/seed{self.seed}"

    @property
    def title(self) -> str:
        """The same with the study, since several can be at work: `fast/pong/half_max/seed3`."""
        return f"{self.study}/{self.name}"

    @property
    def length(self) -> int:
        """Agent steps."""
        return self.settings.steps


ERROR = "error.txt"
"""In a run directory: why the run failed, the last line in short; gone when it is tried again."""

BEFORE_CONFIG = {lock.NAME, "config.json.tmp", ERROR}
"""What may lie in the directory of a run that ended before its first file."""


class State(Enum):
    """How far a run directory is."""

    ABSENT = "not begun"
    STARTED = "begun, no checkpoint"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


def identity(spec: RunSpec) -> dict[str, Any]:
    """Return what makes the run this run: with any of it changed it is another one."""
    settings = as_dict(spec.settings)
    if spec.rate_from == "open":  # what lies there may have been trained at any rate
        del settings["learning_rate"]
    return {
        "format": FORMAT,
        "game": spec.game,
        "extractor": spec.label,
        "seed": spec.seed,
        "settings": settings,
    }


def config(spec: RunSpec) -> dict[str, Any]:
    """Return the content of `config.json`."""
    protocol = training_protocol(spec.settings)
    return {
        **identity(spec),
        "study": spec.study,
        "learning_rate_from": spec.rate_from,
        "architecture": extractors.describe(spec.extractor),
        "training_protocol": protocol,
        "training_fingerprint": fingerprint(protocol),
        "versions": versions(),
        "commit": commit(),
    }


def state(spec: RunSpec) -> State:
    """Return how far the run is.

    Raises:
        BadInput: If its directory holds a run with other settings, or something else.
    """
    folder = spec.directory
    # A run that was killed at once has left no more than this.
    if not folder.exists() or {p.name for p in folder.iterdir()} <= BEFORE_CONFIG:
        return State.ABSENT
    if not (folder / "config.json").exists():
        raise BadInput(f"--out: {folder} exists and holds no run; choose another folder")
    odd = differences(read_json(folder / "config.json"), identity(spec))
    if odd:
        raise BadInput(
            f"--out: {folder} holds a run with other settings ({'; '.join(odd)}); "
            "choose another --out or --study-name"
        )
    if (folder / "agent.json").exists():
        return State.FINISHED
    return State.INTERRUPTED if resume.exists(folder / "checkpoint") else State.STARTED


def reached(spec: RunSpec) -> int:
    """Return the agent steps from which a run goes on."""
    if state(spec) is State.FINISHED:
        return spec.length
    return max(resume.steps_saved(spec.directory / "checkpoint"), default=0)


YOUNG = {"readout_every"}
"""Settings that change nothing in what is learnt, and that the oldest runs do not have."""


def differences(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return a phrase for each thing that is not what was asked for."""
    found: list[str] = []
    for key, value in wanted.items():
        if key == "settings" and isinstance(there.get(key), dict):
            # Runs begun before there was a read-out go on; it has no say in what they learn.
            young = YOUNG - there[key].keys()
            asked = {name: setting for name, setting in value.items() if name not in young}
            found += differences(there[key], asked)
        elif there.get(key) != value:
            found.append(f"{key}: {there.get(key)} there, {value} asked for")
    return found


OWN_SOURCE = "extractor.py"
"""In a run directory: the file that was named behind `--extractor`, as it was."""


def spec_of(folder: Path, config: dict[str, Any]) -> str:
    """Return the extractor's spec of the run in `folder`, for `agents.extractors`.

    Raises:
        BadInput: If its source is not the one that the run was trained with.
    """
    label = str(config["extractor"])
    if not ownfile.is_own(label):
        return label
    spec = f"{folder / OWN_SOURCE}:{label.rpartition(':')[2]}"
    if ownfile.load(spec).sha256 != config["architecture"]["sha256"]:
        raise BadInput(f"{folder / OWN_SOURCE}: expected the source the run was trained with")
    return spec


def make_root(root: Path, option: str = "--out") -> None:
    """Make the folder of all studies, or of published rows, if it is not there.

    Raises:
        BadInput: If it cannot be made or written to; nothing has been made then.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"{option}: expected a folder that can be made, got {root}: {error}"
        ) from None
    if not os.access(root, os.W_OK | os.X_OK):
        raise BadInput(f"{option}: expected a folder that can be written to, got {root}")


def find_runs(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield every run directory at or below the paths, each once, in order.

    Raises:
        BadInput: If a path does not exist or no run lies there.
    """
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise BadInput(f"{path}: expected a run directory or a folder of them, got nothing")
        configs = sorted(path.rglob("config.json"))
        below = [p.parent for p in configs if "wandb" not in p.relative_to(path).parts]
        if not below:
            raise BadInput(f"{path}: expected a run directory (with config.json) here or below")
        for folder in below:
            if folder.resolve() not in seen:
                seen.add(folder.resolve())
                yield folder


def versions() -> dict[str, str | None]:
    """Return the versions of Python and the packages that shape a result."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def commit() -> str | None:
    """Return the commit of this code, with `+` behind it if files differ; `None` if unknown."""
    here = Path(__file__).resolve().parents[2]
    try:
        head = _git(here, "rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git(here, "status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):  # no git, no repository, a slow disk
        return None


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()
