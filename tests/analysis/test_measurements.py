"""Measurements on disk: written and read in both formats, and refused in one line."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from analysis.measurements import Measurement, collect, load, save
from commandline import BadInput

ONE = Measurement("score", "half_max", 3, "reinforcement", "catch", 0.5, "", 40_000, "ab12")
NEVER = Measurement("jnd_px", "gap@0.5", 0, "supervised", "pong", math.inf, "held", 20_000)


@pytest.mark.parametrize("suffix", ["json", "parquet"])
def test_what_is_saved_is_read_again(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / "run" / "evaluation" / f"measurements.{suffix}"
    save([ONE, NEVER], file)
    assert load(file) == [ONE, NEVER]
    assert collect([tmp_path]) == [ONE, NEVER]


def test_json_is_strict(tmp_path: Path) -> None:
    file = tmp_path / "measurements.json"
    save([NEVER], file)
    assert '"value": "inf"' in file.read_text()
    json.loads(file.read_text(), parse_constant=pytest.fail)


def test_files_are_found_at_any_depth_and_counted_once(tmp_path: Path) -> None:
    for i, run in enumerate(("a", "b/c")):
        save([replace(ONE, seed=i)], tmp_path / run / f"measurements-{i}.json")
    (tmp_path / "scores.json").write_text("{}")
    assert [m.seed for m in collect([tmp_path, tmp_path / "a"])] == [0, 1]
    assert [m.seed for m in collect([tmp_path / "a" / "measurements-0.json"])] == [0]


def test_two_numbers_for_one_thing_are_refused(tmp_path: Path) -> None:
    save([ONE], tmp_path / "a" / "measurements.json")
    save([ONE], tmp_path / "b" / "measurements.json")
    assert collect([tmp_path]) == [ONE]
    save([replace(ONE, value=0.6)], tmp_path / "b" / "measurements.json")
    with pytest.raises(BadInput, match=r"b/measurements.json: .*seed 3; got 0.6, and 0.5"):
        collect([tmp_path])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measure": "scroe"}, "measure: .*got 'scroe'; did you mean 'score'"),
        ({"row": "half_mxa"}, "row: .*did you mean 'half_max'"),
        ({"regime": "rl"}, "regime: expected one of untrained"),
        ({"game": "pogn"}, "did you mean 'pong'"),
        ({"seed": -1}, "seed and budget from 0 on"),
        ({"value": "nan"}, "score: expected a finite number, got nan"),
        ({"value": "inf"}, "score: expected a finite number, got inf"),
        ({"value": "high"}, "could not convert"),
        ({"extra": 1}, "wrong: extra"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    file = tmp_path / "measurements.json"
    file.write_text(json.dumps([asdict(ONE), asdict(ONE) | change]))
    with pytest.raises(BadInput, match=f"entry 1.*{message}"):
        load(file)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="gone: expected a run directory"):
        collect([tmp_path / "gone"])
    for content in ("{", "{}"):
        (tmp_path / "measurements.json").write_text(content)
        with pytest.raises(BadInput, match=r"measurements.json: expected"):
            collect([tmp_path])
    (tmp_path / "measurements.json").write_text('[{"row": "gap"}]')
    with pytest.raises(BadInput, match="wrong: game, measure, regime, seed, value"):
        collect([tmp_path])
