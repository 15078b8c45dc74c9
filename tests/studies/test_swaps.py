"""Swapping weights: both networks under both aggregators, once; other weights are refused."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.checkpoints import save_weights
from analysis.networks import build
from analysis.supervised import SupervisedSettings, outputs_of, protocol
from analysis.tasks import catalogue
from commandline import BadInput
from studies.networks import swaps
from studies.networks.supervised_run import SupervisedRun

SETTINGS = SupervisedSettings()


def at(folder: Path, name: str) -> SupervisedRun:
    where = folder / "runs", folder / "results"
    return SupervisedRun("tuned", "where", "catch", "", name, 3, SETTINGS, *where)


def lay(folder: Path, name: str) -> None:
    """Write row and weights of a network as if it had been trained."""
    task = catalogue.task("where", "catch", "")
    run = at(folder, name)
    network = build(name, run.seed, task.outputs)
    for path in (run.directory, run.published.parent):
        path.mkdir(parents=True)
    save_weights(network, run.directory / "network.safetensors")
    skill = task.judge(outputs_of(network, task.parts["test"].observations), "test").skill
    row = {"settings": asdict(SETTINGS), "fingerprint": protocol(task, SETTINGS), "skill": skill,
           "last_skill": skill, "columns": ["skill"], "curve": [[skill]]}  # fmt: skip
    run.published.write_text(json.dumps(row))


def words(folder: Path, *rows: str) -> list[str]:
    places = ["--out", str(folder / "runs"), "--results", str(folder / "results")]
    return ["--rows", *rows, "--seeds", "3", "--game", "catch", *places]


@pytest.mark.slow
def test_both_networks_under_both_aggregators(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, "gap@0.125")
    lay(tmp_path, "half_max@0.125")
    ask = words(tmp_path, "gap@0.125", "half_max@0.125")
    assert swaps.main(ask) == 0
    folder = tmp_path / "results" / "swaps" / "catch" / "gap@0.125-half_max@0.125"
    content = json.loads((folder / "seed3.json").read_text())
    table = pd.DataFrame(content["table"], columns=content["columns"])
    found = table[(table["metric"] == "r2") & (table["axis"] == "mean")]
    found = found.set_index(["weights", "aggregator", "head"])["value"]
    assert len(found) == 2 * 2 * 2
    for weights in ("gap@0.125", "half_max@0.125"):
        kept, lost = found[weights, "half_max@0.125", "mlp"], found[weights, "gap@0.125", "mlp"]
        assert kept > 0.9 > lost, "the same weights, and one aggregator forgets"
    before = (folder / "seed3.json").stat().st_mtime_ns
    capsys.readouterr()
    assert swaps.main(ask) == 0
    assert (folder / "seed3.json").stat().st_mtime_ns == before
    assert capsys.readouterr().out.count("half_max@0") >= 4


def test_what_cannot_be_swapped(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--rows: expected rows of the same weights"):
        swaps.main(words(tmp_path, "gap@0.125", "one_channel@0.125"))
    with pytest.raises(BadInput, match="--rows: expected two rows"):
        swaps.main(words(tmp_path, "gap@0.125", "gap@0.125"))
    run = at(tmp_path, "gap@0.125")
    for path in (run.directory, run.published.parent):
        path.mkdir(parents=True)
    run.published.write_text(json.dumps({"settings": asdict(SETTINGS)}))
    (run.directory / "network.safetensors").touch()
    with pytest.raises(BadInput, match=r"--rows: expected a trained sort@0\.125 of seed 3"):
        swaps.main(words(tmp_path, "gap@0.125", "sort@0.125"))
    assert not (tmp_path / "results" / "swaps").exists()


def test_the_table_is_over_seeds(tmp_path: Path) -> None:
    columns = ["weights", "aggregator", "head", "metric", "axis", "value"]
    files = []
    for seed, value in enumerate((0.5, 0.9, 0.6)):
        files.append(tmp_path / f"seed{seed}.json")
        line = ["a", "b", "mlp", "r2"]
        table = [[*line, "mean", value], [*line, "x", 0.0], ["a", "b", "mlp", "rmse_px", "mean", 9]]
        files[-1].write_text(json.dumps({"columns": columns, "table": table}))
    (found,) = swaps.tables(files).to_dict("records")
    assert (found["median"], found["min"], found["max"], found["count"]) == (0.6, 0.5, 0.9, 3)
    assert np.isfinite(found["median"])
