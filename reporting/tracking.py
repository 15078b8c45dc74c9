"""Where numbers go while an agent trains: `metrics.jsonl` first, W&B after it.

The file is the truth; W&B gets the same rows, each once, in the same order.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter

from commandline import BadInput
from reporting.wandb_run import WandbRun


@dataclass(frozen=True)
class Mark:
    """A place in `metrics.jsonl`: how many bytes lie before it, and their SHA-256."""

    size: int
    sha256: str

    @classmethod
    def parse(cls, content: object) -> Mark:
        """Read `vars(mark)` back.

        Raises:
            BadInput: If it is nothing of the kind.
        """
        given = content if isinstance(content, Mapping) else {}
        size, digest = given.get("size"), given.get("sha256")
        good = isinstance(size, int) and not isinstance(size, bool) and size >= 0
        if good and isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest):
            assert isinstance(size, int)
            return cls(size, digest)
        raise BadInput(f"expected a place in metrics.jsonl, got {str(content)[:80]}")


class MetricsWriter(KVWriter):
    """Appends one JSON object a row to `metrics.jsonl`, then hands the row to W&B.

    Every row has `global_step`, in agent steps. A number that is not finite becomes `null`: JSON
    has no word for it.

    W&B numbers the rows it is given. A run resumed online has some of them already, and gets the
    others only; a run resumed offline is written anew, so it gets all of them.

    Args:
        path: The file; rows are appended.
        run: A W&B run, or `None`.
        kept: The rows that the file already has.
        hold: Whether W&B gets a row only when a checkpoint stands behind it (`release`): what was
            sent to a server cannot be taken back when a killed run goes back to its checkpoint.
    """

    def __init__(
        self,
        path: Path,
        run: WandbRun | None,
        kept: Sequence[Mapping[str, Any]] = (),
        *,
        hold: bool = False,
    ) -> None:
        self._path, self._file = path, path.open("a", encoding="utf-8")
        self._run, self._hold = run, hold
        self._known = run.step if run is not None else 0
        self._counted = 0
        self._held: list[Mapping[str, Any]] = list(kept)
        self.release()

    def write(
        self,
        key_values: dict[str, Any],
        key_excluded: dict[str, tuple[str, ...]],
        step: int = 0,
    ) -> None:
        """Write a row; called by SB3's logger with what was recorded since the last one."""
        self.row(step, key_values)

    def row(self, step: int, values: Mapping[str, Any]) -> None:
        """Write a row at agent step `step`."""
        row = {"global_step": step, **{k: _plain(v) for k, v in values.items()}}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        self._held.append(row)
        if not self._hold:
            self.release()

    def attach(self, values: Mapping[str, Any]) -> None:
        """Hand W&B something that is no row of `metrics.jsonl`: a video, say."""
        self._held.append(values)
        self.release()

    def mark(self) -> Mark:
        """Make sure that the rows are on the disk, and return where they end."""
        self._file.flush()
        os.fsync(self._file.fileno())
        content = self._path.read_bytes()
        return Mark(len(content), hashlib.sha256(content).hexdigest())

    def release(self) -> None:
        """Hand to W&B the rows that it has not got yet."""
        for row in self._held:
            if self._run is not None and self._counted >= self._known:
                self._run.log(dict(row))
            self._counted += 1
        self._held = []

    def close(self) -> None:
        """Close the file; W&B is finished by whoever started it."""
        self._file.close()


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool | int) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else None


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a `metrics.jsonl`.

    Raises:
        BadInput: If a line is not a JSON object with a `global_step`; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: expected a metrics file, got {error}") from None
    lines = text.removesuffix("\n").split("\n") if text else []
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            if type(row["global_step"]) is not int:
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            cut = " (the file's end is missing)" if line is lines[-1] and text[-1] != "\n" else ""
            raise BadInput(
                f"{path}:{number}: expected a row with global_step, got {line[:40]!r}{cut}"
            ) from None
        rows.append(row)
    return rows


def rewind(path: Path, mark: Mark | None) -> list[dict[str, Any]]:
    """Cut `metrics.jsonl` back to `mark`, or to nothing; return the rows that stay.

    What lies behind the mark may end in half a row: its writer was killed, or the disk was full.

    Raises:
        BadInput: If what lies before the mark is not what lay there; nothing is cut then.
    """
    content = path.read_bytes() if path.exists() else b""
    if mark is not None and hashlib.sha256(content[: mark.size]).hexdigest() != mark.sha256:
        raise BadInput(
            f"{path}: expected the {mark.size:,} bytes that its checkpoint knows, got "
            f"{len(content):,} bytes that differ; metrics.jsonl was changed"
        )
    with path.open("ab") as file:
        file.truncate(mark.size if mark is not None else 0)
    return read_metrics(path)
