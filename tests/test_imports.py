"""One import direction: each room may import what stands to its left, nothing to its right."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "commandline": set(),
    "envs": {"commandline"},
    "agents": {"commandline"},  # agents and envs do not know each other
    "analysis": {"commandline", "envs", "agents"},
    "reporting": {"commandline", "envs", "agents", "analysis"},
    "studies": {"commandline", "envs", "agents", "analysis", "reporting"},
    "train": {"commandline", "envs", "agents", "analysis", "reporting", "studies"},
    "evaluate": {"commandline", "envs", "agents", "analysis", "reporting", "studies"},
    "benchmarks": {"commandline", "envs", "agents", "analysis", "reporting", "studies", "train"},
}
WITHIN = {
    "analysis": {
        "pictures": set(),
        "probing": {"pictures"},
        "measures": {"pictures", "probing"},
        "worth": {"pictures", "probing", "measures", "verdicts"},
        "tasks": {"pictures", "probing", "measures", "verdicts", "worth"},
        "verdicts": set(),
    },
    "studies": {
        "running": set(),
        "measuring": {"running"},
        "launching": {"running"},
        "networks": {"running"},
    },
}
"""Packages of a room; the modules beside them are what they share, or put them together."""

ENTRY_POINTS = {ROOT / "studies" / "demo.py"}
"""Calls the two commands as a user would, so it stands to their right."""


def modules(path: Path) -> set[str]:
    """Return the dotted names of what a file imports, its `from` imports both ways."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imported(path: Path) -> set[str]:
    return {name.split(".")[0] for name in modules(path)} & set(MAY_IMPORT)


def files(room: str) -> list[Path]:
    found = [ROOT / f"{room}.py"] if (ROOT / f"{room}.py").exists() else []
    return found + sorted((ROOT / room).glob("**/*.py"))


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_point_one_way(room: str) -> None:
    assert files(room)
    for path in files(room):
        if path not in ENTRY_POINTS:
            wrong = imported(path) - MAY_IMPORT[room] - {room}
            assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


@pytest.mark.parametrize("package", [f"{r}.{p}" for r, within in WITHIN.items() for p in within])
def test_so_do_those_within_a_room(package: str) -> None:
    room, name = package.split(".")
    paths = sorted((ROOT / room / name).glob("*.py"))
    assert paths
    for path in paths:
        parts = {n.split(".")[1] for n in modules(path) if n.startswith(f"{room}.")}
        wrong = parts & set(WITHIN[room]) - WITHIN[room][name] - {name}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


@pytest.mark.parametrize("room", WITHIN)
def test_every_package_within_a_room_has_its_place(room: str) -> None:
    found = {p.parent.name for p in (ROOT / room).glob("*/__init__.py")}
    assert found == set(WITHIN[room])


def test_a_wrong_import_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text("def f():\n    from studies.running.run import train\n    import envs.games\n")
    assert imported(path) == {"studies", "envs"}


def test_no_file_is_called_after_nothing() -> None:
    for room in MAY_IMPORT:
        assert not {p.stem for p in files(room)} & {"utils", "common", "helpers", "misc"}
