"""Where a study stands: every run's state, read from directories, locks and rows; nothing written.

When it will end follows from how fast its runs went so far, on the machine they ran on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from agents import architectures, geometry, ownfile, resume
from agents.checkpoints import read_json
from commandline import BadInput
from studies.publish import is_published, place
from studies.running import lock
from studies.running.directory import ERROR, RunSpec, State, state
from studies.running.preflight import until_all_done

How = Literal["done", "running", "failed", "killed", "stopped", "waiting"]
"""`killed` and `stopped` runs go on from their last checkpoint when the same command is given."""


@dataclass(frozen=True)
class Standing:
    """Where one run stands.

    Attributes:
        spec: The run.
        how: Its state.
        step: Agent steps behind it; of a run that is not at work, those of its last checkpoint.
        why: Why it failed or stands still; empty if nothing is wrong.
        seconds_a_step: Measured, evaluations and checkpoints included; `None` if nothing was.
    """

    spec: RunSpec
    how: How
    step: int = 0
    why: str = ""
    seconds_a_step: float | None = None

    @property
    def left(self) -> int:
        """Agent steps still to be made."""
        return 0 if self.how == "done" else max(0, self.spec.length - self.step)


@dataclass(frozen=True)
class Forecast:
    """When a study will end.

    Attributes:
        at_a_time: Runs at work together.
        seconds: From now on; `None` if nothing has been measured yet.
        guessed: Rows of which nothing was measured; their speed is scaled by multiply-adds.
    """

    at_a_time: int
    seconds: float | None
    guessed: tuple[str, ...]


def standings(specs: Sequence[RunSpec], results: Path | None) -> list[Standing]:
    """Return where each run stands, in the order given.

    Args:
        specs: The runs of a study.
        results: The folder of published rows, `None` where rows do not count. A row that cannot be
            read or belongs to another run is a failure of its run.
    """
    return [_standing(spec, results) for spec in specs]


def _standing(spec: RunSpec, results: Path | None) -> Standing:
    try:
        published = results is not None and is_published(spec, results)
    except BadInput as error:
        return Standing(spec, "failed", 0, str(error))
    if results is not None and published:
        row = read_json(place(spec, results))
        seconds, steps = row.get("seconds"), row.get("steps_done")
        known = isinstance(seconds, int | float) and isinstance(steps, int) and seconds and steps
        rate = float(seconds) / steps if known and seconds and steps else None
        return Standing(spec, "done", spec.length, seconds_a_step=rate)
    folder = spec.directory
    rows = _rows_so_far(folder / "metrics.jsonl")
    step, rate = max((r["global_step"] for r in rows), default=0), _seconds_a_step(rows)
    if lock.held(folder):
        return Standing(spec, "running", step, seconds_a_step=rate)
    try:
        found = state(spec)
    except BadInput as error:
        return Standing(spec, "failed", 0, str(error))
    if found is State.FINISHED and results is None:
        return Standing(spec, "done", spec.length, seconds_a_step=rate)
    saved = {State.FINISHED: spec.length, State.INTERRUPTED: _last_checkpoint(folder)}
    standing = Standing(spec, "stopped", saved.get(found, 0), seconds_a_step=rate)
    if (folder / ERROR).exists():
        return replace(standing, how="failed", why=_last_line(folder / ERROR))
    if found is State.FINISHED:
        return replace(standing, why="trained; its final score and its row are missing")
    if (folder / lock.NAME).exists():  # whoever leaves by himself takes it along
        return replace(standing, how="killed", why="its process was killed")
    return replace(standing, how="waiting") if found is State.ABSENT else standing


def _rows_so_far(path: Path) -> list[dict[str, Any]]:
    """Return the whole rows of a `metrics.jsonl` that somebody may be writing."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    rows = []
    for line in text.rpartition("\n")[0].splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break  # train.py will say what is wrong with it
        if isinstance(row, dict) and isinstance(row.get("global_step"), int):
            rows.append(row)
    return rows


RECENT = 50
"""Rows from which a run's speed is taken: what the machine had to do an hour ago is over."""


def _seconds_a_step(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the seconds a step took lately, while the agent learned or, failing that, before."""
    spans = []
    before = 0
    for row in rows:
        seconds = row.get("time/seconds")
        if isinstance(seconds, int | float) and row["global_step"] > before:
            learns = bool(row.get("train/updates"))
            spans.append((learns, row["global_step"] - before, float(seconds)))
        before = max(before, row["global_step"])
    spans = [span for span in spans if span[0]][1:] or spans
    recent = spans[-RECENT:]
    steps = sum(span[1] for span in recent)
    return sum(span[2] for span in recent) / steps if steps else None


def _last_checkpoint(folder: Path) -> int:
    return max(resume.steps_saved(folder / "checkpoint"), default=0)


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError as error:
        return str(error)
    return lines[-1] if lines else "nobody knows why"


def forecast(found: Sequence[Standing], workers: int) -> Forecast:
    """Return when the study will end, if it goes on as it went.

    Each run that is not at work is taken up, in order, by whoever is free first.

    Args:
        found: Where the runs stand.
        workers: Runs at a time, where none is at work now.
    """
    running = [s for s in found if s.how == "running"]
    at_a_time = len(running) or workers
    rates = _rates(found)
    waiting = [s for s in found if s.how not in ("done", "running")]
    guessed, seconds = [], []
    for standing in (*running, *waiting):
        row = (standing.spec.game, standing.spec.extractor)
        rate = standing.seconds_a_step or rates.get(row)
        if rate is None:
            rate = _scaled(row, rates)
            if rate is None:
                return Forecast(at_a_time, None, ())
            guessed.append("/".join(row))
        seconds.append(standing.left * rate)
    lasts = until_all_done(seconds, at_a_time)
    return Forecast(at_a_time, lasts, tuple(dict.fromkeys(guessed)))


Row = tuple[str, str]
"""Game and extractor."""


def _rates(found: Iterable[Standing]) -> dict[Row, float]:
    """Return the mean seconds a step of each row of which something was measured."""
    by_row: dict[Row, list[float]] = defaultdict(list)
    for standing in found:
        if standing.seconds_a_step is not None:
            by_row[standing.spec.game, standing.spec.extractor].append(standing.seconds_a_step)
    return {row: sum(rates) / len(rates) for row, rates in by_row.items()}


def _scaled(row: Row, rates: Mapping[Row, float]) -> float | None:
    """Return a guess at a row's seconds a step: those of the game's others, by multiply-adds."""
    others = {other: rate for other, rate in rates.items() if other[0] == row[0]}
    macs = _macs(row[1])
    known = [(rate, _macs(other[1])) for other, rate in others.items()]
    scaled = [rate * macs / there for rate, there in known if macs and there]
    guesses = scaled or list(others.values())
    return sum(guesses) / len(guesses) if guesses else None


def _macs(extractor: str) -> int | None:
    """Return the multiply-adds of a row; `None` of a reader's own network."""
    if ownfile.is_own(extractor):
        return None
    return geometry.ledger(architectures.find(extractor)).macs


def to_json(found: Sequence[Standing], coming: Forecast) -> dict[str, Any]:
    """Return what `--status --json` prints."""
    return {
        "runs": [
            {
                "run": s.spec.title,
                "study": s.spec.study,
                "game": s.spec.game,
                "extractor": s.spec.label,
                "seed": s.spec.seed,
                "state": s.how,
                "step": s.step,
                "steps": s.spec.length,
                "steps_per_second": 1 / s.seconds_a_step if s.seconds_a_step else None,
                "why": s.why,
                "directory": str(s.spec.directory),
            }
            for s in found
        ],
        "counts": counts(found),
        "steps_left": sum(s.left for s in found),
        "at_a_time": coming.at_a_time,
        "seconds_left": coming.seconds,
        "guessed": list(coming.guessed),
    }


def counts(found: Iterable[Standing]) -> dict[How, int]:
    """Return how many runs are in each state."""
    states: tuple[How, ...] = ("done", "running", "stopped", "killed", "failed", "waiting")
    each = [s.how for s in found]
    return {how: each.count(how) for how in states}
