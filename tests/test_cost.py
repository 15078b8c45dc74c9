"""The cost model: arithmetic by hand, and documents that agree with the rates they rest on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import cost
from benchmarks.cost import PAGE, STUDIES, Cost, Rates, fill, headed, main, sections
from benchmarks.cost_model import Protocol, machine_of, mmac, protocol_of
from commandline import BadInput

RATES = cost.ROOT / "results" / "rates.json"


def rates_file(folder: Path, protocol: Protocol, **seconds: float) -> Path:
    path = folder / "rates.json"
    rates = [
        {"game": protocol[0], "precision": protocol[1], "update_every": protocol[2], "row": row,
         "seconds_a_step": value}
        for row, value in seconds.items()
    ]  # fmt: skip
    path.write_text(json.dumps({"rates": rates}))
    return path


def test_a_study_by_hand(tmp_path: Path) -> None:
    """Demo: nature, half_max, gap; 6,000 steps each, an update every four after the first 1,000."""
    study = STUDIES / "demo.yaml"
    protocol = protocol_of(cost.plan(study)[0])
    rates = Rates.read(rates_file(tmp_path, protocol, nature=0.01, half_max=0.03))
    assert cost.cost(study, rates).seconds is None, "two points are no line"
    rates = Rates.read(rates_file(tmp_path, protocol, nature=0.01, half_max=0.03, gap=0.005))
    found = cost.cost(study, rates)
    assert (found.runs, found.steps, found.updates) == (3, 18_000, 3_750)
    assert found.seconds == pytest.approx(6_000 * 0.045)
    assert found.longest == pytest.approx(180)
    assert found.wall(2) == pytest.approx(180), "no run is split"
    assert found.wall(1) == pytest.approx(270)
    macs = 9.3e6 + 25.3e6 + 7.8e6
    assert found.petaflop == pytest.approx(2 * macs * (6_000 + 4 * 32 * 1_250) / 1e15, rel=0.01)


def test_what_was_not_measured_lies_on_the_line(tmp_path: Path) -> None:
    specs = cost.plan(STUDIES / "blog_pong.yaml")
    protocol = protocol_of(specs[0])
    line = {row: 0.001 + 0.002 * mmac(row) for row in ("nature", "half_max", "gap")}
    rates = Rates.read(rates_file(tmp_path, protocol, **line))
    by_row = {s.extractor: s for s in specs}
    guess = rates.seconds_a_step(by_row["half_avg"])
    assert guess == pytest.approx(0.001 + 0.002 * mmac("half_avg"))
    assert rates.seconds_a_step(by_row["gap_wide"]) is None, "it waits for memory, not arithmetic"
    assert rates.spread[protocol] == pytest.approx(0, abs=1e-9)
    assert rates.seconds_a_step(cost.plan(STUDIES / "catch.yaml")[0]) is None, "another game"


def test_more_machines_cost_as_much_and_take_less() -> None:
    one = Cost("s", 10, 1, 1, {"float32": 1.0}, 36_000.0, 3_600.0, 1, 1, 0)
    assert one.wall(10) == 3_600
    assert one.wall(100) == 3_600
    (_, _, alone) = cost.table([one], 2, 1, 3.0)
    (_, _, many) = cost.table([one], 2, 5, 3.0)
    assert alone.endswith("| 5 h 0 min | 15.00 |")
    assert many.endswith("| 60 min | 15.00 |")


def test_bounds_go_by_arithmetic_and_by_game(tmp_path: Path) -> None:
    """67,000 PFLOP take a million seconds in float32, 67,745 in bfloat16 on an H200."""
    peak = cost.PEAKS["H200"]
    in_float32, in_bfloat16, both = (
        Cost("s", 1, 1, 1, kinds, None, 0.0, 1, 1, 0)
        for kinds in (
            {"float32": 67_000.0},
            {"bfloat16": 67_000.0},
            {"float32": 67_000.0, "bfloat16": 989.0},
        )
    )
    assert cost.at_peak(in_float32, peak) == pytest.approx(1e6)
    assert cost.at_peak(in_bfloat16, peak) == pytest.approx(67_745, abs=1)
    assert cost.at_peak(both, peak) == pytest.approx(1e6 + 1e3)
    rates = Rates.read(rates_file(tmp_path, ("pong", "float32", 1)))
    found = {
        name: cost.cost(STUDIES / f"{name}.yaml", rates)
        for name in ("blog_pong_cpu", "protocol", "catch", "tune_catch_pairs")
    }
    assert found["blog_pong_cpu"].by_precision.keys() == {"bfloat16"}
    assert found["protocol"].by_precision.keys() == {"float32"}
    assert found["protocol"].emulated == found["protocol"].steps
    assert (found["catch"].emulated, found["tune_catch_pairs"].emulated) == (0, 0)
    (*_, last) = cost.bounds_table([found["tune_catch_pairs"]], 16)
    assert last.endswith("| – |")


@pytest.mark.parametrize(
    "other", [{"device": "cuda"}, {"machine": "a card"}, {"device": None}], ids=str
)
def test_rates_of_two_machines_are_not_mixed(tmp_path: Path, other: dict[str, str]) -> None:
    path = rates_file(tmp_path, ("pong", "float32", 1), nature=0.02)
    here = {"device": "cpu", "machine": machine_of("cpu")}
    path.write_text(json.dumps({**json.loads(path.read_text()), **here, **other}))
    before = path.read_bytes()
    with pytest.raises(BadInput, match=r"--rates: expected a file of rates of this machine \(cpu"):
        main(["--measure", str(STUDIES / "demo.yaml"), "--rows", "gap", "--rates", str(path)])
    assert path.read_bytes() == before


def test_what_is_written_is_what_the_rates_say() -> None:
    """`python -m benchmarks.cost --write` mends it."""
    page = PAGE.read_text(encoding="utf-8")
    assert fill(page, sections(RATES)) == page
    rates = Rates.read(RATES)
    for path in STUDIES.glob("*.yaml"):
        assert headed(path, rates) == path.read_text(encoding="utf-8"), path


def test_what_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--price: expected a number of at least 0, got -1"):
        main(["--price", "-1"])
    with pytest.raises(BadInput, match="--workers: expected"):
        main(["--workers", "0"])
    with pytest.raises(BadInput, match=r"none.json: expected a JSON file"):
        main(["--rates", str(tmp_path / "none.json")])
    (tmp_path / "rates.json").write_text('{"rates": [{}]}')
    with pytest.raises(BadInput, match="expected measured rates"):
        main(["--rates", str(tmp_path / "rates.json")])
