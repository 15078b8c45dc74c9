"""Arrays that are built once, kept under a hash of everything that shaped them, and checked.

Two files a set: `<name>-<key>.npz`, compressed, without pickle, and `<name>-<key>.json` with the
settings, the versions, what was counted, and the archive's SHA-256. A set whose files do not agree
is built again, and that is said.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
Facts = dict[str, Any]

CACHE = Path("runs") / "datasets"
"""Where sets are kept unless told otherwise, relative to where the command is run."""

ROOT = Path(__file__).resolve().parent.parent

PACKAGES = ("ale-py", "numpy", "opencv-python-headless")
"""Libraries that have a say in the pixels."""


def say(line: str) -> None:
    """Tell whoever is watching; standard output stays free for results."""
    print(line, file=sys.stderr)


def shaped_by(settings: Any, code: tuple[str, ...]) -> Facts:
    """List everything that shapes a set.

    Args:
        settings: A dataclass instance.
        code: Files whose content matters, relative to the project: patterns are allowed.

    Raises:
        FileNotFoundError: If one of them names nothing: then the key would not notice a change.
    """
    digest = hashlib.sha256()
    files = {pattern: list(ROOT.glob(pattern)) for pattern in code}
    if missing := [pattern for pattern, found in files.items() if not found]:
        raise FileNotFoundError(f"no such code: {', '.join(missing)}")
    for path in sorted(chain.from_iterable(files.values())):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return {
        "settings": {"kind": type(settings).__name__, **asdict(settings)},
        "code": digest.hexdigest(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def key_of(shape: Mapping[str, Any]) -> str:
    """Hash that list: sixteen hexadecimal digits."""
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:16]


def cached(
    name: str,
    shape: Mapping[str, Any],
    build: Callable[[], tuple[Arrays, Facts]],
    folder: Path = CACHE,
    tell: Callable[[str], None] = say,
) -> tuple[Arrays, Facts]:
    """Load a set, or build and keep it.

    Args:
        name: A readable beginning for the files' names.
        shape: From `shaped_by`.
        build: Makes the arrays and what is worth knowing about them (JSON).
        folder: Where the files are.
        tell: Is told when a damaged set is built again.
    """
    stem = f"{name}-{key_of(shape)}"
    archive, card = folder / f"{stem}.npz", folder / f"{stem}.json"
    if archive.exists() or card.exists():
        try:
            return _load(archive, card, shape)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as damage:
            tell(f"{archive}: damaged ({damage}); building it again")
    arrays, facts = build()
    _save(archive, card, shape, arrays, facts)
    return arrays, facts


def _save(
    archive: Path, card: Path, shape: Mapping[str, Any], arrays: Arrays, facts: Facts
) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    halfway = archive.with_suffix(f".{secrets.token_hex(4)}.tmp")
    with halfway.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    checksum = _sha256(halfway)
    halfway.replace(archive)
    text = json.dumps({**shape, "sha256": checksum, "facts": facts}, indent=1, sort_keys=True)
    halfway.write_text(text + "\n")
    halfway.replace(card)


def _load(archive: Path, card: Path, shape: Mapping[str, Any]) -> tuple[Arrays, Facts]:
    known = json.loads(card.read_text())
    if {name: known[name] for name in shape} != json.loads(json.dumps(shape)):
        raise ValueError("its card describes another set")
    if _sha256(archive) != known["sha256"]:
        raise ValueError("its checksum does not agree")
    with np.load(archive, allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    facts: Facts = known["facts"]
    return arrays, facts


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
