"""No code of ours loads a pickle, but for the importer that has to be told to."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("agents", "analysis", "benchmarks", "envs", "reporting", "studies")
FILES = [*ROOT.glob("*.py"), *(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))]
IMPORTER = ROOT / "studies" / "import_zip.py"
EXPORTER = ROOT / "studies" / "export_zip.py"

MODULES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
CALLS = {"torch.load", "np.load", "numpy.load", "pd.read_pickle", "DQN.load", "yaml.load",
         "yaml.unsafe_load", "load_from_zip_file", "load_from_pkl"}  # fmt: skip


def offences(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(str(node.module))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
            said = {k.arg: ast.unparse(k.value) for k in node.keywords}
            if said.get("allow_pickle") != "False":
                found.append(ast.unparse(node.func))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_loads_a_pickle(path: Path) -> None:
    allowed = {IMPORTER: ["DQN.load"], EXPORTER: ["cloudpickle"]}
    assert offences(path) == allowed.get(path, [])


def test_an_offence_is_seen(tmp_path: Path) -> None:
    bad = "import pickle\nfrom joblib import load\nnp.load(x)\nnp.load(x, allow_pickle=False)\n"
    (tmp_path / "x.py").write_text(bad)
    assert offences(tmp_path / "x.py") == ["pickle", "joblib", "np.load"]
