"""One agent as far as a report is concerned: its run directory, or the row published of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.checkpoints import read_json
from agents.ownfile import versioned
from commandline import BadInput, told
from reporting.palette import LABELS, kind_of
from reporting.tracking import read_metrics

UNKNOWN = "not recorded"
"""A commit that nobody wrote down."""


@dataclass(frozen=True)
class Run:
    """One agent, finished or not: a run directory, or the row that was published of it.

    Attributes:
        source: The directory or file, as it was named.
        study: The comparison it belongs to.
        game: What it plays.
        row: Its extractor.
        seed: Its seed.
        steps: Agent steps done.
        finished: Whether the agent is there.
        settings: As `config.json` has them.
        training: Fingerprint of how it was trained.
        commit: Of the code that trained it.
        versions: Of what it was trained with.
        curve: Agent steps, mean raw score, games a point.
        scores: The content of `scores.json`; `None` if it was not scored.
        folder: Where its measures lie; `None` for a published row.
    """

    source: str
    study: str
    game: str
    row: str
    seed: int
    steps: int
    finished: bool
    settings: Mapping[str, Any]
    training: str
    commit: str
    versions: Mapping[str, Any]
    curve: tuple[tuple[int, float, int], ...]
    scores: Mapping[str, Any] | None = None
    folder: Path | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.game}/{self.row}/seed{self.seed}"

    @property
    def key(self) -> tuple[str, str, str, int, str]:
        """What makes it this run, wherever its files lie."""
        return (self.study, self.game, self.row, self.seed, self.training)


def open_directory(folder: Path) -> Run:
    """Read a run directory, finished or not.

    Raises:
        BadInput: If its files cannot be read or are not those of a run.
    """
    config = read_json(folder / "config.json")
    agent = read_json(folder / "agent.json") if (folder / "agent.json").exists() else None
    metrics = folder / "metrics.jsonl"
    rows = read_metrics(metrics) if metrics.exists() else []
    scores = folder / "evaluation" / "scores.json"
    curve = [
        (int(r["global_step"]), float(r["eval/score_mean"]), int(r.get("eval/games") or 0))
        for r in rows
        if r.get("eval/score_mean") is not None
    ]
    try:
        return Run(
            source=folder.as_posix(),
            study=str(config["study"]),
            game=str(config["game"]),
            row=versioned(
                str(config["extractor"]),
                str(dict(config.get("architecture") or {}).get("sha256") or ""),
            ),
            seed=int(config["seed"]),
            steps=int(agent["steps"])
            if agent
            else max((r["global_step"] for r in rows), default=0),
            finished=agent is not None,
            settings=dict(config["settings"]),
            training=str(config["training_fingerprint"]),
            commit=str(config.get("commit") or UNKNOWN),
            versions=dict(config.get("versions") or {}),
            curve=tuple(curve),
            scores=_scores(read_json(scores)) if scores.exists() else None,
            folder=folder / "evaluation",
        )
    except BadInput:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{folder}: expected the files of a run, got {told(error)}") from None


def _scores(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a run's scores if they have what is shown of them.

    Raises:
        KeyError, TypeError, ValueError: If something lacks, or is of another kind.
    """
    _ = str(content["fingerprint"]), dict(content["protocol"])
    _ = int(content["games"]), int(content["hung"])
    for name in ("mean", "median", "iqm"):
        if content[name] is not None:
            float(content[name])
    return content


def open_published(file: Path) -> Run:
    """Read the row of a run in `results/runs/`.

    Raises:
        BadInput: If it is no such row.
    """
    row = read_json(file)
    try:
        columns = list(row["columns"])
        at = [columns.index(c) for c in ("global_step", "eval/score_mean", "eval/games")]
        points = [[p[i] for i in at] for p in row["curve"]]
        # A point without a mean: all its games stood still.
        curve = [(int(s), float(m), int(n or 0)) for s, m, n in points if m is not None]
        return Run(
            source=file.as_posix(),
            study=str(row["study"]),
            game=str(row["game"]),
            # The folder's name ends with the version of a reader's own file.
            row=versioned(str(row["extractor"]), file.parent.name.rpartition("-")[2]),
            seed=int(row["seed"]),
            steps=int(row["steps_done"]),
            finished=bool(row["finished"]),
            settings=dict(row["settings"]),
            training=str(row["training_fingerprint"]),
            commit=str(row.get("commit") or UNKNOWN),
            versions=dict(row.get("versions") or {}),
            curve=tuple(curve),
            scores=_scores(row["scores"]) if row.get("scores") else None,
        )
    except BadInput:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{file}: expected the row of a run, got {told(error)}") from None


IDENTITY = ("game", "row", "seed", "pooling_kind", "pooling", "study", "budget", "training",
            "commit", "source")  # fmt: skip
"""Columns that say whose a number is."""


def identity(run: Run) -> dict[str, str | int]:
    """Return the values of `IDENTITY` for a run."""
    kind = kind_of(run.row)
    return {
        "game": run.game,
        "row": run.row,
        "seed": run.seed,
        "pooling_kind": kind,
        "pooling": LABELS[kind],
        "study": run.study,
        "budget": run.steps,
        "training": run.training,
        "commit": run.commit,
        "source": run.source,
    }
