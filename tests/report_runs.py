"""Run directories for tests of the report.

`reporting/run/` here is a real one, cut down: nature on Pong, seed 0, the `fast` preset in
bfloat16 for 300,000 agent steps, trained at commit c7bbe37be77b and measured with `evaluate.py
--measures`; its row is `results/runs/fast/pong/nature/seed0.json`. What is left of `metrics.jsonl`
are the scheduled evaluations; the weights are not there.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

REAL = Path(__file__).parent / "reporting" / "run"

RESULTS = Path(__file__).resolve().parents[1] / "results"


def copy(root: Path, *, row: str = "nature", seed: int = 0, study: str = "fast",
         **settings: Any) -> Path:  # fmt: skip
    """Copy the real run under another name; its numbers stay what they are."""
    folder = root / f"{len(list(root.glob('*'))):03}" / "seed"
    shutil.copytree(REAL, folder)
    name = {"extractor": row, "seed": seed}
    change(folder / "config.json", {**name, "study": study})
    change(folder / "agent.json", name)
    if settings:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        change(folder / "config.json", {"settings": {**config["settings"], **settings}})
    numbers = folder / "evaluation" / "measurements.json"
    records = json.loads(numbers.read_text(encoding="utf-8"))
    own = [{**r, "row": row, "seed": seed} for r in records if r["measure"] != "place_bits"]
    numbers.write_text(json.dumps(own), encoding="utf-8")
    return folder


def change(file: Path, by: dict[str, Any]) -> None:
    """Change entries of a JSON object in a file."""
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, **by}), encoding="utf-8")
