"""Which agents stand in the report's explorer, and what it says where there are none."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from small_explorers import small_maps

from reporting.gather import Gathered, Run
from reporting.palette import KINDS, SECONDS
from reporting.sections.explorer import explorer


def run(folder: Path, row: str, seed: int, steps: int, study: str = "fast") -> Run:
    """One agent whose maps are those of random weights."""
    directory = folder / study / row / f"seed{seed}" / "evaluation"
    directory.mkdir(parents=True)
    maps = small_maps("gap@0.25").drop(columns="map")
    maps.attrs["row"] = row
    maps.to_parquet(directory / "explorer.parquet")
    return Run(
        source=directory.parent.as_posix(), study=study, game="pong", row=row, seed=seed,
        steps=steps, finished=True, settings={}, training="abc", commit="", versions={}, curve=(),
        folder=directory,
    )  # fmt: skip


def gathered(*runs: Run) -> Gathered:
    return Gathered(runs, (), pd.DataFrame())


def test_one_of_each_row_and_all_kinds_first(tmp_path: Path) -> None:
    made = explorer(
        gathered(
            run(tmp_path, "nature", 1, 300),
            run(tmp_path, "nature", 0, 300),
            run(tmp_path, "nature", 2, 100),
            run(tmp_path, "extra_stride", 0, 300),
            run(tmp_path, "half_max", 0, 300),
            run(tmp_path, "half_avg", 0, 300),
            run(tmp_path, "gap", 3, 300, "<study>"),
        )
    ).body
    names = [part.split("</h3>")[0].replace("<wbr>", "") for part in made.split("<h3>")[1:]]
    assert names == [
        "pong/nature/seed0",
        "pong/extra_stride/seed0",
        "pong/half_max/seed0",
        "pong/gap/seed3",
    ]
    assert "&lt;study&gt;: 300 agent steps" in made
    colours = [part[:7] for part in made.split('data-network role="group" style="--colour: ')[1:]]
    kinds = [KINDS[name].colour for name in ("none", "local", "global")]
    assert colours == [kinds[0], SECONDS[0], *kinds[1:]]
    assert "Measured but not shown here, for want of room: pong/half_avg/seed0." in made


def test_without_any_it_says_how() -> None:
    made = explorer(gathered()).body
    words = (".venv/bin/python", "evaluate.py", "runs/fast", "--measures", "explorer")
    assert " ".join(f"<span>{word}</span>" for word in words) in made
    assert "data-explorer" not in made
