"""evaluate.py with networks that never played, and with an agent: from words to numbers."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import evaluate
import train
from analysis.cache import CACHE
from analysis.measurements import Measurement, collect, load, save
from analysis.pictures.frames import Frames
from analysis.probing.probes import pixel_probes
from analysis.probing.read_out import read_out_set
from analysis.readings import Measured
from analysis.supervised import SupervisedSettings
from commandline import BadInput
from studies.networks import remeasure, untrained
from studies.networks.supervised import perform
from studies.networks.supervised_run import SupervisedRun
from studies.running.conductor import Interrupted, Progress
from studies.running.directory import commit
from studies.running.worker import Options

ROWS = ["nature@0.125", "dense_circular_gap@0.125"]


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert evaluate.main(list(words)) == 0
    return capsys.readouterr().out


def test_from_words_to_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catch, real data, small networks: one test, because all of them share sets built once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(untrained, "pixel_probes", of_few_pixels)
    networks_with_random_weights(capsys)
    a_network_trained_without_a_game(tmp_path)
    an_agent(capsys)


def of_few_pixels(frames: Frames, rng: np.random.Generator) -> Measured:
    """The same of a set a twentieth the size: 3,000 inputs take a minute."""
    return pixel_probes(read_out_set(frames.game, CACHE), rng)


def networks_with_random_weights(capsys: pytest.CaptureFixture[str]) -> None:
    """What is there is not measured again; what claims check comes along."""
    words = ["--untrained", "--game", "catch", "--rows", *ROWS, "--seeds", "0"]
    assert "untrained/catch/share0: finished" in said(capsys, *words)
    found = collect([Path("results")])
    assert {m.regime for m in found} == {"untrained"}
    assert {m.commit for m in found} == {commit() or ""}
    rows = [*ROWS, "raw_pixels"]
    assert {(m.row, m.seed) for m in found if m.measure == "where_r2"} == {(r, 0) for r in rows}
    table = pd.read_parquet("results/untrained/catch/raw_pixels/probes.parquet")
    assert {"random map", "shuffled", "place"} <= set(table["target"])
    checks = {m.measure: m.value for m in found}
    assert checks["corner_dq"] == 0
    assert abs(checks["blank_r2"]) <= 0.05
    assert checks["erased_r2"] <= 0.02
    assert checks["equivariance_at_stride"] >= 0.999
    assert len({m.fingerprint for m in found if m.measure == "where_r2"}) == 1
    before = {path: path.stat().st_mtime_ns for path in Path("results").rglob("*.json")}
    assert "finished" not in said(capsys, *words)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    # Published before there were probes of pixels: they are added, though no network is left.
    pixels = Path("results/untrained/catch/raw_pixels/measurements.json")
    whole = load(pixels)
    save([m for m in whole if m.measure == "erased_r2"], pixels)
    assert "catch: the input's own limit" in said(capsys, *words)
    assert load(pixels) == whole
    (left,) = untrained.shares("catch", ROWS, [0, 1], 1, Path("runs"), Path("results"))
    assert left.networks == tuple((row, 1) for row in ROWS)


def a_network_trained_without_a_game(folder: Path) -> None:
    """Stopped on the way and begun again; the row has the whole curve, claims can use the rest."""
    settings = SupervisedSettings(
        updates=40, batch_size=16, warmup=5, learning_rate=1e-3, look_every=10, save_every=10
    )
    run = SupervisedRun(
        "tuned", "where", "catch", "", "gap@0.125", 3, settings, folder / "runs", folder / "found"
    )
    options = Options(workers=1, wandb_mode="disabled", device="cpu", threads=1)
    told: list[Progress] = []
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Interrupted):
        perform(run, options, told.append, stopping)
    assert not run.published.exists()
    perform(run, options, told.append, threading.Event())
    row = json.loads(run.published.read_text())
    assert [point[0] for point in row["curve"]] == [10, 20, 30, 40]
    assert row["columns"][:3] == ["update", "loss", "skill"]
    assert row["settings"]["learning_rate"] == 1e-3
    found = {m.measure: m for m in collect([folder / "found"])}
    assert found["where_r2"].value == row["skill"]
    assert found["where_gain"].value == row["gain"]
    assert {"updates_to_4px", "jnd_px", "coarse_r2", "phase_r2", "equivariance"} <= set(found)
    assert {(m.row, m.seed, m.regime, m.game, m.budget) for m in found.values()} == {
        ("gap@0.125", 3, "supervised", "catch", 40)
    }
    on_ladders = {"jnd_px", "equivariance", "equivariance_at_stride"}
    plain = {m.fingerprint for m in found.values() if m.measure not in on_ladders}
    assert plain == {row["fingerprint"]}
    (made_on,) = {found[m].fingerprint for m in on_ladders}
    assert made_on.startswith(f"{row['fingerprint']}, ladders "), "their data are named, too"
    assert told[-1].doing == "measuring"
    measured_again(folder, run, found)


def measured_again(folder: Path, run: SupervisedRun, before: dict[str, Measurement]) -> None:
    """The numbers asked for are replaced, others stay; other weights are refused."""
    row = json.loads(run.published.read_text())
    old = replace(before["jnd_px"], value=123.0, fingerprint="of other ladders")
    kept = replace(before["coarse_r2"], value=0.123)
    save([*(m for m in before.values() if m not in (before["jnd_px"], before["coarse_r2"])),
          old, kept], run.measurements)  # fmt: skip
    run.published.write_text(json.dumps({**row, "gain": -1.0}))
    words = ["where", "--game", "catch", "--rows", "gap@0.125", "--seeds", "3",
             "--out", str(folder / "runs"), "--results", str(folder / "found")]  # fmt: skip
    both = [*words[:7], "4", *words[7:]]
    assert remeasure.main([*both, "--measures", "jnd"]) == 1, "there is no seed 4"
    after = {m.measure: m for m in collect([folder / "found"])}
    assert after.keys() == before.keys()
    assert replace(after["jnd_px"], commit="") == before["jnd_px"]
    assert after["jnd_px"].commit == commit()
    assert after["coarse_r2"].value == 0.123
    told = json.loads(run.published.read_text())
    assert told == {**row, "gain": pytest.approx(row["gain"], abs=2e-5)}, "off the curve's 5 digits"
    run.published.write_text(json.dumps({**row, "skill": row["skill"] + 0.01}))
    with pytest.raises(BadInput, match="expected the weights of"):
        remeasure.main(words)
    with pytest.raises(BadInput, match="--rows: expected a network with its row"):
        remeasure.main([*words[:7], "--out", str(folder / "nothing")])


def an_agent(capsys: pytest.CaptureFixture[str]) -> None:
    """Trained, scored, measured; measured once; and what claims can use of it."""
    words = ["--game", "catch", "--extractor", "gap@0.125", "--preset", "demo", "--steps", "1200"]
    looks, alone = ["--eval-every", "400", "--checkpoint-every", "400"], ["--wandb", "disabled"]
    assert train.main([*words, *looks, *alone]) == 0
    told = said(capsys, "runs/demo", "--games", "4", "--measures", "shifts,receptive,bits", *alone)
    assert "bits: not of gap in catch, left out" in told
    folder = Path("runs/demo/catch/gap@0.125/seed0/evaluation")
    assert {"shifts.parquet", "receptive.parquet"} <= {p.name for p in folder.iterdir()}
    assert len(pd.read_parquet(folder / "shifts.parquet")) > 5
    card, agent = (
        json.loads((folder / at).read_text()) for at in ("measures.json", "../agent.json")
    )
    assert {taken["agent_sha256"] for taken in card.values()} == {agent["sha256"]}
    measured = {m.measure: m for m in load(folder / "measurements.json")}
    assert set(measured) == {"score", "score_gain", "q_shift", "action_kappa"}
    assert {(m.row, m.regime, m.budget) for m in measured.values()} == {
        ("gap@0.125", "reinforcement", 1200)
    }
    again = said(capsys, "runs/demo", "--games", "4", "--measures", "shifts", *alone)
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
