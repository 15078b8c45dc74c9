"""Everything that a report shows, read from run directories and `results/` into tidy tables.

Nothing here knows a server. What cannot be read is an error that names the file; what is not there
is a table without lines.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from agents.checkpoints import read_json
from analysis import beside
from analysis.measurements import Measurement, locate
from analysis.tasks.tuning import TUNING_SEEDS
from commandline import BadInput
from reporting.commands import AGENTS
from reporting.palette import LABELS, kind_of
from reporting.runs import IDENTITY, UNKNOWN, Run, identity, open_directory, open_published


@dataclass(frozen=True)
class Gathered:
    """What was found.

    Attributes:
        runs: Agents, each once: of a run directory and its published row the directory.
        trained: Networks trained without a game: one line each, with their curves.
        measurements: Numbers that claims can use, with kind, source and commit.
        raw: The same measurements as objects.
    """

    runs: tuple[Run, ...]
    trained: tuple[Mapping[str, Any], ...]
    measurements: pd.DataFrame
    raw: tuple[Measurement, ...] = field(repr=False, default=())

    @cached_property
    def judged(self) -> tuple[Run, ...]:
        """The agents that a result may use: none whose seed only chose a learning rate."""
        return tuple(run for run in self.runs if run.seed not in TUNING_SEEDS)

    @cached_property
    def verdicts(self) -> list[dict[str, Any]]:
        """What `evaluate.py --claims --json` prints."""
        return beside.verdicts(self.raw)

    @cached_property
    def agents(self) -> tuple[str, ...]:
        """Where the run directories lie: their nearest common folder, for a command on all."""
        folders = [run.source for run in self.runs if run.folder]
        try:
            common = os.path.commonpath(folders)
        except ValueError:  # none, or some from the root and some from here
            return tuple(folders) or AGENTS
        return tuple(folders) if common in ("", os.sep) else (common,)

    def having(self, name: str) -> list[Run]:
        """Return the agents of which a measure was taken.

        Args:
            name: A key of `analysis.battery.INSTRUMENTS`.
        """
        return [r for r in self.judged if r.folder and (r.folder / f"{name}.parquet").exists()]

    def table(
        self,
        name: str,
        columns: Sequence[str],
        keep: Mapping[str, object],
        runs: Sequence[Run] | None = None,
        perhaps: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return one measure of every agent that has it, with the agent's columns behind it.

        Args:
            name: A key of `analysis.battery.INSTRUMENTS`.
            columns: Those of the measure's table.
            keep: Values that lines must have, by column; a collection means any of them.
            runs: Those agents only.
            perhaps: Further columns, which tables written before there were any of them lack: NaN.

        Raises:
            BadInput: If a table cannot be read.
        """
        parts = []
        for run in self.having(name) if runs is None else runs:
            assert run.folder is not None, "has the measure, so has a folder"
            file = run.folder / f"{name}.parquet"
            try:
                whole = pd.read_parquet(file, columns=None if perhaps else [*columns])
                found = whole[[*columns]].join(whole.reindex(columns=[*perhaps]))
            except (OSError, ValueError, KeyError) as error:
                raise BadInput(f"{file}: expected a table of {name}, got {error}") from None
            for column, value in keep.items():
                wanted = list(value) if isinstance(value, list | tuple | set) else [value]
                found = found[found[column].isin(wanted)]
            found = found.copy()
            for column, value in identity(run).items():
                found[column] = value
            parts.append(found)
        if not parts:
            return pd.DataFrame(columns=[*columns, *perhaps, *IDENTITY])
        return pd.concat(parts, ignore_index=True)


def gather(folders: Iterable[Path], results: Path) -> Gathered:
    """Read run directories and published rows.

    Args:
        folders: Run directories.
        results: Where published rows lie; need not exist.

    Raises:
        BadInput: Naming the first file that cannot be read.
    """
    directories = [open_directory(folder) for folder in folders]
    runs = {run.key: run for run in directories}
    for file in sorted(results.glob("runs/**/seed*.json")):
        run = open_published(file)
        runs.setdefault(run.key, run)
    trained = tuple(_trained(results))
    published = [results] if results.exists() else []
    inside = [run.folder for run in directories if run.folder and run.folder.exists()]
    located = locate([*published, *inside])
    commits = {run.folder: run.commit for run in directories if run.folder}
    return Gathered(
        runs=tuple(sorted(runs.values(), key=lambda r: (r.game, r.row, r.seed, r.source))),
        trained=trained,
        measurements=_measurements(located, commits, committed(results)),
        raw=tuple(m for m, _ in located),
    )


def _trained(results: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of networks trained without a game."""
    for file in sorted(results.glob("supervised/**/*.json")):
        if file.name.startswith("measurements"):
            continue
        row = read_json(file)
        if missing := sorted({"stage", "task", "game", "row", "seed", "curve"} - set(row)):
            raise BadInput(f"{file}: expected the row of a training, found no {missing[0]}")
        yield {**row, "source": file.as_posix(), "commit": str(row.get("commit") or UNKNOWN)}


def _measurements(
    located: Sequence[tuple[Measurement, Path]],
    commits: Mapping[Path, str],
    published: Mapping[Path, str],
) -> pd.DataFrame:
    """Return every measurement with kind, file, and the commit that made it."""
    made: dict[Path, str] = {}
    kinds = {row: kind_of(row) for row in {m.row for m, _ in located}}
    records: list[dict[str, object]] = []
    for m, file in located:
        if file not in made:
            own = commits.get(file.parent) or _made_by(file)
            made[file] = own or published.get(file.resolve(), UNKNOWN)
        kind = kinds[m.row]
        records.append(
            vars(m)
            | {"pooling_kind": kind, "pooling": LABELS[kind]}
            | {"commit": m.commit or made[file], "source": file.as_posix()}
        )
    columns = [*Measurement.__dataclass_fields__, "pooling_kind", "pooling", "source"]
    return pd.DataFrame(records, columns=columns)


def _made_by(file: Path) -> str | None:
    """Return the commit in the row beside a file of measurements, if there is such a row."""
    row = file.with_name(file.name.removeprefix("measurements-"))
    if row == file or not row.exists():
        return None
    commit = read_json(row).get("commit")
    return str(commit) if commit else None


def committed(folder: Path) -> dict[Path, str]:
    """Return by file the last commit that touched it, with a word that says that it is that one.

    The first rows of random weights and of the game itself do not name the code that made them; the
    commit that published them is what there is. Empty where there is no git.
    """
    if not folder.exists():
        return {}
    command = ["git", "-C", str(folder), "log", "--relative", "--name-only", "--format=commit %h"]
    try:
        log = subprocess.run(
            [*command, "-z", "--", "."], capture_output=True, text=True, check=True, timeout=60
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[Path, str] = {}
    commit = ""
    for word in log.replace("\n", "\0").split("\0"):
        if word.startswith("commit "):
            commit = word.removeprefix("commit ")
        elif word:
            found.setdefault((folder / word).resolve(), f"published in {commit}")
    return found


def plain(value: object) -> str:
    """Return a value of a protocol as JSON has it, for people."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
