"""What lies on the disk comes into the tables, each number once and with its origin."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from report_runs import REAL, RESULTS, change, copy

from commandline import BadInput
from reporting.gather import Gathered, committed, gather
from studies.publish import publish

NOWHERE = Path("no-such-folder")


def renamed(folder: Path, row: str) -> None:
    """Give the measurements of a run another row."""
    file = folder / "evaluation" / "measurements.json"
    records = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps([{**r, "row": row} for r in records]), encoding="utf-8")


@cache
def published() -> Gathered:
    """Return what lies in results/."""
    return gather([], RESULTS)


def test_a_run_directory() -> None:
    found = gather([REAL], NOWHERE)
    (run,) = found.runs
    assert (run.name, run.study, run.steps, run.finished) == (
        "pong/nature/seed0", "fast", 300_000, True)  # fmt: skip
    assert (run.commit, run.training) == ("c7bbe37be77b", "a1cc11e5")
    assert run.curve[0] == (0, -21.0, 10)
    assert run.curve[-1] == (300_000, 16.6, 10)
    where = found.measurements.query("measure == 'where_r2'").iloc[0]
    assert where["value"] == pytest.approx(0.9709, abs=1e-4)
    assert (where["commit"], where["pooling"]) == ("c7bbe37be77b", "no pooling")


def test_a_directory_takes_the_place_of_its_published_row() -> None:
    alone, with_results = gather([REAL], NOWHERE), gather([REAL], RESULTS)
    assert [run.source for run in alone.runs] == [run.source for run in with_results.runs]
    (row,) = published().runs
    assert row.source.endswith("results/runs/fast/pong/nature/seed0.json")
    assert row.curve == alone.runs[0].curve
    assert row.scores == alone.runs[0].scores


def test_published_numbers_say_which_commit_made_or_published_them() -> None:
    gathered = published()
    found = gathered.measurements
    random = found[found["regime"] == "untrained"]
    assert len(random) > 1_900
    own = pd.Series([m.commit for m in gathered.raw if m.regime == "untrained"], random.index)
    assert (random["commit"] == own)[own != ""].all()
    assert {0, 1} == {*(own == "").astype(int)}, "older numbers do not say who made them"
    if committed(RESULTS):  # an unpacked archive has no history
        assert random["commit"][own == ""].str.match(r"published in [0-9a-f]{7,}$").all()


def test_nothing_is_there() -> None:
    found = gather([], NOWHERE)
    assert (found.runs, found.trained, len(found.measurements)) == ((), (), 0)
    assert len(found.verdicts) > 40
    assert found.table("probes", ("layer", "value"), {}).empty


def test_an_unfinished_run_is_there_with_its_curve(tmp_path: Path) -> None:
    folder = copy(tmp_path, seed=3)
    (folder / "agent.json").unlink()
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "metrics.jsonl").write_text("".join(lines[:3]), encoding="utf-8")
    (run,) = gather([folder], NOWHERE).runs
    assert (run.finished, run.steps, len(run.curve)) == (False, 50_000, 3)


def test_a_measure_of_several_agents(tmp_path: Path) -> None:
    folders = [copy(tmp_path, row=row, seed=seed) for row in ("nature", "gap") for seed in (0, 1)]
    found = gather(folders, NOWHERE)
    table = found.table("jnd", ("quantity", "axis", "kind", "value"), {"quantity": "jnd_px"})
    assert len(table) == 4 * 6
    assert set(zip(table["row"], table["seed"], strict=True)) == {
        ("nature", 0), ("nature", 1), ("gap", 0), ("gap", 1)}  # fmt: skip
    assert len(found.table("jnd", ("value",), {}, found.runs[:1])) == 84


def test_published_measurements_are_not_taken_for_runs(tmp_path: Path) -> None:
    publish(copy(tmp_path / "runs"), tmp_path / "results")
    assert list((tmp_path / "results").rglob("measurements-seed0.json"))
    found = gather([], tmp_path / "results")
    (run,) = found.runs
    assert run.source.endswith("seed0.json")
    assert set(found.measurements["regime"]) == {"reinforcement"}


def test_two_versions_of_ones_own_file_are_two_networks(tmp_path: Path) -> None:
    folders = [copy(tmp_path, row="my_net.py:MyNet") for _ in range(2)]
    for folder, sha256 in zip(folders, ("ab" * 32, "cd" * 32), strict=True):
        change(folder / "config.json", {"architecture": {"sha256": sha256}})
        renamed(folder, f"my_net.py:MyNet-{sha256[:8]}")
    found = gather(folders, NOWHERE)
    rows = {"my_net.py:MyNet-abababab", "my_net.py:MyNet-cdcdcdcd"}
    assert {run.row for run in found.runs} == set(found.measurements["row"]) == rows


def test_seeds_that_chose_a_learning_rate_are_no_result(tmp_path: Path) -> None:
    folders = [copy(tmp_path, seed=seed) for seed in (0, 100)]
    found = gather(folders, NOWHERE)
    assert [run.seed for run in found.runs] == [0, 100]
    assert [run.seed for run in found.judged] == [0]
    assert set(found.table("jnd", ("value",), {})["seed"]) == {0}


def test_a_point_at_which_all_games_stood_still_is_left_out(tmp_path: Path) -> None:
    folder = copy(tmp_path / "runs")
    path, row = publish(folder, tmp_path / "results")
    row["curve"][1][1:3] = [None, None]
    path.write_text(json.dumps(row), encoding="utf-8")
    (run,) = gather([], tmp_path / "results").runs
    assert len(run.curve) == len(row["curve"]) - 1


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", "{", "config.json: "),
        ("config.json", '{"game": "pong"}', "expected the files of a run"),
        ("metrics.jsonl", "{}\n", "metrics.jsonl:1: expected a row with global_step"),
        ("evaluation/measurements.json", "[{}]", "measurements.json, entry 0: expected"),
        ("evaluation/scores.json", "[", "scores.json"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, file: str, content: str, message: str
) -> None:
    folder = copy(tmp_path)
    (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=message.replace(".", r"\.")) as caught:
        gather([folder], NOWHERE)
    assert "\n" not in str(caught.value)


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    (folder / "evaluation" / "jnd.parquet").write_bytes(b"no parquet")
    with pytest.raises(BadInput, match=r"jnd\.parquet: expected a table of jnd, got"):
        gather([folder], NOWHERE).table("jnd", ("value",), {})


def test_two_numbers_for_one_thing_are_refused(tmp_path: Path) -> None:
    folders = [copy(tmp_path), copy(tmp_path, study="other")]
    numbers = folders[1] / "evaluation" / "measurements.json"
    records = json.loads(numbers.read_text(encoding="utf-8"))
    numbers.write_text(json.dumps([{**r, "value": 0.5} for r in records]), encoding="utf-8")
    with pytest.raises(BadInput, match=r"expected one \w+ of nature, seed 0; got"):
        gather(folders, NOWHERE)


def test_rows_of_trainings_are_read(tmp_path: Path) -> None:
    assert {row["stage"] for row in published().trained} >= {"tuning"}
    file = tmp_path / "supervised" / "tuned" / "where-held" / "pong" / "gap" / "seed0.json"
    file.parent.mkdir(parents=True)
    source = next(RESULTS.glob("supervised/tuning/**/*.json"))
    file.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    change(file, {"stage": "tuned", "commit": "0123456789ab"})
    numbers = [{"measure": "where_r2", "row": "gap@0.5", "seed": 0, "regime": "supervised",
                "game": "pong", "value": 0.5, "condition": "held"}]  # fmt: skip
    file.with_name("measurements-seed0.json").write_text(json.dumps(numbers), encoding="utf-8")
    found = gather([], tmp_path)
    assert [row["stage"] for row in found.trained] == ["tuned"]
    assert list(found.measurements["commit"]) == ["0123456789ab"]
