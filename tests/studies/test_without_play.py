"""evaluate.py with networks that never played, and with an agent: from words to numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import evaluate
import train
from analysis.measurements import collect, load

ROWS = ["nature@0.125", "dense_circular_gap@0.125"]


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert evaluate.main(list(words)) == 0
    return capsys.readouterr().out


def test_from_words_to_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catch, real data, small networks; what is there is not done again."""
    monkeypatch.chdir(tmp_path)
    untrained = ["--untrained", "--game", "catch", "--rows", *ROWS, "--seeds", "0", "1"]
    assert "untrained/catch/share0: finished" in said(capsys, *untrained)
    found = collect([tmp_path / "results"])
    assert {m.regime for m in found} == {"untrained"}
    assert {(m.row, m.seed) for m in found if m.measure == "where_r2"} == {
        (row, seed) for row in ROWS for seed in (0, 1)
    }
    checks = {m.measure: m.value for m in found if m.seed == 0}
    assert checks["corner_dq"] == 0
    assert abs(checks["blank_r2"]) <= 0.05
    assert checks["erased_r2"] <= 0.02
    assert checks["equivariance_at_stride"] >= 0.999
    assert len({m.fingerprint for m in found if m.measure == "where_r2"}) == 1
    before = {path: path.stat().st_mtime_ns for path in Path("results").rglob("*.json")}
    assert "finished" not in said(capsys, *untrained)
    said(capsys, *untrained, "2")
    after = {path: path.stat().st_mtime_ns for path in Path("results").rglob("*.json")}
    pixels = Path("results/untrained/catch/raw_pixels/measurements.json")
    assert after[pixels] == before[pixels]
    nature = load(Path("results/untrained/catch", ROWS[0], "measurements.json"))
    assert {m.seed for m in nature} == {0, 1, 2}

    words = ["--game", "catch", "--extractor", "gap@0.125", "--preset", "demo", "--steps", "1200"]
    looks = ["--eval-every", "400", "--checkpoint-every", "400", "--wandb", "disabled"]
    assert train.main([*words, *looks]) == 0
    told = said(capsys, "runs/demo", "--games", "4", "--measures", "shifts,receptive,bits")
    assert "bits: not of gap in catch, left out" in told
    folder = tmp_path / "runs" / "demo" / "catch" / "gap@0.125" / "seed0" / "evaluation"
    assert {"shifts.parquet", "receptive.parquet"} <= {p.name for p in folder.iterdir()}
    assert len(pd.read_parquet(folder / "shifts.parquet")) > 5
    measured = {m.measure: m for m in load(folder / "measurements.json")}
    assert set(measured) == {"score", "score_gain", "q_shift", "action_kappa"}
    assert {(m.row, m.regime, m.budget) for m in measured.values()} == {
        ("gap@0.125", "reinforcement", 1200)
    }
    again = said(capsys, "runs/demo", "--games", "4", "--measures", "shifts")
    assert "shifts: measured before" in again
    claims = json.loads(said(capsys, "runs/demo", "--claims", "--json"))
    assert {"id", "claim", "regime", "verdict", "effect", "interval", "seeds", "needs"} <= set(
        claims[0]
    )
    assert {c["verdict"] for c in claims if c["regime"] == "reinforcement"} == {"not measured"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--untrained"], "--rows: expected rows of the zoo"),
        (["--untrained", "--rows", "natur"], "did you mean 'nature'"),
        (["--untrained", "--rows", "nature", "--seeds", "-1"], "--seeds: expected"),
        (["--untrained", "--rows", "nature", "--game", "chess"], "--game: expected one of pong"),
        (["--untrained", "--claims"], "expected one of them at a time, got --claims and --untra"),
        (["--potential-reward", "--game", "catch"], "--game: expected pong or breakout"),
        (["--supervised", "reward", "--rows", "gap", "--game", "catch"], "--game: expected one of"),
        (["--supervised", "where", "--rows", "gap", "--updates", "7"], "--updates: expected a mul"),
        (["--supervised", "where", "--rows", "gap", "--workers", "0"], "--workers: expected"),
        (["runs", "--measures", "probe"], "did you mean 'probes'"),
    ],
)  # fmt: skip
def test_one_line_and_nothing_written(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(evaluate.BadInput) as error:
        evaluate.main(words)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
